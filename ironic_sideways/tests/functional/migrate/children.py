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

"""The command in processes of its own, which tell how far they have come.

A fork server imports Ironic once; each child is a real process with its own
connections, and dies of SIGKILL like any other.
"""

import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import sqlalchemy as sa

from ironic_sideways.cmd import migrate
from ironic_sideways.migrate import rollback, verify
from ironic_sideways.nova_bm import reader

TIMEOUT_S = 300
#: Nodes in one batch of a child: a transaction of many statements, few rows.
BATCH = 10
#: What a child's process is in when it has told nothing yet.
BEFORE, INSIDE, COMMIT, AFTER = "before", "inside", "commit", "after"

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])

# Loaded on import, for the fork server to have it.
verify.ironic_objects()


class Child:
    """One command in a process; ``told`` is the last mark that it gave."""

    def __init__(self, words: list[str], log: Path) -> None:
        self._marks, marks = _context.Pipe(duplex=False)
        self.started = time.monotonic()
        self._process = _context.Process(target=_work, args=(words, log, marks))
        self._process.start()
        # The child's end alone stays open: its death ends the marks.
        marks.close()
        self.told = BEFORE
        #: Mark -> seconds since the start at which it was given.
        self.times: dict[str, float] = {}

    def listen(self, until: float, stop: Callable[[str], bool] = lambda _: False):
        """Take marks until a moment, a mark that ``stop`` says, or the end."""
        while (left := until - time.monotonic()) > 0 and self._marks.poll(left):
            try:
                mark = self._marks.recv()
            except EOFError:
                return
            self.told = mark
            self.times.setdefault(mark, time.monotonic() - self.started)
            if stop(mark):
                return

    def kill(self) -> None:
        """End it by SIGKILL, and take the marks that it still gave."""
        self._process.kill()
        self._process.join()
        self.listen(time.monotonic() + TIMEOUT_S)

    def wait(self) -> int:
        """Its exit code."""
        self.listen(time.monotonic() + TIMEOUT_S)
        self._process.join(TIMEOUT_S)
        assert self._process.exitcode is not None, "the command does not end"
        return self._process.exitcode


def _work(words: list[str], log: Path, marks: Connection) -> None:
    """In the child: the command, with its output in ``log``."""
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    reader.read.__defaults__ = (BATCH,)
    rollback.BATCH = BATCH
    _tell(marks)
    raise SystemExit(migrate.main(words))


def _tell(marks: Connection) -> None:
    """Mark the first row written, the COMMIT before it is sent, and what follows."""
    writer: list[sa.Connection] = []
    committed: list[sa.Connection] = []

    def statement(connection: sa.Connection, _cursor, text: str, *_more) -> None:
        if committed:
            marks.send(AFTER)
        elif text.startswith(("INSERT", "DELETE")):
            writer[:] = [connection]
            marks.send(INSIDE)

    def commit(connection: sa.Connection) -> None:
        if writer == [connection]:
            committed.append(connection)
            marks.send(COMMIT)

    sa.event.listen(sa.Engine, "before_cursor_execute", statement)
    sa.event.listen(sa.Engine, "commit", commit)
