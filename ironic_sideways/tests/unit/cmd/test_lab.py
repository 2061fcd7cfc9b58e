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

"""``ironic-sideways lab``: what a lab, or the hardware alone, is asked for."""

from pathlib import Path

import pytest

from ironic_sideways.cmd import main
from ironic_sideways.lab import lifecycle
from ironic_sideways.lab.record import LabRecord


@pytest.fixture
def hardware(tmp_path: Path) -> Path:
    LabRecord.new(7, 5, "fake", hardware_only=True, owner="root").save(
        tmp_path / "lab.json"
    )
    return tmp_path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("number", "7"),
        ("base_driver", "fake"),
        ("gateway", "172.30.7.1"),
        ("network", "172.30.7.0/24"),
        ("allocation_pool", "start=172.30.7.10,end=172.30.7.150"),
        ("bridge", "isw7"),
        ("http_boot_url", "http://172.30.7.1:21361"),
    ],
)
def test_what_follows_from_a_lab_is_shown(hardware, name, expected, capsys):
    assert main.main(["lab", "show", "--directory", str(hardware), name]) == 0
    assert capsys.readouterr().out == f"{expected}\n"


def test_the_private_libvirtd_and_the_guests_arguments_are_shown(hardware, capsys):
    main.main(["lab", "show", "--directory", str(hardware), "libvirt_uri"])
    assert capsys.readouterr().out == (
        f"qemu:///system?socket={hardware}/data/libvirt/run/libvirt-sock\n"
    )
    main.main(["lab", "show", "--directory", str(hardware), "guest_arguments"])
    assert "console=ttyS0" in capsys.readouterr().out


def up(monkeypatch: pytest.MonkeyPatch, directory: Path, *words: str) -> LabRecord:
    asked: list[LabRecord] = []
    monkeypatch.setattr(
        lifecycle, "up", lambda layout, record, *others: asked.append(record)
    )
    assert main.main(["lab", "up", "--directory", str(directory), *words]) == 0
    return asked[0]


def test_the_hardware_alone_has_an_owner(monkeypatch, tmp_path, capsys):
    record = up(monkeypatch, tmp_path, "--hardware-only", "--owner", "nobody")

    assert (record.hardware_only, record.owner) == (True, "nobody")
    assert "machines and their BMCs" in capsys.readouterr().out


def test_a_whole_lab_is_roots(monkeypatch, tmp_path, capsys):
    record = up(monkeypatch, tmp_path)

    assert (record.hardware_only, record.owner) == (False, "root")
    assert "openrc" in capsys.readouterr().out


def test_a_lab_has_the_network_that_is_asked_for(monkeypatch, tmp_path):
    assert up(monkeypatch, tmp_path, "--network", "10.99").network == "10.99"
    assert up(monkeypatch, tmp_path).network == "172.30"


def test_a_network_that_is_not_private_is_bad_usage(tmp_path, capsys):
    words = ["lab", "up", "--directory", str(tmp_path), "--network", "8.8"]
    assert main.main(words) == 2
    assert "network 8.8: expected" in capsys.readouterr().err


def test_hardware_that_is_there_stays_what_it_is(monkeypatch, hardware):
    assert up(monkeypatch, hardware).hardware_only


def test_an_owner_that_the_host_does_not_know_is_bad_usage(tmp_path, capsys):
    words = ["lab", "up", "--directory", str(tmp_path), "--owner", "nobody-knows"]
    assert main.main(words) == 2
    assert "--owner nobody-knows: this host has no such user" in capsys.readouterr().err
