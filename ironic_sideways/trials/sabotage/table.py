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

"""The sabotages: when each is done, what it breaks, and what the verdict must say."""

import dataclasses
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.evidence import documents
from ironic_sideways.report import verdict
from ironic_sideways.report.findings import Verdict
from ironic_sideways.trials.sabotage import acts

#: In the lab's directory: what was broken last, by the names of the sabotages.
RECORD = "sabotaged.json"


@dataclasses.dataclass(frozen=True)
class Sabotage:
    """One way to break a move.

    :param says: a pattern that the failed check's reason holds.
    :param after: the phase after which it is done.
    :param until: the phase by which it must be visible.
    :param subject: of the verdict; ``check`` is a pattern of the check that fails.
    :param destructive: a machine is switched: only a new workload restores the base.
    """

    name: str
    text: str
    act: Callable[[acts.Scene], acts.Broken]
    says: str
    after: str = "migrate"
    until: str = "takeover"
    subject: str = "take-over"
    check: str = r"row of .*"
    destructive: bool = False


TABLE = (
    Sabotage(
        "bmc-addresses",
        "BMC addresses of two nodes swapped",
        acts.swap_bmcs,
        says=r"^BMC .*, its machine's: ",
    ),
    Sabotage(
        "macs",
        "MACs of two nodes swapped",
        acts.swap_macs,
        says=r"^MACs .*, its machine's: ",
    ),
    Sabotage("vif", "a VIF lost", acts.lose_vif, says=r"^VIFs .* became \{\}"),
    Sabotage(
        "deleted-row",
        "a soft-deleted row imported",
        acts.import_deleted,
        says="did not record",
        check="no other nodes",
    ),
    Sabotage(
        "unserved-driver",
        "a driver that no conductor serves",
        acts.unserved_driver,
        says="power state not adopted|no online conductor",
        check=r"take-over of .*",
    ),
    Sabotage(
        "power-off",
        "power_state `power off` written for a running machine",
        acts.write_power_off,
        says="power off",
        subject="logs",
        check="no machine switched by power sync",
        destructive=True,
    ),
    Sabotage(
        "reboot",
        "a machine rebooted in the window",
        acts.reboot_machine,
        says="in window",
        after="begin-maintenance",
        until="stop-compute",
        subject="BMCs",
        check=r"power of .*",
        destructive=True,
    ),
    Sabotage(
        "password",
        "a password in a log",
        acts.leak_password,
        says="BMC password",
        subject="logs",
        check="no secret",
    ),
    Sabotage(
        "allocation",
        "an allocation left on VCPU",
        acts.leave_allocation,
        says=r"to .*'VCPU'",
        after="compute",
        until="resources",
        subject="resources",
        check=r"resources of .*",
    ),
    Sabotage(
        "old-driver",
        "nova-compute left on the old driver",
        acts.keep_driver,
        says=r"^baremetal\.",
        after="compute",
        until="resources",
        subject="resources",
        check="driver",
    ),
)


def find(name: str) -> Sabotage:
    """:raises UsageError: there is none of that name."""
    for sabotage in TABLE:
        if sabotage.name == name:
            return sabotage
    known = ", ".join(sabotage.name for sabotage in TABLE)
    raise exceptions.UsageError(f"sabotage {name}: expected one of {known}")


def together(names: str) -> list[Sabotage]:
    """The sabotages of one window, their names joined by ``+``.

    :raises UsageError: they cannot be done in the same window.
    """
    found = [find(name) for name in names.split("+")]
    if len({(sabotage.after, sabotage.until) for sabotage in found}) > 1:
        raise exceptions.UsageError(
            f"sabotages {names}: expected sabotages of the same phases (see --list)"
        )
    if len(found) > 1 and any(sabotage.destructive for sabotage in found):
        raise exceptions.UsageError(
            f"sabotages {names}: one that switches a machine must be done alone"
        )
    return found


def chosen(words: str) -> list[str]:
    """The windows that ``words`` ask for: each sabotage in one, or some by name.

    :raises UsageError: there is none of a name, or some cannot go together.
    """
    if words == "each":
        return [sabotage.name for sabotage in TABLE]
    found = words.split(",")
    for names in found:
        together(names)
    return found


def done(sabotages: Sequence[Sabotage], scene: acts.Scene) -> list[acts.Broken]:
    """Do them, and record what each broke, to compare the verdict with."""
    found = {one.name: one.act(scene) for one in sabotages}
    record = {name: dataclasses.asdict(broken) for name, broken in found.items()}
    documents.write(scene.lab / RECORD, record)
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
        and check.state == "failed"
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
