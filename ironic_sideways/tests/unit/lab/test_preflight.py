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

"""What stands in the way is named, in one line, before anything is made."""

import dataclasses
import ipaddress
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from ironic_sideways import exceptions
from ironic_sideways.lab import bridge, preflight
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.record import LabRecord

WHOLE = LabRecord.new(98, 8, "nova_bm")
HARDWARE = LabRecord.new(98, 8, "nova_bm", hardware_only=True, owner="root")


@pytest.fixture(autouse=True)
def good_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root on a machine that is large enough and has everything installed."""
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(preflight, "PROGRAMS", {})
    monkeypatch.setattr(preflight, "DISK_BYTES", 0)
    monkeypatch.setattr(preflight, "MEMORY_BYTES", 0)
    monkeypatch.setattr(bridge, "find", lambda name: None)
    monkeypatch.setattr(bridge, "taken_networks", lambda: [])


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Layout:
    return Layout(Path("/tmp/isw-unit"), 98)  # noqa: S108 (never made)


def refusal(layout: Layout) -> str:
    with pytest.raises(exceptions.SidewaysError) as refused:
        preflight.check_host(layout, WHOLE)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_good_host_is_accepted(short: Layout) -> None:
    preflight.check_host(short, WHOLE)


def test_without_root(short: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    assert "sudo" in refusal(short)


def test_without_a_program(short: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "PROGRAMS", {"no-such-program": "its-package"})

    assert "apt-get install its-package" in refusal(short)


def test_with_too_little_disk(short: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "DISK_BYTES", 10**18)

    assert "free disk" in refusal(short)


def test_with_too_little_memory(short: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "MEMORY_BYTES", 10**18)

    assert "memory" in refusal(short)


def test_with_a_path_too_long_for_sockets() -> None:
    assert "shorter --directory" in refusal(Layout(Path("/" + "x" * 80), 98))


@pytest.mark.parametrize("name", ["a b", "100%", 'a"b', "a;b", "a#b", "a$b"])
def test_with_a_path_that_means_something_to_a_service(name: str) -> None:
    assert "letters, digits" in refusal(Layout(Path("/srv", name), 98))


def test_a_taken_port_is_named_with_its_holder(short: Layout) -> None:
    with (
        socket.create_server(("127.0.0.1", short.port("keystone"))),
        pytest.raises(exceptions.SidewaysError) as refused,
    ):
        preflight.check_free(short, WHOLE)

    assert f"port {short.port('keystone')} (keystone): taken by" in str(refused.value)
    assert "pid" in str(refused.value)


def test_a_taken_bmc_address_is_named(
    short: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = SimpleNamespace(
        laddr=SimpleNamespace(ip=short.bmc_address(2), port=623), pid=1
    )
    monkeypatch.setattr(
        "psutil.net_connections", lambda kind: [taken] if kind == "udp4" else []
    )

    with pytest.raises(exceptions.SidewaysError, match=short.bmc_address(2)):
        preflight.check_free(short, WHOLE)


def test_a_bridge_of_somebody_else_is_in_the_way(
    short: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "find", lambda name: {"ifname": name})

    with pytest.raises(exceptions.SidewaysError, match="isw98: in the way"):
        preflight.check_free(short, WHOLE)


def test_a_bridge_that_a_killed_lab_left_behind_is_not_in_the_way(
    short: Layout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    left = {"ifname": short.bridge, "ifalias": f"{bridge.MARK} {tmp_path}"}
    monkeypatch.setattr(bridge, "find", lambda name: left)

    preflight.check_free(short, WHOLE)


def test_a_bridge_of_a_lab_that_lives_is_in_the_way(
    short: Layout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    left = {"ifname": short.bridge, "ifalias": f"{bridge.MARK} {tmp_path}"}
    monkeypatch.setattr(bridge, "find", lambda name: left)
    monkeypatch.setattr(bridge.processes, "of_lab", lambda directory: [4711])

    with pytest.raises(exceptions.SidewaysError, match=str(tmp_path)):
        preflight.check_free(short, WHOLE)


def refused_network(
    monkeypatch: pytest.MonkeyPatch, layout: Layout, *taken: tuple[str, str]
) -> str:
    found = [(device, ipaddress.ip_network(network)) for device, network in taken]
    monkeypatch.setattr(bridge, "taken_networks", lambda: found)
    with pytest.raises(exceptions.SidewaysError) as refused:
        preflight.check_free(layout, WHOLE)
    return str(refused.value)


def test_a_network_of_the_host_that_overlaps_is_named_with_an_option_that_helps(
    short: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = ("docker0", "172.30.0.0/16"), ("br-2", "172.29.0.0/16")

    assert refused_network(monkeypatch, short, *docker) == (
        "network 172.30.98.0/24: overlaps 172.30.0.0/16 of this host (docker0); "
        "choose another by --network, such as --network 10.99"
    )
    preflight.check_free(dataclasses.replace(short, prefix="10.99"), WHOLE)


def test_an_address_of_the_host_within_the_labs_network_is_named(
    short: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = refused_network(monkeypatch, short, ("eth0", "172.30.98.7/32"))

    assert "overlaps 172.30.98.7/32 of this host (eth0)" in told


def test_the_labs_ipv6_network_is_looked_at_too(
    short: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = refused_network(monkeypatch, short, ("wg0", "fd00:172::/32"))

    assert "network fd00:172:30:98::/64: overlaps fd00:172::/32" in told
    assert "--network 10.99" in told


def test_where_no_network_is_free_that_is_said(
    short: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = refused_network(monkeypatch, short, ("wg0", "fd00::/8"))

    assert "such as" not in told
    assert told.endswith("free: free one of those networks")


def test_the_bridge_that_a_killed_lab_left_does_not_overlap(
    short: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(short.bridge, short.network), (short.bridge, short.network6)]
    monkeypatch.setattr(bridge, "taken_networks", lambda: found)

    preflight.check_free(short, WHOLE)


def test_a_machine_of_somebody_else_is_in_the_way(
    short: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["/usr/bin/qemu-system-x86_64", "-name", "guest=isw98-node-1,debug=on"]
    stranger = SimpleNamespace(pid=4711, info={"name": "qemu", "cmdline": command})
    monkeypatch.setattr("psutil.process_iter", lambda attributes: [stranger])

    with pytest.raises(exceptions.SidewaysError, match=r"isw98-node-1.*pid 4711"):
        preflight.check_free(short, WHOLE)


def test_the_hardware_alone_needs_no_database_server(
    short: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "PROGRAMS", {"no-such-program": "its-package"})
    monkeypatch.setattr(preflight, "HARDWARE_PROGRAMS", {})

    preflight.check_host(short, HARDWARE)


def test_the_hardware_alone_leaves_the_control_planes_ports_to_others(
    short: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", short.port("keystone")))
        taken.listen()
        with pytest.raises(exceptions.SidewaysError, match="keystone"):
            preflight.check_free(short, WHOLE)
        preflight.check_free(short, HARDWARE)
