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

"""Did a rollback leave the base as it was: two looks at it, compared.

Pure functions over base-before and base-after.json (evidence/base.py), the
heartbeats, and the BMCs' log between the two.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from ironic_sideways.evidence import compare, heartbeat
from ironic_sideways.evidence.compare import Check
from ironic_sideways.hardware.vbmc_log import PowerCommand

Document = dict[str, Any]

#: Lists of the documents, and the key by which their members are known.
LISTS = {"servers": "uuid", "providers": "uuid", "services": "id"}

#: Tables by name or uuid: each entry must be as before.
TABLES = ("hypervisors", "ports", "files", "tftp")

#: What the maintenance asks of Nova.
LOCKS = {"lock", "unlock"}

#: What there may be of Ironic on the base: nothing that runs or holds a row.
NO_IRONIC = {"nodes": 0, "ports": 0, "conductors": 0, "api": False}


def each_entry(what: str, before: Document, after: Document) -> Iterator[Check]:
    """One check for all entries of a kind; its detail names the first that differs."""
    wrong = []
    for key in sorted(before.keys() | after.keys(), key=str):
        if key not in after:
            wrong.append(f"{key}: gone")
        elif key not in before:
            wrong.append(f"{key}: was not there before")
        elif before[key] != after[key]:
            wrong.append(f"{key}: {difference(before[key], after[key])}")
    yield Check(what, not wrong, "; ".join(wrong) or f"{len(before)} as before")


def difference(before: Any, after: Any) -> str:
    """Where two values differ, as a person reads it."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return f"{before!r} became {after!r}"
    return "; ".join(
        f"{key}: {before.get(key)!r} became {after.get(key)!r}"
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    )


def each_action(before: Document, after: Document) -> Iterator[Check]:
    """Of each instance: nothing was asked of Nova since but locks that were taken off.

    One that its owner had locked was left alone.
    """
    wrong = []
    for uuid, server in compare.by(before["servers"], "uuid").items():
        then, now = (one["around"]["actions"].get(uuid, []) for one in (before, after))
        new = now[len(then) :]
        done = [one["action"] for one in new]
        if now[: len(then)] != then:
            wrong.append(f"{uuid}: {then} became {now}")
        elif done and (server["locked"] or {*done} - LOCKS or done[-1] != "unlock"):
            wrong.append(f"{uuid}: {done}, expected locks that were taken off")
        elif len({one["user_id"] for one in new}) > 1:
            wrong.append(f"{uuid}: by several users: {new}")
    yield Check("actions", not wrong, "; ".join(wrong) or "locks, taken off")


def each_class(before: Document, after: Document) -> Iterator[Check]:
    then, now = set(before["resource_classes"]), set(after["resource_classes"])
    # Where nothing was converted nothing is undone; IronicDriver made the class.
    kept = then <= now if before["base_driver"] == "fake" else then == now
    yield Check("resource classes", kept, f"{sorted(then)} became {sorted(now)}")


def each_machine(before: Document, after: Document) -> Iterator[Check]:
    wrong = [check for check in compare.each_machine(before, after) if not check.ok]
    detail = "; ".join(f"{check.name}: {check.detail}" for check in wrong)
    yield Check("machines", not wrong, detail or f"{len(before['machines'])} as before")


def each_command(
    before: Document, after: Document, commands: Iterable[PowerCommand]
) -> Iterator[Check]:
    sent = [
        f"power {command.command} at {command.domain}"
        for command in commands
        if before["taken_at"] <= command.time <= after["taken_at"]
    ]
    yield Check("power commands", not sent, "; ".join(sent) or "none")


def compared(
    before: Document,
    after: Document,
    beats: Iterable[heartbeat.Beat],
    commands: Iterable[PowerCommand],
) -> list[Check]:
    """Every finding on the rollback, from the first look to the second.

    :param beats: all that were recorded; a missing one counts, whenever it was.
    :param commands: all power commands that reached a BMC.
    """
    checks: list[Check] = []
    for name, key in LISTS.items():
        then, now = compare.by(before[name], key), compare.by(after[name], key)
        checks += each_entry(name, then, now)
    for name in sorted({*before["around"], *after["around"]} - {"actions"}):
        then, now = (document["around"].get(name, {}) for document in (before, after))
        checks += each_entry(name, then, now)
    checks += each_action(before, after)
    for name in TABLES:
        checks += each_entry(name, before[name], after[name])
    checks += each_class(before, after)
    wrong = compare.differences(NO_IRONIC, after["ironic"], tuple(NO_IRONIC))
    checks.append(Check("ironic", not wrong, wrong or "stopped, without a row"))
    if "machines" in before:
        checks += each_machine(before, after)
        lost = heartbeat.lost(heartbeat.streams(beats))
        checks.append(Check("heartbeats", not lost, f"{lost} lost"))
        checks += each_command(before, after, commands)
    return checks
