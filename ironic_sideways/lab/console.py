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

"""What a command of the lab prints: a line per step, with the time since it began."""

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console


class Terminal(Console):
    """Rich's own ends the program with exit code 1 where nobody reads any more."""

    def on_broken_pipe(self) -> None:
        """Leave the exit code to cmd/program.py.

        :raises BrokenPipeError: the one that rich has just caught.
        """
        raise


class Steps:
    """Prints what was done and how long it took."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        """Print one line with the time.

        :raises OSError: it is not read any more, or the disk is full.
        """
        elapsed = time.monotonic() - self._start
        print(f"{elapsed:6.1f} s  {text}", flush=True)

    def tell(self, text: str) -> None:
        """``say`` of work that goes on even if it cannot be printed."""
        with contextlib.suppress(OSError):
            self.say(text)

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Print ``text`` when the block is done."""
        yield
        self.say(text)
