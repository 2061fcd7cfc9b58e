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

"""Stories of phases and trials that did not do what they say, or not then."""

import json
import re
from pathlib import Path
from typing import Any

from ironic_sideways.tests.unit.report.example import clock
from ironic_sideways.tests.unit.report.small_move import files
from ironic_sideways.tests.unit.report.test_broken_moves import Forge, lines

PLACES = ("tempest", "tempest-base")


def in_no_time(phase: str, seconds: float = 0.0) -> Forge:
    """A phase is said to be over at once: each document of it is of its begin."""
    begin, end = clock.span(phase)

    def over(event: Any) -> Any:
        if (event["name"], event["result"]) == (phase, "ok"):
            event.update(time=begin + seconds, seconds=seconds)
        return event

    def forge(directory: Path) -> None:
        lines("events", over)(directory)
        for path in directory.glob("*.json"):
            document = json.loads(path.read_text())
            if "taken_at" in document and begin < document["taken_at"] < end:
                files.edit(path, lambda d: d.update(taken_at=begin))

    return forge


def without_log(directory: Path) -> None:
    """A phase is told that left no log."""
    (directory / "phases" / "resources.log").unlink()


def another_days(directory: Path) -> None:
    """A phase's log is of another run."""
    path = directory / "phases" / "verify.log"
    path.write_text(re.sub(r"--- \d{4}", "--- 2025", path.read_text()))


def failed(directory: Path) -> None:
    """A phase's log ends with why it failed."""
    path = directory / "phases" / "verify.log"
    header, _figure = path.read_text().splitlines()
    path.write_text(f"{header}\nironic-sideways: server survivor-1 rebooted\n")


def judged_for(seconds: float) -> Forge:
    """Each of upstream's judges took so long."""

    def alter(document: Any) -> None:
        for one in document["programs"]:
            one.update(seconds=seconds)

    return lambda directory: files.edit(directory / "judges.json", alter)


def judged_early(directory: Path) -> None:
    """Upstream's judges were asked again before anything was deployed."""
    moment = clock.span("operate")[0] + 1
    files.edit(directory / "judges-again.json", lambda d: d.update(taken_at=moment))


def asked_once(directory: Path) -> None:
    """All that the proxy was asked was answered at one moment."""
    moment = clock.span("proxy")[0] + 1
    files.edit(
        directory / "proxy.json", lambda d: [row.update(time=moment) for row in d]
    )


def not_asked(*words: str) -> Forge:
    """nova-api's log has no such request."""

    def forge(directory: Path) -> None:
        path = directory / "logs" / "nova-api.log"
        told = path.read_text().splitlines(keepends=True)
        path.write_text("".join(t for t in told if not any(w in t for w in words)))

    return forge


def tests(**change: Any) -> Forge:
    """Each test that passed is told so."""

    def alter(document: Any) -> None:
        for number, test in enumerate(document["tests"]):
            if test["outcome"] == "passed":
                test.update(
                    {
                        k: v.format(number) if k == "name" else v
                        for k, v in change.items()
                    }
                )

    def forge(directory: Path) -> None:
        for place in PLACES:
            files.edit(directory / place / "results.json", alter)

    return forge


FORGED: dict[str, tuple[Forge, str, str]] = {
    **{
        f"the phase {phase}, over at once": (
            in_no_time(phase),
            "agreement",
            "instant agree",
        )
        for phase in ("flavors", "takeover", "resources", "verify", "restarted")
    },
    "a verification that waited for no heartbeat": (
        in_no_time("verify", 0.3),
        "agreement",
        "verified agree",
    ),
    "upstream's judges, done before they can have ended": (
        judged_for(60.0),
        "agreement",
        "judged agree",
    ),
    "upstream's judges that took no time": (
        judged_for(0.001),
        "agreement",
        "judged agree",
    ),
    "judges asked again before the operations": (
        judged_early,
        "agreement",
        "judged agree",
    ),
    "a phase without a log": (without_log, "agreement", "own logs agree"),
    "a phase with an earlier run's log": (another_days, "agreement", "own logs agree"),
    "a phase whose log says that it failed": (failed, "agreement", "own logs agree"),
    "a proxy that answered all at once": (asked_once, "agreement", "proxied agree"),
    "a proxy that nobody asked, as nova-api's log has it": (
        not_asked("os-baremetal-nodes"),
        "agreement",
        "proxy asked agree",
    ),
    "Tempest's tests that took no time": (
        tests(seconds=0.0),
        "agreement",
        "tempest asked agree",
    ),
    "a test of Tempest's that took longer than all": (
        tests(seconds=4000.0),
        "agreement",
        "tempest asked agree",
    ),
    "Tempest's tests, of which nova-api's log has no request": (
        not_asked("/v2.1/servers"),
        "agreement",
        "tempest asked agree",
    ),
    "one test of Tempest's, told so often": (
        tests(name="tempest.api.compute.flavors.test_list[id-{:08x}]"),
        "tempest",
        "enough tests ran",
    ),
}
