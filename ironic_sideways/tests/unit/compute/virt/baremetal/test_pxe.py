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


"""Net-booted instances: what nova-baremetal left in files, ports and rows."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from nova import exception
from nova.context import RequestContext
from nova.objects.instance import Instance
from nova.virt.baremetal import BareMetalDriver, images, pxe
from oslo_config import cfg

from ironic_sideways.tests.unit.compute import fakes
from ironic_sideways.tests.unit.compute.conftest import make_instance, network_info

ROOT = "8d295fb6-bc13-496b-9ee2-ac49c9850df1"
LINK = "pxelinux.cfg/01-52-54-00-03-00-00"
OPTIONS = {
    "bootfile-name": "pxelinux.0",
    "server-ip-address": "192.0.2.1",
    "tftp-server": "192.0.2.1",
}


@pytest.fixture
def tftp_root(
    tmp_path: Path, nova_conf: cfg.ConfigOpts, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A TFTP root, a deploy helper, and a glance that gives each image its id."""
    root = tmp_path / "tftpboot"
    helper = tmp_path / "helper"
    helper.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/helped\necho {ROOT}\n')
    helper.chmod(0o755)
    for name, value in (
        ("tftp_root", str(root)),
        ("deploy_helper", f"{helper} --word"),
        ("pxe_append_params", "console=ttyS0"),
    ):
        nova_conf.set_override(name, value, "baremetal")
    nova_conf.set_override("my_ip", "192.0.2.1")
    nova_conf.set_override("instances_path", str(tmp_path / "instances"))
    monkeypatch.setattr(images, "download", lambda image, path: path.write_text(image))
    return root


@pytest.fixture
def node(add_node: Callable[..., str]) -> str:
    return add_node()


def ami(node: str, **changes: str) -> Instance:
    instance = make_instance(node)
    instance.system_metadata = {"image_container_format": "ami"}
    instance.kernel_id, instance.ramdisk_id = "aki", "ari"
    for name, value in changes.items():
        setattr(instance, name, value)
    return instance


@pytest.fixture
def running(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    ports: fakes.Neutron,
    tftp_root: Path,
) -> Instance:
    """A net-booted instance that was spawned with port-1."""
    instance = ami(node)
    ports.add("port-1")
    spawn(driver, admin, instance, "port-1")
    return instance


def spawn(
    driver: BareMetalDriver, admin: RequestContext, instance: Instance, *port_ids: str
) -> None:
    driver.spawn(
        admin, instance, None, [], None, {}, network_info=network_info(*port_ids)
    )


def options(ports: fakes.Neutron) -> dict[str, str]:
    found = ports.ports["port-1"].get("extra_dhcp_opts", [])
    return {option["opt_name"]: option["opt_value"] for option in found}


def test_spawn_lays_down_nova_baremetals_tree(
    running: Instance, tftp_root: Path
) -> None:
    directory = tftp_root / running.uuid
    names = ("kernel", "ramdisk", "deploy_kernel", "deploy_ramdisk")
    found = [(directory / name).read_text() for name in names]
    assert found == ["aki", "ari", "kernel-id", "ramdisk-id"]
    assert (tftp_root / LINK).readlink() == directory / "config"


def test_the_configuration_after_the_deploy_is_that_of_2014(
    running: Instance, tftp_root: Path, row: Callable[[str], sa.Row]
) -> None:
    found = row(running.node)
    directory = tftp_root / running.uuid
    assert (directory / "config").read_text().splitlines() == [
        "default boot",
        "",
        "label deploy",
        f"kernel {directory}/deploy_kernel",
        f"append initrd={directory}/deploy_ramdisk selinux=0 "
        f"disk=cciss/c0d0,sda,hda,vda iscsi_target_iqn=iqn-{running.uuid} "
        f"deployment_id={found.id} deployment_key={found.deploy_key} troubleshoot=0 "
        "console=ttyS0",
        "ipappend 3",
        "",
        "",
        "label boot",
        f"kernel {directory}/kernel",
        f"append initrd={directory}/ramdisk root=UUID={ROOT} ro console=ttyS0",
    ]


def test_spawn_writes_the_rows_columns(
    running: Instance, tftp_root: Path, row: Callable[[str], sa.Row], tmp_path: Path
) -> None:
    found = row(running.node)
    image = tmp_path / "instances" / running.name / "disk"
    assert found.pxe_config_path == str(tftp_root / running.uuid / "config")
    assert found.image_path == str(image)
    assert len(found.deploy_key) == 32
    assert image.read_text() == "image-id"
    assert (tmp_path / "helped").read_text() == f"--word {running.node} {image}\n"


def test_the_machine_boots_over_the_network_at_every_power_on(
    driver: BareMetalDriver,
    admin: RequestContext,
    running: Instance,
    bmcs: fakes.Bmcs,
) -> None:
    driver.reboot(admin, running, network_info(), "HARD")
    again = [
        "bmc-0 power off",
        "bmc-0 chassis bootdev pxe options=persistent",
        "bmc-0 power on",
    ]
    assert bmcs.asked() == again + again


def test_the_port_gets_the_boot_options_beside_its_own(
    running: Instance, ports: fakes.Neutron
) -> None:
    assert options(ports) == OPTIONS


def test_destroy_leaves_no_file_and_no_boot_option(
    driver: BareMetalDriver,
    admin: RequestContext,
    running: Instance,
    ports: fakes.Neutron,
    tftp_root: Path,
    tmp_path: Path,
    row: Callable[[str], sa.Row],
) -> None:
    driver.destroy(admin, running, network_info("port-1"))
    assert [path.name for path in tftp_root.rglob("*")] == ["pxelinux.cfg"]
    assert list((tmp_path / "instances").iterdir()) == []
    assert options(ports) == {}
    assert row(running.node).pxe_config_path is None


def test_a_rebuild_onto_a_whole_disk_boots_from_disk(
    driver: BareMetalDriver,
    admin: RequestContext,
    running: Instance,
    ports: fakes.Neutron,
    tftp_root: Path,
    row: Callable[[str], sa.Row],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(running), "save", lambda _self, **_named: None)
    running.system_metadata = {"image_container_format": "bare"}
    driver.rebuild(
        context=admin,
        instance=running,
        image_meta=SimpleNamespace(),
        network_info=network_info("port-1"),
    )
    assert options(ports) == {}
    assert row(running.node).pxe_config_path is None
    assert not (tftp_root / LINK).is_symlink()


@pytest.mark.parametrize(
    ("changes", "helper", "words"),
    [
        ({"kernel_id": ""}, "/bin/true", "needs the properties kernel_id"),
        ({}, "", "set .baremetal. deploy_helper"),
    ],
)
def test_an_ami_that_cannot_boot_is_refused_before_anything_is_done(
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
        spawn(driver, admin, ami(node, **changes))
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
        spawn(driver, admin, ami(node))
    assert row(node).task_state == "deleted"
    assert not list(tftp_root.glob("*/config"))


def test_an_image_without_a_root_file_system_is_no_ami(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    tftp_root: Path,
    nova_conf: cfg.ConfigOpts,
) -> None:
    nova_conf.set_override("deploy_helper", "true", "baremetal")
    with pytest.raises(Exception, match="expected a root file system with a UUID"):
        spawn(driver, admin, ami(node))


def test_the_switch_leaves_the_deploy_label_alone() -> None:
    before = "default deploy\nlabel deploy\nappend x\nlabel boot\nroot=${ROOT} ro\n"
    after = pxe.switch_config(before, ROOT)
    assert after == before.replace("default deploy", "default boot").replace(
        "${ROOT}", f"UUID={ROOT}"
    )
