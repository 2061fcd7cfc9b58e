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

"""The extra specs that a host's nodes offer."""

from collections.abc import Callable

import pytest
from nova import exception
from nova.virt.baremetal import BareMetalDriver
from oslo_config import cfg


def test_the_flavor_extra_specs_are_the_hosts(
    started: Callable[[], BareMetalDriver],
    add_node: Callable[..., str],
    nova_conf: cfg.ConfigOpts,
) -> None:
    nova_conf.set_override("flavor_extra_specs", ["cpu_arch:amd64"], "baremetal")
    resources = started().get_available_resource(add_node())
    assert resources["supported_instances"] == [("x86_64", "baremetal", "hvm")]
    assert resources["stats"] == {"cpu_arch": "amd64"}


@pytest.mark.parametrize("entry", ["cpu_arch", ":x86_64", "cpu_arch:abacus"])
def test_a_wrong_extra_spec_stops_the_start(
    started: Callable[[], BareMetalDriver], nova_conf: cfg.ConfigOpts, entry: str
) -> None:
    nova_conf.set_override("flavor_extra_specs", [entry], "baremetal")
    with pytest.raises(exception.InvalidConfiguration, match="flavor_extra_specs"):
        started()
