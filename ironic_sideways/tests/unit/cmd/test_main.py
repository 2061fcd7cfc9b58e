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

"""ironic-sideways: each command has its help; only the one called is imported."""

import subprocess
import sys

import pytest

from ironic_sideways.cmd import main


@pytest.mark.parametrize("words", [["no-such-command"], [], ["verdict"]], ids=str)
def test_what_is_no_whole_command_is_bad_usage(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(words)
    assert ended.value.code == 2
    assert "ironic-sideways" in capsys.readouterr().err


def test_each_command_is_listed_with_its_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["--help"])
    listed = capsys.readouterr().out
    assert ended.value.code == 0
    for name in main.COMMANDS:
        assert f"\n    {name} " in listed or f"\n    {name}\n" in listed


def test_only_the_command_that_is_called_is_imported() -> None:
    script = (
        "import sys\nfrom ironic_sideways.cmd import main\n"
        "main.build_parser('record')\n"
        "print([n for n in sys.modules if n.startswith('ironic_sideways.cmd.')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "cmd.record" in done.stdout
    assert not [name for name in ("lab", "verdict") if f"cmd.{name}'" in done.stdout]
