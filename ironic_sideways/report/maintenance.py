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

"""Maintenance was in force, and was undone exactly: locks and compute services.

``before.json`` was taken before the start, ``after.json`` during it, and
``ended.json`` after its end.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.evidence import compare, documents
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import actions
from ironic_sideways.report.checks import if_there
from ironic_sideways.report.findings import Finding

Document = dict[str, Any]

LOCK_FIELDS = ("locked", "locked_reason")
SERVICE_FIELDS = ("status", "disabled_reason")
#: What a member tried in the window, each to be refused: by the lock or by a policy.
REFUSED = (
    *("rename", "unlock", "tag", "tags removed", "createImage", "createBackup"),
    *("reboot", "delete", "port device_id", "port mac_address", "port device_owner"),
    *("port fixed_ips", "port allowed_address_pairs", "port binding:vnic_type"),
    *("port created", "port deleted", "share attached", "share detached"),
)
#: How the checks are named that ended.json is for.
AFTER = " after the end"
ENDED = "maintenance ended"
#: What changes nothing, and must be allowed again after the end.
PERMITTED = ("port device_id", "rename")


def plan(record: Document, before: Document) -> Check:
    """The start's record names every instance, and which were locked already."""
    was = {
        "lock": sorted(s["uuid"] for s in before["servers"] if not s["locked"]),
        "locked_before": sorted(s["uuid"] for s in before["servers"] if s["locked"]),
    }
    wrong = compare.differences(was, record, tuple(was))
    detail = f"{len(was['lock'])} to lock, {len(was['locked_before'])} locked before"
    return Check("record of the locks", not wrong, wrong or detail)


def held(server: Document, now: Document | None) -> str:
    """Why instance ``server`` was not safe from its owner; empty when it was."""
    if now is None:
        return "gone"
    if not now["locked"]:
        return "was not locked in the window"
    if not now["locked_reason"] and not server["locked"]:
        return "was locked without a reason"
    if server["locked"]:
        return compare.differences(server, now, LOCK_FIELDS)
    return ""


def undone(server: Document, now: Document | None) -> str:
    """What of the lock is not as before; empty when all is."""
    return "gone" if now is None else compare.differences(server, now, LOCK_FIELDS)


def each_lock(before: Document, after: Document, ended: Document) -> Iterator[Check]:
    during = compare.by(after["servers"], "uuid")
    then = compare.by(ended["servers"], "uuid")
    for server in before["servers"]:
        uuid = server["uuid"]
        wrong = held(server, during.get(uuid))
        yield Check(f"lock of {uuid} in the window", not wrong, wrong)
        wrong = undone(server, then.get(uuid))
        yield Check(f"lock of {uuid} after the end", not wrong, wrong)


def probes(record: Document) -> Iterator[Check]:
    """The policies of Nova and Neutron were in force, and are gone."""
    for name, key, wanted in (
        ("a member's calls in the window", "refused", REFUSED),
        ("a member's calls after the end", "permitted", PERMITTED),
    ):
        found = record.get(key, [])
        wrong = compare.mismatch(wanted, found)
        yield Check(name, not wrong, wrong or f"{len(found)} kinds {key}")


def compute_service(snapshot: Document, host: str) -> Document:
    """:raises SidewaysError: the snapshot has none of that host."""
    for service in snapshot["services"]:
        if service["binary"] == "nova-compute" and service["host"] == host:
            return dict(service)
    raise exceptions.SidewaysError(
        f"nova-compute of {host} is not in a snapshot: its service no longer exists"
    )


def each_service(
    host: str, before: Document, after: Document, ended: Document
) -> Iterator[Check]:
    was, during, then = (compute_service(s, host) for s in (before, after, ended))
    status = during["status"]
    yield Check(f"compute service {host} in the window", status == "disabled", status)
    wrong = compare.differences(was, then, SERVICE_FIELDS)
    name = f"compute service {host} after the end"
    yield Check(name, not wrong, wrong or was["status"])


def the_others(
    hosts: set[str], before: Document, after: Document, ended: Document
) -> Iterator[Check]:
    """No service was added, gone or down, apart from those that the window disables.

    :param hosts: those whose nova-compute it does.
    """
    found = [
        {(one["binary"], one["host"]): one for one in snapshot["services"]}
        for snapshot in (before, after, ended)
    ]
    for key in sorted({key for services in found for key in services}):
        fields: tuple[str, ...] = ("id", "state")
        if key[0] != "nova-compute" or key[1] not in hosts:
            fields += SERVICE_FIELDS
        was, *later = (services.get(key, {}) for services in found)
        faults = (differs(was, now, fields) for now in later)
        wrong = next(filter(None, faults), "")
        yield Check(f"service {key[0]} of {key[1]}", not wrong, wrong)


def differs(was: Document, now: Document, fields: tuple[str, ...]) -> str:
    """What of a service changed; empty when nothing."""
    if not was or not now:
        return "was not there before" if now else "is gone"
    return compare.differences(was, now, fields)


def as_recorded(record: Document, before: Document) -> Iterator[Check]:
    """The record for the undo tells what there was, and the undo was completed."""
    for service in record["services"]:
        was = compute_service(before, service["host"])
        told = {key: service.get(key, "absent") for key in SERVICE_FIELDS}
        wrong = compare.differences(was, told, SERVICE_FIELDS)
        name = f"record of compute service {service['host']}"
        yield Check(name, not wrong, wrong or service["status"])
    ended = {key: record.get(key, "absent") for key in ("ending", "ended")}
    over = all(value is True for value in ended.values())
    yield Check(ENDED, over, f"{ended}")


def check_maintenance(directory: Path) -> Finding:
    """All was locked and disabled in the window; after it, all is as before."""
    record, before, after = (
        documents.read(directory / f"{name}.json")
        for name in ("maintenance", "before", "after")
    )
    absent = ""
    try:
        ended = documents.read(directory / "ended.json")
    except exceptions.EvidenceAbsent as error:
        # Of a run that was cut off, the window is judged all the same.
        absent, ended = str(error), after
    checks = [
        plan(record, before),
        *each_lock(before, after, ended),
        *(
            check
            for service in record["services"]
            for check in each_service(service["host"], before, after, ended)
        ),
        *the_others({one["host"] for one in record["services"]}, before, after, ended),
    ]
    checks += if_there(
        "actions on each instance", partial(actions.each, directory, record)
    )
    # With the plain fake driver there is no instance to probe with.
    if before["servers"]:
        checks += probes(record)
    checks += as_recorded(record, before)
    if absent:
        late = (AFTER, ENDED)
        checks = [check for check in checks if not check.name.endswith(late)]
        checks.append(Check(f"all{AFTER}", False, absent, absent=True))
    locked = sum(server["locked"] for server in before["servers"])
    figure = f"{len(before['servers'])} instances locked, {locked} of them before"
    return Finding("maintenance", checks, figure)
