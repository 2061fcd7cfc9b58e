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

"""The deploy images of a flavor: named, in glance, and active."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from nova import exception
from nova.context import RequestContext
from nova.virt.baremetal import BareMetalDriver
from oslo_config import cfg

from ironic_sideways.tests.unit.compute import fakes
from ironic_sideways.tests.unit.compute.conftest import make_instance
from ironic_sideways.tests.unit.compute.virt.baremetal.conftest import spawn


@pytest.mark.parametrize(
    ("extra_specs", "words"),
    [
        ({"cpu_arch": "x86_64"}, "no deploy kernel"),
        ({"baremetal:deploy_kernel_id": "kernel-id"}, "no deploy ramdisk"),
        (
            {
                "baremetal:deploy_kernel_id": "kernel-id",
                "baremetal:deploy_ramdisk_id": "gone",
            },
            "deploy ramdisk image gone: expected it active in glance, found no such",
        ),
    ],
)
def test_spawn_refuses_a_flavor_without_its_deploy_images_and_touches_nothing(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    row: Callable[[str], sa.Row],
    bmcs: fakes.Bmcs,
    extra_specs: dict[str, str],
    words: str,
) -> None:
    before = row(node)
    with pytest.raises(exception.BuildAbortException, match=words):
        spawn(driver, admin, make_instance(node, **extra_specs))
    assert row(node) == before
    assert bmcs.asked() == []


def test_spawn_refuses_a_deploy_image_that_is_not_active(
    driver: BareMetalDriver, admin: RequestContext, node: str, glance: dict[str, str]
) -> None:
    glance["kernel-id"] = "queued"
    with pytest.raises(exception.BuildAbortException, match="found queued"):
        spawn(driver, admin, make_instance(node))


def test_a_flavor_may_leave_the_deploy_images_to_the_configuration(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    row: Callable[[str], sa.Row],
    nova_conf: cfg.ConfigOpts,
) -> None:
    nova_conf.set_override("deploy_kernel", "kernel-id", "baremetal")
    nova_conf.set_override("deploy_ramdisk", "ramdisk-id", "baremetal")
    spawn(driver, admin, make_instance(node, cpu_arch="x86_64"))
    assert row(node).task_state == "active"
