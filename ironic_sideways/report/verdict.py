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

"""Evidence directory -> pass or fail, with named reasons.

A function of the directory alone: it can run again later on a job's saved
artifacts. Absent evidence is a failure with the name of what is absent.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from ironic_sideways import exceptions, masking
from ironic_sideways.evidence import documents, events
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import (
    agreement,
    apis,
    beats,
    checks,
    exact_match,
    fail_over,
    judges,
    last_look,
    logs,
    maintenance,
    operations,
    places,
    renewals,
    restarted,
    schemas,
    subjects,
    takeover,
    tempest,
    window,
    workers,
)
from ironic_sideways.report.faults import FAULTS
from ironic_sideways.report.findings import Finding, Line, Verdict, broken
from ironic_sideways.report.subjects import Judged, Section, Subject


def check_evidence(directory: Path) -> Finding:
    """The files are as their schemas say, and as what the run recorded of itself."""
    finding = schemas.check_evidence(directory)
    told = (*subjects.check(directory, SUBJECTS), *subjects.each_accepted(directory))
    return dataclasses.replace(finding, checks=[*finding.checks, *told])


#: All there are, in the ledger's order. Each is defined here and nowhere else.
SUBJECTS: dict[str, Subject] = {
    "evidence": Subject(check_evidence, ()),
    "window": Subject(window.check_phases, ("events.jsonl",)),
    "maintenance": Subject(
        maintenance.check_maintenance,
        ("ended.json", "after.json", "maintenance.json", "before.json"),
    ),
    "migration": Subject(checks.check_migration, ("migration.json", "before.json")),
    "flavors": Subject(checks.check_flavors, ("flavors.json", "migration.json")),
    "take-over": Subject(takeover.check_takeover, ("takeover.json", "before.json")),
    "DHCP options": Subject(
        checks.check_dhcp_options, ("dhcp-options.json", "before.json")
    ),
    "resources": Subject(checks.check_resources, ("resources.json", "before.json")),
    "survival": Subject(checks.check_survival, ("after.json", "before.json")),
    "heartbeats": Subject(beats.check_heartbeats, ("heartbeat.jsonl", "before.json")),
    "leases": Subject(renewals.check_leases, ("leases.jsonl", "before.json")),
    "APIs": Subject(apis.check_apis, (apis.FILE, "before.json")),
    "BMCs": Subject(window.check_bmc, ("bmc.json",)),
    "logs": Subject(logs.check_logs, ("secrets.json",)),
    "agreement": Subject(agreement.check_agreement, ("before.json",)),
    "judges": Subject(judges.check_judges, (judges.FIRST, "migration.json")),
    "restarted": Subject(
        restarted.check_restarted,
        ("restarted.json", "before.json"),
        Judged.UNLESS_LEFT_OUT,
    ),
    "operations": Subject(
        operations.check_operations,
        ("operations.json", "bmc.json"),
        Judged.UNLESS_LEFT_OUT,
        Section(
            "operations",
            "Operations",
            "What was done on the moved cloud, with each result. A deploy or a "
            "cleaning lists its node's states.",
            facts=operations.seconds_in_all,
        ),
    ),
    "judges-again": Subject(
        judges.check_again,
        (judges.AGAIN, judges.FIRST, "operations.json", "migration.json"),
        Judged.UNLESS_LEFT_OUT,
    ),
    "proxy": Subject(
        operations.check_proxy,
        ("proxy.json",),
        Judged.UNLESS_LEFT_OUT,
        Section(
            "proxy",
            "Bare-metal API",
            "Requests to Nova's os-baremetal-nodes, and what the proxy answered.",
            fold=True,
        ),
    ),
    "tempest": Subject(
        tempest.check_tempest,
        ("tempest/results.json", "tempest-base/results.json"),
        Judged.UNLESS_LEFT_OUT,
    ),
    "last look": Subject(
        last_look.check_last_look,
        (last_look.FILE, "after.json"),
        Judged.UNLESS_LEFT_OUT,
    ),
    "fail-over": Subject(
        fail_over.check_fail_over,
        (fail_over.FILE, "before.json"),
        Judged.WHEN_ADDED,
        Section(
            "fail-over",
            "Fail-over",
            "Ironic's conductor killed, and a second one that took its nodes over.",
            steps="steps",
        ),
    ),
    "exact-match": Subject(
        exact_match.check_exact_match,
        (exact_match.FILE, "before.json"),
        Judged.WHEN_ADDED,
        Section(
            "shapes",
            "Flavors and shapes",
            "Each flavor must land on a node of exactly its shape, or find no host.",
            steps="checks",
            facts=exact_match.classes,
        ),
    ),
    "workers": Subject(
        workers.check_workers,
        (workers.FILE, "before.json"),
        Judged.WHEN_ADDED,
        Section(
            "workers",
            "Workers of one host",
            "nova-compute workers under one host name, killed one after the other.",
            steps="rounds",
            facts=workers.kills,
        ),
    ),
}


@documents.read_once()
def verdict(directory: Path) -> Verdict:
    """One finding a subject; evidence that is absent or malformed is a failure.

    But for what the run recorded that it left out.
    """
    without = subjects.left_out(directory, SUBJECTS)
    more = subjects.added(directory, SUBJECTS)
    findings = [
        judge(name, subject, directory)
        for name, subject in SUBJECTS.items()
        if name not in without
        and (subject.judged is not Judged.WHEN_ADDED or name in more)
    ]
    resume, roll_back = ways_on(directory)
    errors = tuple(
        dataclasses.replace(line, text=masking.mask(line.text))
        for line in unknown_errors(directory)
    )
    owners = tuple(masking.mask(line) for line in accepted(directory))
    return Verdict(findings, without, owners, errors, resume, roll_back)


def accepted(directory: Path) -> tuple[str, ...]:
    """None where it cannot be read: that is red already."""
    try:
        return tuple(map(str, subjects.seen(directory)))
    except FAULTS:
        return ()


def unknown_errors(directory: Path) -> tuple[Line, ...]:
    """None where the evidence does not tell the window: that is red already."""
    try:
        return tuple(logs.unknown_errors(directory))
    except FAULTS:
        return ()


@documents.read_once()
def judge(name: str, subject: Subject, directory: Path) -> Finding:
    """The finding on ``subject``, to be shown anywhere.

    Its evidence's faults are findings as well.
    """
    found = places.placed(
        _judge(name, subject.check, directory), directory, subject.files
    )
    checks = [masked(check) for check in found.checks]
    return dataclasses.replace(found, checks=checks, figure=masking.mask(found.figure))


def masked(check: Check) -> Check:
    """The check as it may be shown."""
    name, detail = masking.mask(check.name), masking.mask(check.detail)
    if (name, detail) == (check.name, check.detail):
        return check
    return dataclasses.replace(check, name=name, detail=detail)


def _judge(name: str, check: Callable[[Path], Finding], directory: Path) -> Finding:
    try:
        return check(directory)
    except exceptions.EvidenceAbsent as error:
        return broken(name, str(error), True, relative(error.path, directory))
    except exceptions.EvidenceMalformed as error:
        where = f"{relative(error.path, directory)}:{error.line or 1}"
        return broken(name, str(error), where=where)
    except exceptions.SidewaysError as error:
        return broken(name, str(error))
    except FileNotFoundError as error:
        return broken(name, f"evidence {error.filename}: absent", True)
    except KeyError as error:
        return broken(name, f"evidence is malformed: no key {error}")
    except (AttributeError, TypeError, ValueError) as error:
        text = f"evidence is malformed: {type(error).__name__} {error}"
        return broken(name, text)


def relative(path: Path, directory: Path) -> str:
    return str(path.relative_to(directory) if path.is_relative_to(directory) else path)


def ways_on(directory: Path) -> tuple[str | None, str | None]:
    """The commands that resume and that roll back, as the run recorded them.

    There is no way back once maintenance has ended, nor for a run that goes on then.
    """
    resume = roll_back = None
    ended = False
    try:
        recorded = events.read(directory / "events.jsonl")
    except exceptions.SidewaysError:
        return None, None
    for event in recorded:
        if event.get("kind") == "commands":
            resume, roll_back = event.get("resume"), event.get("roll_back")
        if (event.get("name"), event.get("result")) == ("end-maintenance", "ok"):
            ended = True
    return resume, None if ended else roll_back
