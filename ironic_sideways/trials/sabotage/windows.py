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

"""Which sabotages share a window, and whether the verdict names what they broke."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.evidence import documents
from ironic_sideways.report import verdict, window
from ironic_sideways.report.findings import Verdict
from ironic_sideways.trials.sabotage import acts
from ironic_sideways.trials.sabotage.kinds import Sabotage
from ironic_sideways.trials.sabotage.table import TABLE

#: In the lab's directory: what was broken last, by the names of the sabotages.
RECORD = "sabotaged.json"


def find(name: str) -> Sabotage:
    """:raises UsageError: there is none of that name."""
    for sabotage in TABLE:
        if sabotage.name == name:
            return sabotage
    known = ", ".join(sabotage.name for sabotage in TABLE)
    raise exceptions.UsageError(f"sabotage {name}: expected one of {known}")


def together(names: str) -> list[Sabotage]:
    """The sabotages of one window, in the order of their phases.

    :param names: joined by ``+``; or the window's, for all of it.
    :raises UsageError: they cannot be done in the same window.
    """
    found = [one for one in TABLE if names and one.window == names]
    found = found or [find(name) for name in names.split("+")]
    windows = {sabotage.window for sabotage in found}
    if len(found) > 1 and (len(windows) > 1 or not all(windows)):
        raise exceptions.UsageError(
            f"sabotages {names}: expected sabotages of one window (see --list)"
        )
    return sorted(found, key=lambda one: window.WINDOW.index(one.after))


def chosen(words: str) -> list[str]:
    """The windows that ``words`` ask for, as ``together`` takes them.

    :param words: ``each``, in a window of its own; ``windows``, all that may share
        one; or some by name.
    :raises UsageError: there is none of a name, or some cannot go together.
    """
    if words == "each":
        return [sabotage.name for sabotage in TABLE]
    if words == "windows":
        return [*dict.fromkeys(one.window for one in TABLE if one.window)]
    names = words.split(",")
    for one in names:
        together(one)
    return names


def done(sabotages: Sequence[Sabotage], scene: acts.Scene) -> list[acts.Broken]:
    """Do them, and record what each broke, to compare the verdict with."""
    path = scene.lab / RECORD
    record = documents.read(path) if path.exists() else {}
    found = {one.name: one.act(scene) for one in sabotages}
    record |= {name: dataclasses.asdict(broken) for name, broken in found.items()}
    documents.write(path, record)
    return list(found.values())


def judged(sabotages: Sequence[Sabotage], lab: Path) -> list[str]:
    """What the verdict said of each; the whole of it is in verdict.json.

    :raises SidewaysError: the verdict does not name one that was done.
    """
    broken = documents.read(lab / RECORD)
    evidence = lab / "evidence"
    found = verdict.verdict(evidence)
    documents.write(evidence / "verdict.json", found.as_dict())
    return [named(one, broken[one.name]["things"], found) for one in sabotages]


def named(sabotage: Sabotage, things: Sequence[str], found: Verdict) -> str:
    """The verdict's first line on it.

    :param things: each must be named.
    :raises SidewaysError: one is not.
    """
    lines = [
        f"{finding.name}: {check.name}: {check.detail} ({check.where})"
        for finding in found.findings
        for check in finding.failures
        if finding.name == sabotage.subject
        and check.state == sabotage.state
        and re.fullmatch(sabotage.check, check.name)
        and re.search(sabotage.says, check.detail)
    ]
    for thing in things:
        if not any(thing in line for line in lines):
            raise exceptions.SidewaysError(
                f"sabotage {sabotage.name}: expected the verdict to name {thing} by "
                f"{sabotage.subject}: {sabotage.check} ({sabotage.says}); it said: "
                f"{lines[0] if lines else found.last_line()}"
            )
    return next(line for line in lines if things[0] in line)
