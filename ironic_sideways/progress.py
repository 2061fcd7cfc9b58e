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
the descriptor that IRONIC_SIDEWAYS_TERMINAL names. Elsewhere it is stderr.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator

import rich.console
import rich.progress


@contextlib.contextmanager
def progress(text: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Yield a function that is told how many of ``total`` are done.

    :param total: None when nobody knows; the count is shown alone then.
    """
    stderr = str(sys.stderr.fileno()) if sys.stderr.isatty() else None
    descriptor = os.environ.get("IRONIC_SIDEWAYS_TERMINAL", stderr)
    if descriptor is None:
        yield lambda done: None
        return
    with os.fdopen(os.dup(int(descriptor)), "w") as file:
        console = rich.console.Console(file=file)
        columns = (
            "{task.description}",
            rich.progress.BarColumn(),
            rich.progress.MofNCompleteColumn(),
            rich.progress.TimeElapsedColumn(),
        )
        with rich.progress.Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(f"    {text}", total=total)
            yield lambda done: bar.update(task, completed=done)
