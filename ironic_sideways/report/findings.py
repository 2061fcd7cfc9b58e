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

"""What the verdict says: of one subject, and of the whole run."""

import dataclasses
import math
import time
from collections.abc import Iterable
from typing import Any

from ironic_sideways.evidence.compare import Check


def clock(moment: float) -> str:
    """The time of day, UTC, of ``moment`` in seconds since the epoch.

    ``?`` where there is none: a phase that was killed never ended.
    """
    if not math.isfinite(moment):
        return "?"
    return time.strftime("%H:%M:%S", time.gmtime(moment))


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One line of a log.

    :param file: relative to the evidence directory.
    :param time: seconds since the epoch; 0 before the log's first time.
    :param times: how often a line of its kind was there.
    """

    file: str
    number: int
    time: float
    text: str
    times: int = 1

    @property
    def where(self) -> str:
        return f"{self.file}:{self.number}"

    @property
    def clock(self) -> str:
        """The time of day, UTC."""
        return clock(self.time) if self.time else "?"

    def __str__(self) -> str:
        more = f" ({self.times} times)" if self.times > 1 else ""
        return f"{self.where}: {self.clock} {self.text.strip()}{more}"


@dataclasses.dataclass(frozen=True)
class Finding:
    """One line of the ledger, made of the checks of one subject.

    :param nothing: this run has nothing for the subject to judge.
    """

    name: str
    checks: list[Check]
    figure: str
    nothing: bool = False

    @property
    def ok(self) -> bool:
        return bool(self.checks) and all(check.ok for check in self.checks)

    @property
    def failures(self) -> list[Check]:
        return [check for check in self.checks if not check.ok]

    @property
    def state(self) -> str:
        """``ok``; ``nothing`` was there to judge; ``failed``; or all was ``absent``."""
        if self.ok:
            return "nothing" if self.nothing else "ok"
        absent = bool(self.failures) and all(c.absent for c in self.failures)
        return "absent" if absent else "failed"

    @property
    def word(self) -> str:
        """What a ledger's line begins with."""
        return {"ok": "OK", "nothing": "-"}.get(self.state, self.state.upper())

    @property
    def told(self) -> str:
        """The figure, and that it is of nothing."""
        nothing = self.state == "nothing"
        return f"nothing to check: {self.figure}" if nothing else self.figure


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Pass or fail of a run, from its evidence directory alone.

    :param without: subjects that the run left out, as it recorded itself.
    :param accepted: what the operator takes for its owner's doing, each a line.
    :param errors: ERROR lines that match no rule: listed, not judged.
    :param resume: the command that goes on with the run; None: none is recorded.
    :param roll_back: the command that undoes it; None when there is no way back.
    """

    findings: list[Finding]
    without: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    errors: tuple[Line, ...] = ()
    resume: str | None = None
    roll_back: str | None = None

    @property
    def passed(self) -> bool:
        return all(finding.ok for finding in self.findings)

    @property
    def red(self) -> list[str]:
        """The subjects that failed."""
        return [finding.name for finding in self.findings if not finding.ok]

    @property
    def unreached(self) -> list[str]:
        """Of these, what has no evidence: the run did not get that far."""
        return [finding.name for finding in self.findings if finding.state == "absent"]

    @property
    def first(self) -> tuple[Finding, Check] | None:
        """The failing check to look at first; None when nothing failed.

        What is seen to be wrong tells more than missing evidence, and a subject's own
        check more than the phase that it made fail.
        """
        failed = [
            (finding, check)
            for finding in self.findings
            for check in finding.failures or [NOTHING]
            if not finding.ok
        ]
        return min(failed, key=_rank, default=None)

    def last_line(self) -> str:
        """What a run ends with: passed, or all that a person needs to go on."""
        if self.first is None:
            return "verdict: PASSED"
        finding, check = self.first
        reason = one_line(check.detail)
        more = len(self.red) - 1
        return " | ".join(
            [
                f"verdict: FAILED: {finding.name}: {check.name}: {reason}",
                *([f"red: {', '.join(self.red)}"] if more else []),
                f"evidence: {check.where or 'none'}",
                f"resume: {self.resume or 'not recorded'}",
                f"roll back: {self.roll_back or 'not possible'}",
            ]
        )

    def as_dict(self) -> dict[str, Any]:
        """For machines: JSON's types alone."""
        return {
            "passed": self.passed,
            "without": list(self.without),
            "accepted": list(self.accepted),
            "findings": [
                {
                    "name": finding.name,
                    "state": finding.state,
                    "figure": finding.figure,
                    "checks": [
                        {
                            "name": check.name,
                            "state": check.state,
                            "reason": check.detail,
                            "evidence": check.where,
                        }
                        for check in finding.checks
                    ],
                }
                for finding in self.findings
            ],
            "unknown_errors": [
                {**dataclasses.asdict(line), "where": line.where}
                for line in self.errors
            ],
            "resume": self.resume,
            "roll_back": self.roll_back,
        }


def in_one(name: str, checks: Iterable[Check]) -> list[Check]:
    """The failures among ``checks``, or one check that says how many there were.

    What is judged a second time need not be shown one by one; where it has nothing to
    judge, the first time was a failure.
    """
    found = list(checks)
    whole = [Check(name, True, f"{len(found)} checks")] if found else []
    return [check for check in found if not check.ok] or whole


#: A subject without a single check proves nothing.
NOTHING = Check("evidence", False, "nothing was checked", absent=True)


def _rank(failed: tuple[Finding, Check]) -> int:
    finding, check = failed
    return 2 if check.absent else 1 if finding.name in ("window", "agreement") else 0


def one_line(text: str) -> str:
    return " ".join(text.split())


def broken(name: str, why: str, absent: bool = False, where: str = "") -> Finding:
    """The finding on a subject whose evidence is absent or malformed."""
    check = Check("evidence", False, why, absent, where)
    return Finding(name, [check], "no usable evidence")
