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

"""Errors that a person reads: what, what was expected, what to do next."""

import contextlib
from collections.abc import Iterator
from pathlib import Path


class SidewaysError(Exception):
    """Refused or failed, and nothing was changed (exit code 1)."""

    exit_code = 1


class UsageError(SidewaysError):
    """A bad option, file or value from the caller (exit code 2)."""

    exit_code = 2


class FollowUpNeeded(SidewaysError):
    """Something was changed and the named follow-up is due (exit code 3)."""

    exit_code = 3


def line(error: BaseException) -> str:
    """``error`` in one line."""
    name = type(error).__name__
    nameless = "interrupted" if isinstance(error, KeyboardInterrupt) else name
    return " ".join(str(error).split()) or nameless


@contextlib.contextmanager
def after_change(changed: bool, follow_up: str) -> Iterator[None]:
    """What fails in here fails after a change, if one was made.

    :raises FollowUpNeeded: instead of an error that means that nothing changed.
    """
    try:
        yield
    except FollowUpNeeded:
        raise
    except (Exception, KeyboardInterrupt) as error:
        if not changed:
            raise
        said = str(error) if isinstance(error, SidewaysError) else line(error)
        # Some end with the end of a log.
        between = "\n" if "\n" in said else "; "
        raise FollowUpNeeded(f"{said}{between}{follow_up}") from error


class WaitExpired(SidewaysError):
    """A bounded wait ran out; the message says what was seen last."""


class EvidenceAbsent(SidewaysError):
    """Evidence is not there, or does not tell; a failure (design rule).

    :param why: what is absent, and maybe what should have written it.
    """

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"evidence {path}: {why}")
        self.path = path


class EvidenceMalformed(SidewaysError):
    """An evidence file was cut short, edited, or is not what its schema says.

    :param line: where in the file; 0 when that is not known.
    """

    def __init__(self, path: Path, line: int, why: str) -> None:
        super().__init__(f"evidence {path}{f':{line}' if line else ''}: {why}")
        self.path = path
        self.line = line
