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


"""The deploy of a net-booted instance: its row, its helper, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from nova import exception
from nova.context import RequestContext
from nova.objects.instance import Instance
from nova.virt.baremetal import BareMetalDriver, pxe, rows
from oslo_config import cfg

from ironic_sideways.tests.unit.compute import fakes
from ironic_sideways.tests.unit.compute.conftest import network_info
from ironic_sideways.tests.unit.compute.virt.baremetal.conftest import qcow2, spawn


def test_spawn_writes_the_rows_columns(
    net_booted: Instance, tftp_root: Path, row: Callable[[str], sa.Row], tmp_path: Path
) -> None:
    found = row(net_booted.node)
    image = tmp_path / "instances" / net_booted.name / "disk"
    assert found.pxe_config_path == str(tftp_root / net_booted.uuid / "config")
    assert found.image_path == str(image)
    assert len(found.deploy_key) == 32
    # The helper had it; afterwards nobody needs it.
    assert not image.parent.exists()
    assert (tmp_path / "helped").read_text().split() == [
        *("--word", net_booted.node, str(image)),
        *("--root-mb", str(found.root_mb), "--swap-mb", str(found.swap_mb)),
        *("--ephemeral-mb", str(found.ephemeral_mb)),
        "image-id",
    ]


def test_t10_a_rebuild_preserves_the_ephemeral_disk_that_the_flavor_has(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    tftp_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance = qcow2(node)
    instance.flavor.ephemeral_gb, instance.flavor.swap = 1, 64
    spawn(driver, admin, instance)
    first = (tmp_path / "helped").read_text().split()
    monkeypatch.setattr(type(instance), "save", lambda _self, **_named: None)

    driver.rebuild(
        context=admin, instance=instance, image_meta=None, preserve_ephemeral=True
    )

    again = (tmp_path / "helped").read_text().split()
    assert first[-5:-1] == ["--swap-mb", "64", "--ephemeral-mb", "1024"]
    assert again == [*first[:-1], "--preserve-ephemeral", first[-1]]


def test_the_row_says_what_driver_and_helper_of_2014_said(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    tftp_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[object] = []
    update = driver.rows.update

    def note(row: object, **values: object) -> None:
        said.extend(values[name] for name in ("task_state",) if name in values)
        update(row, **values)

    monkeypatch.setattr(driver.rows, "update", note)
    spawn(driver, admin, qcow2(node))
    assert said == ["prepared", "deploying", "deploy complete", "active"]
    said.clear()
    monkeypatch.setattr(pxe, "_run_helper", lambda *_: "")
    driver.destroy(admin, qcow2(node), None)
    with pytest.raises(Exception, match="expected a root file system"):
        driver.rebuild(
            context=admin,
            instance=claimed(driver, node, monkeypatch),
            network_info=network_info(),
        )
    assert said == [
        "building",
        "prepared",
        "deploying",
        "deploy failed",
        "error",
        "deleted",
    ]


def claimed(
    driver: BareMetalDriver, node: str, monkeypatch: pytest.MonkeyPatch
) -> Instance:
    """An instance that has the node, as before a rebuild."""
    instance = qcow2(node)
    monkeypatch.setattr(type(instance), "save", lambda _self, **_named: None)
    row = driver.rows.node(node)
    driver.rows._write(
        rows.NODES, rows.NODES.c.id == row.id, {"instance_uuid": instance.uuid}
    )
    return instance


def test_t9_a_rebuild_that_fails_frees_the_row_under_novas_instance(
    driver: BareMetalDriver,
    admin: RequestContext,
    net_booted: Instance,
    row: Callable[[str], sa.Row],
    tftp_root: Path,
    nova_conf: cfg.ConfigOpts,
    vif_uuid: Callable[[str], str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(net_booted), "save", lambda _self, **_named: None)
    nova_conf.set_override("deploy_helper", "false", "baremetal")
    with pytest.raises(exception.InstanceDeployFailure, match="deploy_helper failed"):
        driver.rebuild(
            context=admin, instance=net_booted, network_info=network_info("port-1")
        )
    found = row(net_booted.node)
    assert (found.task_state, found.instance_uuid) == ("deleted", None)
    assert (found.pxe_config_path, found.image_path, found.root_mb) == (None, None, 0)
    assert vif_uuid(net_booted.node) is None
    assert not list(tftp_root.glob("*/config"))
    assert driver.rows.node(net_booted.node).free


@pytest.mark.parametrize(
    ("changes", "helper", "words"),
    [
        ({"kernel_id": ""}, "/bin/true", "has no kernel_id: expected"),
        ({"ramdisk_id": None}, "/bin/true", "has no ramdisk_id: expected"),
        (
            {"kernel_id": "", "ramdisk_id": ""},
            "/bin/true",
            "has no kernel_id and ramdisk_id: .* or the property baremetal_boot=disk",
        ),
        ({}, "", "set .baremetal. deploy_helper"),
    ],
)
def test_t3_an_image_that_cannot_boot_is_refused_before_anything_is_done(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    bmcs: fakes.Bmcs,
    tftp_root: Path,
    nova_conf: cfg.ConfigOpts,
    changes: dict[str, str],
    helper: str,
    words: str,
) -> None:
    nova_conf.set_override("deploy_helper", helper, "baremetal")
    with pytest.raises(exception.BuildAbortException, match=words):
        spawn(driver, admin, qcow2(node, **changes))
    assert bmcs.asked() == []


def test_a_helper_that_fails_says_so_and_the_node_is_given_back(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    tftp_root: Path,
    nova_conf: cfg.ConfigOpts,
    row: Callable[[str], sa.Row],
) -> None:
    nova_conf.set_override(
        "deploy_helper", "sh -c 'echo no disk >&2; exit 4'", "baremetal"
    )
    with pytest.raises(Exception, match="failed with exit code 4: no disk"):
        spawn(driver, admin, qcow2(node))
    assert row(node).task_state == "deleted"
    assert not list(tftp_root.glob("*/config"))


def test_an_image_without_a_root_file_system_cannot_boot_over_the_network(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    tftp_root: Path,
    nova_conf: cfg.ConfigOpts,
) -> None:
    nova_conf.set_override("deploy_helper", "true", "baremetal")
    with pytest.raises(Exception, match="expected a root file system with a UUID"):
        spawn(driver, admin, qcow2(node))
