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

"""One end for every console script: one line, and the exit code of the contract."""

import argparse
import errno
import os
import signal
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cmd import program

REPOSITORY = Path(__file__).parents[4]
FULL = OSError(errno.ENOSPC, "No space left on device")
REPORTS = [
    (exceptions.SidewaysError("refused"), 1),
    (exceptions.UsageError("bad"), 2),
    (FULL, 1),
    (program.Ended(signal.SIGHUP), 129),
    (KeyboardInterrupt(), 130),
    (program.Ended(signal.SIGTERM), 143),
    (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141),
]


def main(run: Callable[[argparse.Namespace], object], **defaults: object) -> int:
    parser = program.Parser(prog="tool")
    parser.set_defaults(run=run, **defaults)
    return program.main(parser, [])


@pytest.mark.parametrize(("error", "code"), REPORTS)
def test_what_ends_a_command_is_one_line_and_its_code(capsys, error, code):
    def run(parsed: argparse.Namespace) -> None:
        raise error

    assert main(run, changed="") == code
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    "error",
    [
        exceptions.SidewaysError,
        exceptions.FollowUpNeeded,
        OSError,
        ValueError,
    ],
)
def test_s7_an_error_from_outside_neither_acts_on_the_terminal_nor_tells_a_secret(
    capsys, error
):
    def run(parsed: argparse.Namespace) -> None:
        print("instance \x1b]0;mine\x07of \x1b[2Jothers")
        sys.stdout.writelines(["more \x1b[2Jof\n", "it\x07\n"])
        print("warning: \x1b[8mhidden", file=sys.stderr)
        raise error("said \x1b[31mmysql+pymysql://nova:s3cret@db/nova_bm\u202e")

    main(run)
    told = capsys.readouterr()
    assert told.out == "instance of others\nmore of\nit\n"
    assert "warning: hidden\n" in told.err
    assert "said mysql+pymysql://nova:***@db/nova_bm\n" in told.err
    assert not {"\x1b", "\u202e"} & set(told.err)
    assert "s3cret" not in told.err


@pytest.mark.parametrize("error", [error for error, _ in REPORTS])
def test_whatever_ends_a_command_that_has_changed_something_asks_for_more(
    capsys, error
):
    def run(parsed: argparse.Namespace) -> None:
        parsed.changed = "2 flavors changed"
        raise error

    assert main(run, changed="") == 3
    said = capsys.readouterr().err
    assert said.startswith("tool: 2 flavors changed; then: ")
    assert "nothing was changed" not in said and said.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_ends_a_command_and_its_handler_is_put_back(number):
    # Under nohup, SIGHUP is ignored, and stays so.
    before = signal.signal(number, signal.SIG_DFL)
    try:
        assert main(lambda parsed: os.kill(os.getpid(), number)) == 128 + number
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert main(lambda parsed: os.kill(os.getpid(), signal.SIGHUP)) == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_n7_each_console_script_is_known_by_its_name():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    ours = {
        name
        for name, place in project["scripts"].items()
        if place == "ironic_sideways.cmd.program:script"
    }
    assert ours == set(program.SCRIPTS)
    assert set(project["scripts"]) - ours == {"ironic-sideways-compute"}
