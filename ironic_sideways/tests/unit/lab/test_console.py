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

"""A line per step with its time, and what happens where nobody reads it."""

import errno
import io
import os
import re
import sys

import pytest

from ironic_sideways.lab import console


def test_a_step_is_told_with_its_time_once_it_is_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    steps = console.Steps()
    with steps.step("machines defined"):
        assert capsys.readouterr().out == ""
    assert re.fullmatch(r" +\d+\.\d s  machines defined\n", capsys.readouterr().out)
    with pytest.raises(ZeroDivisionError), steps.step("never done"):
        1 / 0  # noqa: B018
    assert capsys.readouterr().out == ""


class Failing(io.StringIO):
    """A file that takes no line."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number, self.asked = number, 0

    def flush(self) -> None:
        self.asked += 1
        raise OSError(self.number, os.strerror(self.number))


def test_work_goes_on_where_its_line_cannot_be_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = console.Steps()
    full = Failing(errno.ENOSPC)
    monkeypatch.setattr(sys, "stdout", full)
    steps.tell("gone")
    with pytest.raises(OSError, match="No space left"):
        steps.say("gone")
    assert full.asked == 2


def test_a_closed_pipe_is_left_to_the_commands_end() -> None:
    with pytest.raises(BrokenPipeError):
        console.Terminal(file=Failing(errno.EPIPE)).print("a line")
