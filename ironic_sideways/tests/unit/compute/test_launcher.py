# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License. You may obtain
# a copy of the License at
#
#      http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS, WITHOUT
# WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the
# License for the specific language governing permissions and limitations
# under the License.

import nova.service
import nova.virt
import pytest
from nova.virt.driver import load_compute_driver
from oslo_config import cfg

from ironic_sideways.compute import launcher

STOCK_MANAGERS = dict(nova.service.SERVICE_MANAGERS)
STOCK = "nova.compute.manager.ComputeManager"
OURS = "ironic_sideways.compute.manager.ClusteredComputeManager"


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nova's table of managers, asked as nova-compute would."""
    monkeypatch.setattr(nova.service, "SERVICE_MANAGERS", dict(STOCK_MANAGERS))
    launcher.register_compute_manager()


def test_the_drivers_names_of_2014_lead_to_the_base_driver() -> None:
    short = load_compute_driver(None, "baremetal.BareMetalDriver")
    long = load_compute_driver(None, "baremetal.driver.BareMetalDriver")
    assert type(short) is type(long)
    assert type(short).__module__ == "nova.virt.baremetal.driver"


def test_novas_own_drivers_are_still_found() -> None:
    assert type(load_compute_driver(None, "fake.FakeDriver")).__name__ == "FakeDriver"


def test_without_the_option_the_manager_is_novas() -> None:
    assert nova.service.SERVICE_MANAGERS.get("nova-compute") == STOCK


def test_the_option_is_read_when_the_service_is_made(nova_conf: cfg.ConfigOpts) -> None:
    nova_conf.set_override("compute_manager", OURS)
    assert nova.service.SERVICE_MANAGERS.get("nova-compute") == OURS


def test_other_services_keep_their_managers(nova_conf: cfg.ConfigOpts) -> None:
    nova_conf.set_override("compute_manager", OURS)
    managers = nova.service.SERVICE_MANAGERS
    assert managers.get("nova-conductor") == STOCK_MANAGERS["nova-conductor"]
    assert managers.get("no-such-service") is None


def test_registering_twice_is_registering_once() -> None:
    managers = nova.service.SERVICE_MANAGERS
    launcher.register_compute_manager()
    launcher.extend_driver_path()
    assert nova.service.SERVICE_MANAGERS is managers
    assert nova.virt.__path__.count(str(launcher.VIRT_DIRECTORY)) == 1


def test_the_log_says_which_manager_was_loaded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level("INFO"):
        nova.service.SERVICE_MANAGERS.get("nova-compute")
    assert f"Loading compute manager '{STOCK}'" in caplog.text
