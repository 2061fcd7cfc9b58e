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

"""A progress bar on the person's terminal, when there is one.

The output of a phase goes to its log; phases.sh leaves the terminal open as
the descriptor that IRONIC_SIDEWAYS_TERMINAL names. Elsewhere it is stderr. Inside
Grenade, IRONIC_SIDEWAYS_SUMMARY is the descriptor of its console: a line now and then.
"""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import rich.console
import rich.progress

#: A line for this many that are done, where there is no terminal.
LINE_EACH = 25

#: Opens a bar of so many; what it returns is told how many more are done.
Begin = Callable[[str, int | None], Callable[[int], None]]


class _Terminal(io.FileIO):
    """One that may go meanwhile: the bar is lost then, and the work goes on."""

    def write(self, data: Any) -> int:
        """Write ``data``, or drop it."""
        with contextlib.suppress(OSError):
            return super().write(data) or len(data)
        return len(data)


def _say(line: str) -> None:
    descriptor = os.environ.get("IRONIC_SIDEWAYS_SUMMARY")
    if descriptor is not None:
        # Its reader may be gone, and the work goes on.
        with contextlib.suppress(OSError):
            os.write(int(descriptor), f"{line}\n".encode())


@contextlib.contextmanager
def progress(text: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how many of ``total`` are done.

    :param total: None when nobody knows; the count is shown alone then.
    """
    with bars() as begin:
        advance, last = begin(f"    {text}", total), 0

        def tell(done: int) -> None:
            nonlocal last
            advance(done - last)
            if done // LINE_EACH > last // LINE_EACH:
                _say(f"    {text}: {done}")
            last = done

        yield tell


@contextlib.contextmanager
def bars(quiet: bool = False) -> Iterator[Begin]:
    """Yield a function that opens one bar after the other, each below the last."""
    stderr = str(sys.stderr.fileno()) if sys.stderr.isatty() else None
    descriptor = os.environ.get("IRONIC_SIDEWAYS_TERMINAL", stderr)
    if descriptor is None or quiet:
        yield lambda text, total: lambda done: None
        return
    with io.TextIOWrapper(
        io.BufferedWriter(_Terminal(os.dup(int(descriptor)), "w"))
    ) as file:
        console = rich.console.Console(file=file)
        columns = (
            "{task.description}",
            rich.progress.BarColumn(),
            rich.progress.MofNCompleteColumn(),
            rich.progress.TimeElapsedColumn(),
        )
        with rich.progress.Progress(*columns, console=console, transient=True) as bar:

            def begin(text: str, total: int | None) -> Callable[[int], None]:
                task = bar.add_task(text, total=total)
                return lambda done: bar.update(task, advance=done)

            yield begin
