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
from nova.network import model as network_model
from nova.objects.instance import Instance
from nova.virt.baremetal import BareMetalDriver, images, pxe, rows
from oslo_config import cfg

from ironic_sideways import exceptions, ipmi
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
    helper.write_text(
        f'#!/bin/sh\necho "$@" > {tmp_path}/helped\ncat "$3" >> {tmp_path}/helped\n'
        f"echo {ROOT}\n"
    )
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


def qcow2(node: str, **changes: object) -> Instance:
    instance = make_instance(node)
    instance.system_metadata = {"image_container_format": "bare"}
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
    instance = qcow2(node)
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
    # The helper had it; afterwards nobody needs it.
    assert not image.parent.exists()
    assert (tmp_path / "helped").read_text().split() == [
        *("--word", running.node, str(image)),
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


@pytest.mark.parametrize("container", ["bare", "ami", None])
def test_t3_kernel_and_ramdisk_make_a_net_boot_whatever_the_container(
    qcow2_of: Callable[[dict], Instance], container: str | None
) -> None:
    assert pxe.wanted(qcow2_of({"image_container_format": container}))
    assert not pxe.wanted(
        qcow2_of({"image_container_format": container, "image_baremetal_boot": "disk"})
    )


@pytest.fixture
def qcow2_of(node: str, tftp_root: Path) -> Callable[[dict], Instance]:
    """An instance with kernel and ramdisk whose image has these properties."""
    return lambda metadata: qcow2(node, system_metadata=metadata)


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
    running: Instance,
    row: Callable[[str], sa.Row],
    tftp_root: Path,
    nova_conf: cfg.ConfigOpts,
    vif_uuid: Callable[[str], str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(running), "save", lambda _self, **_named: None)
    nova_conf.set_override("deploy_helper", "false", "baremetal")
    with pytest.raises(exception.InstanceDeployFailure, match="deploy_helper failed"):
        driver.rebuild(
            context=admin, instance=running, network_info=network_info("port-1")
        )
    found = row(running.node)
    assert (found.task_state, found.instance_uuid) == ("deleted", None)
    assert (found.pxe_config_path, found.image_path, found.root_mb) == (None, None, 0)
    assert vif_uuid(running.node) is None
    assert not list(tftp_root.glob("*/config"))
    assert driver.rows.node(running.node).free


def test_the_ports_addresses_are_kernel_arguments_where_asked_for(
    driver: BareMetalDriver,
    admin: RequestContext,
    node: str,
    ports: fakes.Neutron,
    tftp_root: Path,
    nova_conf: cfg.ConfigOpts,
) -> None:
    nova_conf.set_override("pxe_network_config", True, "baremetal")
    instance = qcow2(node)
    ports.add("port-1")
    subnets = [
        network_model.Subnet(
            cidr=cidr,
            gateway=network_model.IP(gateway),
            ips=[network_model.FixedIP(address=address)],
        )
        for cidr, gateway, address in (
            ("fd00::/64", "fd00::1", "fd00::9"),
            ("192.0.2.0/24", "192.0.2.1", "192.0.2.19"),
        )
    ]
    vif = network_model.VIF(id="port-1", network=network_model.Network(subnets=subnets))
    info = network_model.NetworkInfo([vif])
    driver.spawn(admin, instance, None, [], None, {}, network_info=info)
    text = (tftp_root / instance.uuid / "config").read_text()
    assert text.endswith(
        " ro console=ttyS0 ip=192.0.2.19::192.0.2.1:255.255.255.0::eth0:off\n"
    )


def test_a_bmc_that_refuses_the_boot_device_is_logged(
    driver: BareMetalDriver,
    admin: RequestContext,
    running: Instance,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_words: object, **_named: object) -> None:
        raise exceptions.SidewaysError("Invalid data field in request")

    monkeypatch.setattr(ipmi, "boot_device", refuse)
    driver.reboot(admin, running, network_info(), "HARD")
    assert "Invalid data field in request" in caplog.text


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
    running.system_metadata = {"image_baremetal_boot": "disk"}
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


def test_the_switch_leaves_the_deploy_label_alone() -> None:
    before = "default deploy\nlabel deploy\nappend x\nlabel boot\nroot=${ROOT} ro\n"
    after = pxe.switch_config(before, ROOT)
    assert after == before.replace("default deploy", "default boot").replace(
        "${ROOT}", f"UUID={ROOT}"
    )
