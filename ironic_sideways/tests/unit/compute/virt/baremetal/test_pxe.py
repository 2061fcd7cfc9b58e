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


"""Net-booted instances: what nova-baremetal left in files and ports."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from nova.context import RequestContext
from nova.network import model as network_model
from nova.objects.instance import Instance
from nova.virt.baremetal import BareMetalDriver, pxe
from oslo_config import cfg

from ironic_sideways import exceptions, ipmi
from ironic_sideways.tests.unit.compute import fakes
from ironic_sideways.tests.unit.compute.conftest import network_info
from ironic_sideways.tests.unit.compute.virt.baremetal.conftest import ROOT, qcow2

LINK = "pxelinux.cfg/01-52-54-00-03-00-00"
OPTIONS = {
    "bootfile-name": "pxelinux.0",
    "server-ip-address": "192.0.2.1",
    "tftp-server": "192.0.2.1",
}


def options(ports: fakes.Neutron) -> dict[str, str]:
    found = ports.ports["port-1"].get("extra_dhcp_opts", [])
    return {option["opt_name"]: option["opt_value"] for option in found}


def test_spawn_lays_down_nova_baremetals_tree(
    net_booted: Instance, tftp_root: Path
) -> None:
    directory = tftp_root / net_booted.uuid
    names = ("kernel", "ramdisk", "deploy_kernel", "deploy_ramdisk")
    found = [(directory / name).read_text() for name in names]
    assert found == ["aki", "ari", "kernel-id", "ramdisk-id"]
    assert (tftp_root / LINK).readlink() == directory / "config"


def test_the_configuration_after_the_deploy_is_that_of_2014(
    net_booted: Instance, tftp_root: Path, row: Callable[[str], sa.Row]
) -> None:
    found = row(net_booted.node)
    directory = tftp_root / net_booted.uuid
    assert (directory / "config").read_text().splitlines() == [
        "default boot",
        "",
        "label deploy",
        f"kernel {directory}/deploy_kernel",
        f"append initrd={directory}/deploy_ramdisk selinux=0 "
        f"disk=cciss/c0d0,sda,hda,vda iscsi_target_iqn=iqn-{net_booted.uuid} "
        f"deployment_id={found.id} deployment_key={found.deploy_key} troubleshoot=0 "
        "console=ttyS0",
        "ipappend 3",
        "",
        "",
        "label boot",
        f"kernel {directory}/kernel",
        f"append initrd={directory}/ramdisk root=UUID={ROOT} ro console=ttyS0",
    ]


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
    net_booted: Instance,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(*_words: object, **_named: object) -> None:
        raise exceptions.SidewaysError("Invalid data field in request")

    monkeypatch.setattr(ipmi, "boot_device", refuse)
    driver.reboot(admin, net_booted, network_info(), "HARD")
    assert "Invalid data field in request" in caplog.text


def test_the_machine_boots_over_the_network_at_every_power_on(
    driver: BareMetalDriver,
    admin: RequestContext,
    net_booted: Instance,
    bmcs: fakes.Bmcs,
) -> None:
    driver.reboot(admin, net_booted, network_info(), "HARD")
    again = [
        "bmc-0 power off",
        "bmc-0 chassis bootdev pxe options=persistent",
        "bmc-0 power on",
    ]
    assert bmcs.asked() == again + again


def test_the_port_gets_the_boot_options_beside_its_own(
    net_booted: Instance, ports: fakes.Neutron
) -> None:
    assert options(ports) == OPTIONS


def test_destroy_leaves_no_file_and_no_boot_option(
    driver: BareMetalDriver,
    admin: RequestContext,
    net_booted: Instance,
    ports: fakes.Neutron,
    tftp_root: Path,
    tmp_path: Path,
    row: Callable[[str], sa.Row],
) -> None:
    driver.destroy(admin, net_booted, network_info("port-1"))
    assert [path.name for path in tftp_root.rglob("*")] == ["pxelinux.cfg"]
    assert list((tmp_path / "instances").iterdir()) == []
    assert options(ports) == {}
    assert row(net_booted.node).pxe_config_path is None


def test_a_rebuild_onto_a_whole_disk_boots_from_disk(
    driver: BareMetalDriver,
    admin: RequestContext,
    net_booted: Instance,
    ports: fakes.Neutron,
    tftp_root: Path,
    row: Callable[[str], sa.Row],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(type(net_booted), "save", lambda _self, **_named: None)
    net_booted.system_metadata = {"image_baremetal_boot": "disk"}
    driver.rebuild(
        context=admin,
        instance=net_booted,
        image_meta=SimpleNamespace(),
        network_info=network_info("port-1"),
    )
    assert options(ports) == {}
    assert row(net_booted.node).pxe_config_path is None
    assert not (tftp_root / LINK).is_symlink()


def test_the_switch_leaves_the_deploy_label_alone() -> None:
    before = "default deploy\nlabel deploy\nappend x\nlabel boot\nroot=${ROOT} ro\n"
    after = pxe.switch_config(before, ROOT)
    assert after == before.replace("default deploy", "default boot").replace(
        "${ROOT}", f"UUID={ROOT}"
    )
