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

"""``migration.json``: what a run did with every row, and nothing secret.

Rows are written as they come, so that the record of a large cloud needs no
memory; the file appears under its name only when it is whole.
"""

import contextlib
import datetime
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ironic_sideways import exceptions, whole_file
from ironic_sideways.migrate import classify


class Record:
    """An open record; ``row`` and ``fields`` fill it."""

    def __init__(self, file: IO[str] | None) -> None:
        self._file = file
        self._first = True
        self._tail: dict[str, Any] = {}

    def row(self, verdict: classify.Verdict) -> None:
        """Add the verdict on one bm_nodes row."""
        if self._file is None:
            return
        entry = {
            "bm_node_id": verdict.source.id,
            "uuid": verdict.source.uuid,
            "instance_uuid": verdict.source.instance_uuid,
            "outcome": verdict.outcome,
            **_moved(verdict),
            "interfaces": [card.id for card in verdict.interfaces],
            "interfaces_skipped": verdict.skipped,
            "reasons": verdict.reasons,
            "notes": verdict.notes,
        }
        self._file.write(("\n" if self._first else ",\n") + json.dumps(entry))
        self._first = False

    def fields(self, **values: Any) -> None:
        """Add or replace fields of the record itself."""
        self._tail |= values

    def finish(self) -> None:
        """Close the list of rows and write the fields."""
        assert self._file is not None
        self.fields(finished_at=now())
        body = json.dumps(self._tail, indent=1)
        self._file.write("\n],\n" + body.removeprefix("{\n"))


def _moved(verdict: classify.Verdict) -> dict[str, Any]:
    """What the evidence and the other tools take from here, of a node that moves."""
    if verdict.outcome not in (classify.Outcome.MIGRATE, classify.Outcome.PRESENT):
        return {}
    boot = "network" if verdict.netboot else "disk"
    return {
        "resource_class": verdict.resource_class,
        "cpu_arch": verdict.cpu_arch,
        "capabilities": verdict.capabilities,
        "boot": boot,
        "service_host": verdict.source.service_host,
        "vifs": [card.vif_uuid for card in verdict.interfaces if card.vif_uuid],
    }


@contextlib.contextmanager
def recording(path: Path | None, **head: Any) -> Iterator[Record]:
    """A record that becomes the file ``path``, or goes nowhere for None.

    It is written even when the work inside fails, with the error as its result.

    :raises UsageError: the file cannot be written there.
    """
    head = {"started_at": now(), **head}
    if path is None:
        yield Record(None)
        return
    failure: exceptions.SidewaysError | None = None
    try:
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(whole_file.replacing(path, 0o644))
            except OSError as error:
                raise exceptions.UsageError(
                    f"--output {path}: cannot be written: {error.strerror}"
                ) from error
            file.write("{" + json.dumps(head)[1:-1] + ',\n"rows": [')
            record = Record(file)
            try:
                yield record
            except exceptions.SidewaysError as error:
                failure = error
                changed = isinstance(error, exceptions.FollowUpNeeded)
                result = "follow-up needed" if changed else "failed"
                record.fields(result=result, error=str(error))
            record.finish()
    finally:
        # Also where the record of it could not be written.
        if failure:
            raise failure


def now() -> str:
    """UTC, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
