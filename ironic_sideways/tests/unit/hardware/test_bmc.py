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

"""The credentials are read from what virtualbmc itself writes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from virtualbmc import manager

from ironic_sideways import exceptions, ipmi
from ironic_sideways.hardware import bmc
from ironic_sideways.hardware.machines import Machine


def written(config_dir: Path, **changes: str | None) -> Path:
    """A BMC's configuration by virtualbmc's own hand; None leaves an option out."""
    options: dict[str, str | None] = {
        "domain_name": "isw0-node-1",
        "username": "admin",
        "password": "s3cret",
        "address": "127.0.100.11",
        "port": "623",
        "libvirt_uri": "qemu:///system?socket=/run/x",
        "active": "True",
    }
    writer = manager.VirtualBMCManager()
    writer.config_dir = str(config_dir)
    (config_dir / "isw0-node-1").mkdir()
    writer._store_config(**{**options, **changes})
    return config_dir / "isw0-node-1" / "config"


def test_what_virtualbmc_wrote_is_read_by_domain(tmp_path: Path) -> None:
    written(tmp_path)

    assert bmc.credentials(tmp_path) == {
        "isw0-node-1": bmc.Credentials(
            domain="isw0-node-1",
            libvirt_uri="qemu:///system?socket=/run/x",
            bmc=ipmi.Bmc("127.0.100.11", 623, "admin", "s3cret"),
        )
    }


def test_an_empty_directory_has_no_bmc(tmp_path: Path) -> None:
    (tmp_path / "half-made").mkdir()

    assert bmc.credentials(tmp_path) == {}


def test_a_missing_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(exceptions.SidewaysError, match="configuration directory"):
        bmc.credentials(tmp_path / "nowhere")


def test_a_missing_option_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, address=None)

    with pytest.raises(exceptions.SidewaysError, match=f"^{path}: .*'address'"):
        bmc.credentials(tmp_path)


def test_an_unreadable_file_is_told_without_its_password(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text("password = s3cret\n" + path.read_text())

    with pytest.raises(exceptions.SidewaysError) as caught:
        bmc.credentials(tmp_path)

    assert str(path) in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_virtualbmc_has_its_defaults_whatever_the_host_says(tmp_path: Path) -> None:
    (tmp_path / ".vbmc").mkdir()
    (tmp_path / ".vbmc/virtualbmc.conf").write_text("[default]\nshow_passwords=true\n")

    show = "import json; from virtualbmc import config as c; c.get_config()"
    show += "; print(json.dumps(c.CONFIG._conf_dict))"
    environment = bmc.environment()
    done = subprocess.run(
        [sys.executable, "-c", show],
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    read = json.loads(done.stdout)
    assert read["default"]["show_passwords"] is False
    assert read["log"]["logfile"] is None
    assert environment["TZ"] == "UTC"


def test_what_is_written_is_read_by_virtualbmc_too(tmp_path: Path) -> None:
    machine = Machine("isw0-node-1", "uuid", 1, ("mac",), "127.0.100.11")

    bmc._write(tmp_path / machine.name, machine, "qemu:///system?socket=/a%20b")

    (one,) = bmc.credentials(tmp_path).values()
    reader = manager.VirtualBMCManager()
    reader.config_dir = str(tmp_path)
    read = reader._parse_config(machine.name)
    assert (read["libvirt_uri"], read["password"]) == (
        one.libvirt_uri,
        one.bmc.password,
    )
    assert (read["address"], read["port"]) == ("127.0.100.11", 623)
    assert [path.name for path in (tmp_path / machine.name).iterdir()] == ["config"]
    assert (tmp_path / machine.name / "config").stat().st_mode & 0o777 == 0o600


def test_nobody_waits_for_ipmitool_where_nothing_listens() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        there = ipmi.Bmc("127.0.0.1", silent.getsockname()[1], "admin", "s3cret")
        bmc._refuse_silence(there)

    with pytest.raises(exceptions.SidewaysError, match="Connection refused"):
        bmc._refuse_silence(there)


def test_only_the_owner_may_enter_the_directory(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        bmc.prepare(tmp_path / "vbmc")
    finally:
        os.umask(previous)

    assert (tmp_path / "vbmc").stat().st_mode & 0o777 == 0o700


def test_a_configuration_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "node-0" / "config").mkdir(parents=True)

    with pytest.raises(
        exceptions.SidewaysError, match=r"node-0/config: cannot be read"
    ):
        bmc.credentials(tmp_path)
