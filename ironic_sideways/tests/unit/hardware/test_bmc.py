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
import subprocess
import sys
from pathlib import Path

import pytest
from virtualbmc import manager

from ironic_sideways import exceptions, ipmi
from ironic_sideways.hardware import bmc


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


def test_vbmcd_gets_a_directory_port_and_log_level_of_its_own(tmp_path: Path) -> None:
    bmc.prepare(tmp_path / "vbmc", 21012)
    bmc.prepare(tmp_path / "vbmc", 21012)

    show = "import json; from virtualbmc import config as c; c.get_config()"
    show += "; print(json.dumps(c.CONFIG._conf_dict))"
    environment = bmc.environment(tmp_path / "vbmc")
    done = subprocess.run(
        [sys.executable, "-c", show], env=environment, capture_output=True, check=True
    )
    read = json.loads(done.stdout)
    assert read["default"]["config_dir"] == str(tmp_path / "vbmc")
    assert read["default"]["server_port"] == 21012
    assert read["default"]["server_response_timeout"] == 30_000
    assert read["default"]["pid_file"].startswith(str(tmp_path))
    assert read["default"]["show_passwords"] is False
    assert read["log"] == {"logfile": None, "debug": True}
    assert environment["TZ"] == "UTC"


def test_only_the_owner_may_enter_the_directory(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        bmc.prepare(tmp_path / "vbmc", 21012)
    finally:
        os.umask(previous)

    assert (tmp_path / "vbmc").stat().st_mode & 0o777 == 0o700
