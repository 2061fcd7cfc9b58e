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

"""What a conductor's death must have left as it was, and what taken over."""

import pytest

from ironic_sideways.evidence import documents
from ironic_sideways.report import fail_over
from ironic_sideways.tests.unit.report.small_move import (
    files,
    guests,
    phases,
    small_cloud,
)

FIRST, SECOND = "isw0", "isw0-second"
BEGIN, END = phases.OPERATED + 39.1, phases.OPERATED + 39.9
KILLED = BEGIN + 0.1


@pytest.fixture
def failed_over(evidence):
    """A run that was told to kill a conductor, too."""
    nodes = list(small_cloud.NODES)
    files.write(
        evidence / fail_over.FILE,
        {
            **{"taken_at": END, "killed_at": KILLED, "survivor": "server-run"},
            "conductors": [FIRST, SECOND],
            "managed": {
                "before": dict.fromkeys(nodes, FIRST),
                "shared": dict.fromkeys(nodes, FIRST),
                "after": dict.fromkeys(nodes, SECOND),
                "back": dict.fromkeys(nodes, FIRST),
            },
            "machines": [{"mac": small_cloud.mac(3), "before": "b", "after": "b"}],
            "steps": [
                {"name": name, "ok": True, "detail": "", "seconds": 1.0}
                for name in fail_over.STEPS
            ],
        },
    )
    for path, more in (
        ("events.jsonl", phase()),
        ("heartbeat.jsonl", guests.beats((1, 2), 1, "boot-90", KILLED + 0.1)),
    ):
        known = list(documents.read_lines(evidence / path))
        files.write_lines(evidence / path, [*known, *more])
    beats = [
        {**beat, **(small_cloud.DISKS if beat["boot_id"] == "boot-90" else {})}
        for beat in documents.read_lines(evidence / "heartbeat.jsonl")
    ]
    for beat in beats:
        if beat["boot_id"] == "boot-90":
            beat["time"] = KILLED + 0.2
    files.write_lines(evidence / "heartbeat.jsonl", beats)
    on = {"time": KILLED + 0.1, "domain": "machine-1", "command": "on"}
    files.edit(evidence / "bmc.json", lambda d: d["commands"].append(on))
    return evidence


def phase():
    return [
        phases.phase("fail-over", "started", BEGIN),
        phases.phase("fail-over", "ok", END, END - BEGIN),
    ]


def failed(directory) -> list[str]:
    return [check.name for check in fail_over.check_fail_over(directory).failures]


def test_a_second_conductor_that_took_over_and_gave_back(failed_over):
    assert failed(failed_over) == []


def managed(look, node, host):
    def change(document):
        document["managed"][look][node] = host

    return change


def one_step(**values):
    return lambda document: document["steps"][3].update(values)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        (managed("before", "node-run", SECOND), ["conductor before"]),
        (managed("after", "node-free", FIRST), ["conductor after"]),
        (managed("back", "node-stop", None), ["conductor back"]),
        (lambda d: d["managed"].pop("back"), ["conductor back"]),
        (lambda d: d["managed"]["after"].pop("node-run"), ["conductor after"]),
        (one_step(ok=False), ["hard reboot"]),
        (lambda d: d["steps"].pop(), ["steps"]),
        (
            lambda d: d["machines"][0].update(after="c"),
            [f"boot of {small_cloud.mac(3)}"],
        ),
        (lambda d: d["machines"].clear(), ["other machines"]),
        (lambda d: d.update(killed_at=BEGIN - 9), ["killed in its phase"]),
        (lambda d: d.update(taken_at=END + 9), ["killed in its phase"]),
        (
            lambda d: d.update(survivor="server-stop"),
            ["a net-booted survivor", "back after the kill"],
        ),
    ],
)
def test_what_was_not_so_is_named(failed_over, change, names):
    files.edit(failed_over / fail_over.FILE, change)

    assert set(names) <= set(failed(failed_over))


def test_a_survivor_that_did_not_boot_after_the_kill_is_named(failed_over):
    path = failed_over / "heartbeat.jsonl"
    kept = [b for b in documents.read_lines(path) if b["boot_id"] != "boot-90"]
    files.write_lines(path, kept)

    assert failed(failed_over) == ["back after the kill"]


def test_a_survivor_with_other_disks_is_another_machine(failed_over):
    path = failed_over / "heartbeat.jsonl"
    told = list(documents.read_lines(path))
    for beat in told:
        if beat["boot_id"] == "boot-90":
            beat["marker"] = "another"
    files.write_lines(path, told)

    assert failed(failed_over) == ["back after the kill"]


def test_a_boot_without_a_command_is_none_of_the_second_conductors(failed_over):
    files.edit(failed_over / "bmc.json", lambda d: d["commands"].pop())

    assert failed(failed_over) == ["switched on after the kill"]
