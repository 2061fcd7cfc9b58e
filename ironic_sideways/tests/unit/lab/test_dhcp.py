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

"""dnsmasq is told of an address, and when it is taken back."""

import signal
import socket
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from ironic_sideways.lab import dhcp
from ironic_sideways.tests.strategies import settings

MAC = "52:54:00:07:00:01"


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What was sent to dnsmasq."""
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr("os.kill", lambda pid, number: sent.append((pid, number)))
    return sent


@pytest.fixture
def hosts(tmp_path: Path) -> dhcp.HostFiles:
    (tmp_path / "pid").write_text("4711\n")
    for name in ("hosts", "options"):
        (tmp_path / name).mkdir()
    hosts, options = tmp_path / "hosts", tmp_path / "options"
    return dhcp.HostFiles(hosts, options, tmp_path / "pid", "lo", "127.0.0.1")


def lines(hosts: dhcp.HostFiles) -> list[str]:
    return [path.read_text() for path in sorted(hosts.directory.iterdir())]


def test_a_machine_gets_its_address(
    hosts: dhcp.HostFiles, signals: list[tuple[int, int]]
) -> None:
    hosts.assign(MAC, "172.30.7.10")

    assert lines(hosts) == [f"{MAC},172.30.7.10\n"]
    assert signals == [(4711, signal.SIGHUP)]


def test_dnsmasq_is_left_alone_when_nothing_changes(
    hosts: dhcp.HostFiles, signals: list[tuple[int, int]]
) -> None:
    hosts.assign(MAC, "172.30.7.10")
    hosts.assign(MAC, "172.30.7.10")
    hosts.withdraw("52:54:00:07:00:02")

    assert len(signals) == 1


def test_another_address_takes_the_place_of_the_first(
    hosts: dhcp.HostFiles, signals: list[tuple[int, int]]
) -> None:
    hosts.assign(MAC, "172.30.7.10")
    hosts.assign(MAC.upper(), "172.30.7.11")

    assert lines(hosts) == [f"{MAC.upper()},172.30.7.11\n"]


def test_an_address_is_withdrawn(
    hosts: dhcp.HostFiles, signals: list[tuple[int, int]]
) -> None:
    hosts.assign(MAC, "172.30.7.10")
    hosts.withdraw(MAC)

    assert lines(hosts) == []
    assert len(signals) == 2


def test_it_works_before_dnsmasq_runs(hosts: dhcp.HostFiles) -> None:
    hosts.pid_file.unlink()

    hosts.assign(MAC, "172.30.7.10")

    assert lines(hosts) == [f"{MAC},172.30.7.10\n"]


def test_the_release_is_what_rfc_2131_says() -> None:
    message = dhcp.release_message(MAC, "172.30.7.10", "172.30.7.1")

    assert message[:4] == bytes((1, 1, 6, 0))
    assert message[12:16] == socket.inet_aton("172.30.7.10")
    assert message[28:34] == bytes.fromhex(MAC.replace(":", ""))
    assert message[236:240] == b"\x63\x82\x53\x63"
    assert message[240:] == b"\x35\x01\x07\x36\x04" + bytes((172, 30, 7, 1)) + b"\xff"


BOOT = {"bootfile-name": "pxelinux.0", "server-ip-address": "172.30.7.1", "66": "x"}


def test_options_of_its_own_reach_the_machine_by_its_tag(
    hosts: dhcp.HostFiles, signals: list[tuple[int, int]]
) -> None:
    hosts.assign(MAC, "172.30.7.10", BOOT)

    tag = "mac-52-54-00-07-00-01"
    assert lines(hosts) == [f"{MAC},172.30.7.10\n"]
    (options,) = hosts.options.iterdir()
    assert options.read_text().splitlines() == [
        f"tag:{tag},option:bootfile-name,pxelinux.0",
        f"tag:{tag},option:server-ip-address,172.30.7.1",
        f"tag:{tag},66,x",
    ]
    assert len(signals) == 1


def test_options_that_go_leave_the_machine_its_lease(
    hosts: dhcp.HostFiles,
    signals: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts.assign(MAC, "172.30.7.10", BOOT)
    monkeypatch.setattr(hosts, "_release", lambda *_: pytest.fail("released"))
    hosts.assign(MAC, "172.30.7.10")

    assert lines(hosts) == [f"{MAC},172.30.7.10\n"]
    assert list(hosts.options.iterdir()) == []
    assert len(signals) == 2


def test_a_machine_whose_address_is_taken_back_keeps_no_options(
    hosts: dhcp.HostFiles, signals: list[tuple[int, int]]
) -> None:
    hosts.assign(MAC, "172.30.7.10", BOOT)
    hosts.withdraw(MAC)

    assert lines(hosts) == list(hosts.options.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bootfile-name", "x\noption:router,172.30.7.66"),
        ("bootfile-name", "x\roption:router,172.30.7.66"),
        ("bootfile-name", 'x" option:router'),
        ("bootfile-name", "x #"),
        ("bootfile-name", ""),
        ("tftp-server", "x\u2028y"),
        ("server-ip-address", "not an address"),
        ("150", "172.30.7.1,172.30.7.2"),
        ("bootfile-name\n3", "172.30.7.66"),
        ("router", "172.30.7.66"),
        ("3", "172.30.7.66"),
        ("tag:ipxe,67", "x"),
        ("\u0663", "172.30.7.66"),
    ],
)
def test_s8_a_port_s_options_are_for_its_own_machine_and_its_boot_alone(
    hosts: dhcp.HostFiles,
    signals: list[tuple[int, int]],
    caplog: pytest.LogCaptureFixture,
    name: str,
    value: str,
) -> None:
    hosts.assign(MAC, "172.30.7.10", {name: value, "66": "172.30.7.1"})

    (options,) = hosts.options.iterdir()
    assert options.read_text() == "tag:mac-52-54-00-07-00-01,66,172.30.7.1\n"
    (record,) = caplog.records
    assert repr(value) in record.getMessage()
    assert "\n" not in record.getMessage()


@settings(ci=40, soak=2000)
@hypothesis.given(st.text(max_size=12), st.text(max_size=40))
def test_s8_whatever_a_port_says_is_one_line_with_its_tag(
    tmp_path_factory: pytest.TempPathFactory, name: str, value: str
) -> None:
    path = tmp_path_factory.mktemp("hosts")
    hosts = dhcp.HostFiles(path, path / "options", path / "pid", "lo", "127.0.0.1")
    hosts.options.mkdir()
    hosts.assign(MAC, "172.30.7.10", {name: value, "bootfile-name": value})
    for file in hosts.options.iterdir():
        for line in file.read_text().splitlines():
            assert line.startswith("tag:mac-52-54-00-07-00-01,")
            assert line.count(",") == 2
