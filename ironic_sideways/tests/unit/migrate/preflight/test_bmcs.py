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


"""Each BMC is asked with what Ironic would be given; its silence is a refusal."""

import stat
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.migrate import choices, classify, plan
from ironic_sideways.migrate.preflight import bmcs, instances
from ironic_sideways.nova_bm import schema
from ironic_sideways.tests import rows, samples

#: An ipmitool whose BMC 10.0.0.1 is on, 10.0.0.2 off, and any other silent.
IPMITOOL = """\
#!/bin/sh
echo "$IPMI_PASSWORD $*" >> "$0.log"
case "$*" in
*"-H 10.0.0.1 "*) echo "Chassis Power is on" ;;
*"-H 10.0.0.2 "*) echo "Chassis Power is off" ;;
*) echo "Error: Unable to establish IPMI v2 / RMCP+ session" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def ipmitool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program, alone on PATH with the system's; its log beside it."""
    path = tmp_path / "ipmitool"
    path.write_text(IPMITOOL)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return path


def verdict(number: int, *, used: bool = True) -> classify.Verdict:
    row = rows.used_node(number) if used else rows.free_node(number)
    return classify.Verdict(samples.source(row), classify.Outcome.MIGRATE)


def ask(
    *asked: classify.Verdict, nova: instances.Instances | None = None, **options: Any
) -> int:
    """Ask the BMCs; how much progress was told of."""
    told: list[int] = []
    chosen = choices.Options(resource_class="b", owner=None, node_arch="x", **options)
    made = plan.Plan(chosen, classify.Policy(), {"run_id": "r", "tool": "t"})
    with sa.create_engine("sqlite://").connect() as source:
        schema.bm_nodes.create(source)
        one = bmcs.Bmcs(made, nova, lambda _what, _total: told.append)
        one.begin(source)
        one.judge(list(asked))
    return sum(told)


def test_the_password_travels_in_the_environment(ipmitool: Path) -> None:
    row = verdict(1)
    assert ask(row, cipher_suite="3") == 1
    assert row.outcome is classify.Outcome.MIGRATE
    (line,) = Path(f"{ipmitool}.log").read_text().splitlines()
    password, _, words = line.partition(" ")
    assert password == "s3cret-1"
    assert "s3cret" not in words
    assert "-p 623" in words
    assert "-C 3" in words
    assert words.endswith("power status")


def test_a_silent_bmc_refuses_its_row_and_no_other(ipmitool: Path) -> None:
    sound, silent = verdict(1), verdict(7)
    assert ask(sound, silent) == 2
    assert sound.outcome is classify.Outcome.MIGRATE
    (reason,) = silent.reasons
    assert reason.startswith("BMC 10.0.0.7:623: 'power status' failed")
    assert "Unable to establish IPMI v2" in reason
    assert "s3cret" not in reason


def test_rows_that_do_not_move_are_not_asked_but_counted(ipmitool: Path) -> None:
    skipped = verdict(1)
    skipped.outcome = classify.Outcome.SKIP
    assert ask(skipped) == 1
    assert not Path(f"{ipmitool}.log").exists()


@pytest.mark.parametrize(
    ("number", "used", "words"),
    [
        (1, True, []),
        (2, True, ["it has an instance, and its machine is off"]),
        (1, False, ["the node is free, and its machine is on"]),
        (2, False, []),
    ],
)
def test_a_power_state_that_surprises_is_a_note(
    ipmitool: Path, number: int, used: bool, words: list[str]
) -> None:
    row = verdict(number, used=used)
    ask(row)
    assert row.notes == words
    assert row.outcome is classify.Outcome.MIGRATE


@pytest.mark.parametrize(
    ("number", "state", "words"),
    [
        (1, "active", []),
        (2, "stopped", []),
        (2, "active", ["is active for Nova, and its machine is off"]),
        (1, "stopped", ["is stopped for Nova, and its machine is on"]),
    ],
)
def test_nova_is_believed_over_the_row(
    ipmitool: Path, number: int, state: str, words: list[str]
) -> None:
    nova = instances.Instances(None, "fake")
    uuid = rows.instance_uuid(number)
    nova._add(instances.Instance(uuid, "h", "n", state, None, 1))
    row = verdict(number)
    ask(row, nova=nova)
    assert row.notes == [f"instance {uuid} {text}" for text in words]


def test_without_ipmitool_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(exceptions.SidewaysError, match="install the package ipmitool"):
        ask(verdict(1))
