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

"""What is recorded of the cloud's state, for whom, and what a comparison says."""

import argparse
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cmd import main
from ironic_sideways.cmd.evidence import states
from ironic_sideways.evidence.compare import Check


def test_a_state_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    args = argparse.Namespace(output=tmp_path / "before.json")
    taken = {"servers": [{}, {}], "providers": {"a": {}}}

    assert states.write(args, taken) == "2 instances, 1 providers"
    assert args.output.stat().st_mode & 0o777 == 0o600


def test_the_machines_are_the_labs_or_none(tmp_path: Path) -> None:
    args = argparse.Namespace(machines=None, vbmc_config=None, heartbeat=None)
    assert states.machines(args) is None
    args.machines = tmp_path / "machines.json"
    assert states.machines(args) is not None


def test_what_failed_is_told_and_the_first_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = Check("instance a", True, "")
    assert states.tell_failed([good, good]) == "2/2 as before"
    bad = Check("instance b", False, "gone")
    with pytest.raises(
        exceptions.SidewaysError,
        match=r"1 of 2 things did not survive.*instance b: gone",
    ):
        states.tell_failed([good, bad])
    assert capsys.readouterr().out == "instance b: gone\n"


def test_a_database_is_named_by_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    args = argparse.Namespace(nova_bm_db="postgresql://host/nova_bm")
    with pytest.raises(
        exceptions.UsageError, match=r"^--nova-bm-db: postgresql is not"
    ):
        states.engine(args, "--nova-bm-db")


def test_a_comparison_without_its_first_half_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair = ["--before", str(tmp_path / "b.json"), "--after", str(tmp_path / "a.json")]
    assert main.main(["evidence", "compare", *pair]) == 1
    assert "b.json: absent" in capsys.readouterr().err
