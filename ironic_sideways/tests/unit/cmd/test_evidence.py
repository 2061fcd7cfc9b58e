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

"""ironic-sideways evidence: each action is there, and collect says what it found."""

from pathlib import Path

import pytest

from ironic_sideways.cmd import main
from ironic_sideways.evidence import collect, environment

ACTIONS = (
    *("snapshot", "last-look", "compare", "base", "way-back", "migration", "takeover"),
    *("proxy", "resources", "judges", "leases", "collect"),
)


@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_says_what_it_lacks(
    action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["evidence", action])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"evidence {action}: error: the following arguments are required: --" in said


def test_collect_writes_what_the_run_ran_on_and_counts_power_commands(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(environment, "take", lambda again: {"again": again})
    monkeypatch.setattr(collect, "collect", lambda logs, output, secrets: [*secrets, 1])
    words = ["--logs", "logs", "--output", str(tmp_path), "--secrets", "a"]
    assert main.main(["evidence", "collect", *words, "--again-by", "do it"]) == 0
    assert '"do it"' in (tmp_path / "environment.json").read_text()
    assert capsys.readouterr().out == "2 power commands reached the BMCs in all\n"
