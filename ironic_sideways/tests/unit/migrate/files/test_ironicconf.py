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

from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.migrate.files import ironicconf


def write(directory: Path, text: str) -> str:
    path = directory / "ironic.conf"
    path.write_text(text)
    return str(path)


def test_what_the_file_does_not_say_is_the_installed_ironic_s_default(
    tmp_path: Path,
) -> None:
    found = ironicconf.read(write(tmp_path, ""))
    assert found.pin is None
    assert "ipmi" in found.hardware_types
    assert "ipmitool" in found.interfaces["power"]
    assert found.interfaces["storage"]
    assert found.file_url_allowed_paths == ("/var/lib/ironic",)
    assert found.dhcp_provider == "neutron"


def test_what_the_file_says_is_read(tmp_path: Path) -> None:
    found = ironicconf.read(
        write(
            tmp_path,
            "[DEFAULT]\npin_release_version = 2026.1\nenabled_hardware_types = x\n"
            "enabled_boot_interfaces = pxe, ipxe\n"
            "[conductor]\nfile_url_allowed_paths = /srv/images\n"
            "[dhcp]\ndhcp_provider = none\n",
        )
    )
    assert found.pin == "2026.1"
    assert found.hardware_types == ("x",)
    assert found.interfaces["boot"] == ("pxe", "ipxe")
    assert found.file_url_allowed_paths == ("/srv/images",)
    assert found.dhcp_provider == "none"


@pytest.mark.parametrize(
    "text",
    [
        "workers_pool_size = 64\nperiodic_max_workers = 50\n",
        # 111 less 10 % is what 2 * 45 + 8 + 2 must be below.
        "workers_pool_size = 111\nreserved_workers_pool_percentage = 10\n"
        "periodic_max_workers = 45\n",
    ],
)
def test_a_conductor_that_would_not_start_is_refused(tmp_path: Path, text: str) -> None:
    conf = ironicconf.read(write(tmp_path, f"[conductor]\n{text}"))
    with pytest.raises(exceptions.UsageError, match="raise it") as raised:
        ironicconf.require_start(conf)
    assert f"expected less than {conf.workers}" in str(raised.value)


def test_the_windows_settings_let_a_conductor_start(tmp_path: Path) -> None:
    """As the guide and the page on performance give them, Ironic's own pool beside."""
    text = "[conductor]\nperiodic_max_workers = 50\n"
    ironicconf.require_start(ironicconf.read(write(tmp_path, text)))
    ironicconf.require_start(ironicconf.read(write(tmp_path, "")))


@pytest.mark.parametrize(
    "text", ["no option at all\n", "[conductor]\nfile_url_allowed_paths = here\n"]
)
def test_what_is_no_ironic_conf_is_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(exceptions.UsageError) as raised:
        ironicconf.read(write(tmp_path, text))
    assert "expected an ironic.conf" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_choice_that_is_not_enabled_is_named_with_what_is(tmp_path: Path) -> None:
    text = (
        "[DEFAULT]\nenabled_boot_interfaces = pxe\nenabled_hardware_types = redfish\n"
        "enabled_power_interfaces = ipmitool\n"
    )
    conf = ironicconf.read(write(tmp_path, text))
    wanted = [
        ironicconf.Wanted("boot", "ipxe", "--boot-interface ipxe"),
        ironicconf.Wanted("power", "ipmitool", "--interface power=ipmitool"),
    ]
    with pytest.raises(exceptions.UsageError) as raised:
        ironicconf.require_enabled(conf, wanted)
    assert str(raised.value) == (
        f"--ironic-config {conf.path}: enabled_hardware_types lacks ipmi (enabled: "
        "redfish); --boot-interface ipxe is not in enabled_boot_interfaces (enabled: "
        "pxe): enable it there or choose another"
    )
    ironicconf.require_enabled(ironicconf.read(write(tmp_path, "")), wanted)


def test_what_this_host_s_own_ironic_has_in_its_directories_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / ".ironic" / "ironic.conf.d"
    own.mkdir(parents=True)
    (own / "own.conf").write_text("[DEFAULT]\npin_release_version = 2026.1\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ironicconf.read(write(tmp_path, "")).pin is None
