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

"""One line per step, with the seconds since the command began."""

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console


class Steps:
    """Prints what was done and how long it took."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._console = Console(highlight=False, soft_wrap=True, markup=False)

    def say(self, text: str) -> None:
        """Print one line with the time."""
        elapsed = time.monotonic() - self._start
        self._console.print(f"{elapsed:6.1f} s  {text}")

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Print ``text`` when the block is done."""
        yield
        self.say(text)
