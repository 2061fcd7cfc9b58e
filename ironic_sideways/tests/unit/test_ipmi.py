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

"""What the power helper says to ipmitool, and of it."""

import dataclasses
from pathlib import Path

import pytest

from ironic_sideways import exceptions, ipmi

BMC = ipmi.Bmc("127.0.0.9", 623, "admin", "open-sesame")


@pytest.fixture
def ipmitool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in that records its call and says what ``answer`` beside it has."""
    program = tmp_path / "ipmitool"
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >>{tmp_path}/arguments\n'
        f'echo "$IPMI_PASSWORD" >>{tmp_path}/password\n'
        f". {tmp_path}/answer\n"
    )
    program.chmod(0o755)
    (tmp_path / "answer").write_text("")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_the_password_is_neither_shown_nor_an_argument(ipmitool: Path) -> None:
    ipmi.power(BMC, "on")

    assert (ipmitool / "password").read_text() == "open-sesame\n"
    assert "open-sesame" not in (ipmitool / "arguments").read_text()
    assert "open-sesame" not in f"{BMC} {BMC!r}"


def test_t5_an_empty_password_is_given_as_one(ipmitool: Path) -> None:
    ipmi.power(dataclasses.replace(BMC, password=""), "on")

    assert (ipmitool / "password").read_text() == "\n"
    assert " -E " in (ipmitool / "arguments").read_text()


def test_a_call_names_address_port_user_and_action(ipmitool: Path) -> None:
    ipmi.power(BMC, "soft")

    said = (ipmitool / "arguments").read_text()
    assert said.startswith("-I lanplus -H 127.0.0.9 -p 623 -U admin -E ")
    assert said.endswith(" power soft\n")
    assert " -C " not in said


def test_the_cipher_suite_is_named_where_one_is_set(ipmitool: Path) -> None:
    old = ipmi.Bmc("127.0.0.9", 623, "admin", "open-sesame", cipher_suite=3)

    ipmi.power(old, "on")

    assert " -C 3 power on" in (ipmitool / "arguments").read_text()


@pytest.mark.parametrize("state", ["on", "off"])
def test_the_power_state_is_what_the_chassis_says(ipmitool: Path, state: str) -> None:
    (ipmitool / "answer").write_text(f"echo Chassis Power is {state}")

    assert ipmi.power_status(BMC) == state


def test_an_unknown_power_state_is_an_error_that_quotes_it(ipmitool: Path) -> None:
    (ipmitool / "answer").write_text("echo Chassis Power is confused")

    with pytest.raises(exceptions.SidewaysError, match="Chassis Power is confused"):
        ipmi.power_status(BMC)


@pytest.mark.parametrize(
    "answer",
    [
        "Chassis Power is on\\nChassis Power is on",
        "Power is on",
        "x\\nChassis Power is off",
    ],
)
def test_n6_what_ironic_would_not_take_for_a_state_is_none(
    ipmitool: Path, answer: str
) -> None:
    (ipmitool / "answer").write_text(f"printf '{answer}\\n'")

    with pytest.raises(exceptions.SidewaysError, match="nothing else, found") as caught:
        ipmi.power_status(BMC)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("code", [0, 1])
def test_n5_an_answer_that_is_not_utf_8_is_one_line(ipmitool: Path, code: int) -> None:
    (ipmitool / "answer").write_text(f"printf 'wrong \\377' >&{1 + code}; exit {code}")

    with pytest.raises(exceptions.SidewaysError, match="wrong \ufffd"):
        ipmi.power_status(BMC)


def test_a_refusal_is_told_in_one_line_with_the_bmc_and_the_reason(
    ipmitool: Path,
) -> None:
    (ipmitool / "answer").write_text("echo 'wrong\nkey' >&2; exit 1")

    with pytest.raises(exceptions.SidewaysError) as caught:
        ipmi.power(BMC, "off")

    assert str(caught.value) == (
        "BMC 127.0.0.9:623: 'power off' failed with exit code 1: wrong key"
    )


MISDIRECTED = "echo 'Error: Received an Unexpected Open Session Response' >&2; exit 1"


def test_an_answer_to_somebody_else_is_no_answer(ipmitool: Path) -> None:
    calls = f'[ $(wc -l <"{ipmitool}/arguments") -gt 2 ] || {{ {MISDIRECTED}; }}'
    (ipmitool / "answer").write_text(f"{calls}\necho Chassis Power is on")

    assert ipmi.power_status(BMC) == "on"


def test_answers_to_somebody_else_come_to_an_end(ipmitool: Path) -> None:
    (ipmitool / "answer").write_text(MISDIRECTED)

    with pytest.raises(exceptions.SidewaysError, match="Unexpected Open Session"):
        ipmi.power_status(BMC)
    assert len((ipmitool / "arguments").read_text().splitlines()) == 3


def test_a_refusal_is_not_asked_again(ipmitool: Path) -> None:
    (ipmitool / "answer").write_text("echo wrong key >&2; exit 1")

    with pytest.raises(exceptions.SidewaysError):
        ipmi.power_status(BMC)
    assert len((ipmitool / "arguments").read_text().splitlines()) == 1


def test_a_silent_bmc_ends_the_call_in_time(ipmitool: Path) -> None:
    (ipmitool / "answer").write_text("exec sleep 30")

    with pytest.raises(exceptions.SidewaysError, match=r"within 0\.2 s"):
        ipmi.power_status(BMC, timeout=0.2)


def test_a_missing_ipmitool_names_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(exceptions.SidewaysError, match="install the package ipmitool"):
        ipmi.power_status(BMC)


def test_waiting_for_a_state_tells_the_state_seen_last(ipmitool: Path) -> None:
    (ipmitool / "answer").write_text("echo Chassis Power is on")

    with pytest.raises(exceptions.WaitExpired, match="to be off; seen last: on"):
        ipmi.wait_power(BMC, "off", timeout=0.1)


def test_a_boot_device_stays_unless_it_is_for_the_next_boot(ipmitool: Path) -> None:
    ipmi.boot_device(BMC, "pxe")
    ipmi.boot_device(BMC, "disk", persistent=False)

    first, second = (ipmitool / "arguments").read_text().splitlines()
    assert first.endswith("chassis bootdev pxe options=persistent")
    assert second.endswith("chassis bootdev disk")
