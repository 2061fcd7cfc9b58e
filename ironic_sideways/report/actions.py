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

"""What Nova was asked to do to each instance: in the window, nothing but the locks.

A lock that was taken off and put back again leaves the instance as it was, and in
between its owner had it.
"""

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import window
from ironic_sideways.report.agreement import looks

Action = dict[str, str]
Spans = list[tuple[float, float]]

#: In which phases the maintenance does what (grenade/maintenance.sh).
DONE_IN = {
    "lock": ("begin-maintenance", "undo-end-maintenance"),
    "unlock": ("end-maintenance",),
}
#: What was done last, by each look.
LAST = {"after.json": "lock", "ended.json": "unlock"}
#: Seconds: Nova tells whole ones.
TICK = 1.5


def moment(action: Action) -> float:
    """When it was begun: Nova tells UTC, and does not say so."""
    told = datetime.datetime.fromisoformat(action["at"])
    return told.replace(tzinfo=datetime.UTC).timestamp()


def within(action: Action, tries: dict[str, Spans]) -> bool:
    """Whether the maintenance did it, by when it was done."""
    spans = [
        one for name in DONE_IN.get(action["action"], ()) for one in tries.get(name, ())
    ]
    return any(a - TICK <= moment(action) <= b + TICK for a, b in spans)


def faults(
    told: dict[str, list[Action]], held: bool, tries: dict[str, Spans]
) -> Iterator[str]:
    """:param told: of one instance, by look, in order of time.

    :param held: whether it was the maintenance that locked it.
    """
    (_first, before), *later = told.items()
    known = before
    for name, now in later:
        if now[: len(known)] != known:
            yield f"{name}: {known} became {now}"
            return
        new = now[len(before) :]
        done = [one["action"] for one in new]
        if done[-1:] != ([LAST[name]] if held else []):
            yield f"{name}: {done}, expected {LAST[name] if held else 'nothing'} last"
        for one in new:
            if not within(one, tries):
                yield f"{name}: {one}, not by the maintenance"
        if len({one["user_id"] for one in new}) > 1:
            yield f"{name}: by several users: {new}"
        known = now


def of_each(found: dict[str, Any]) -> Iterator[tuple[str, dict[str, list[Action]]]]:
    """Each instance of the first of these looks, with what each tells."""
    first, *_ = found.values()
    for server in first["servers"]:
        uuid = server["uuid"]
        yield (
            uuid,
            {
                name: look["around"]["actions"].get(uuid, [])
                for name, look in found.items()
            },
        )


def each(directory: Path, record: dict[str, Any]) -> Iterator[Check]:
    """:param record: of the maintenance, with the instances that it locked."""
    tries = window.tries(directory)
    found = {
        name: look
        for name, look in looks.snapshots(directory)
        if name in ("before.json", *LAST)
    }
    for uuid, told in of_each(found):
        wrong = "; ".join(faults(told, uuid in record["lock"], tries))
        yield Check(f"actions on {uuid}", not wrong, wrong)


def since_the_end(ended: dict[str, Any], now: dict[str, Any]) -> Iterator[Check]:
    """Nobody asked for anything while services were started a second time."""
    for uuid, told in of_each({"ended": ended, "now": now}):
        same = told["ended"] == told["now"]
        detail = "" if same else f"{told['ended']} became {told['now']}"
        yield Check(f"actions on {uuid}", same, detail)
