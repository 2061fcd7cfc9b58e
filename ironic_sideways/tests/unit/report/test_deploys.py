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

"""Deploys by the agent: what does not prove one is a failure."""

import json

import pytest

from ironic_sideways.report import deploys, operations
from ironic_sideways.tests.unit.report.small_move import (
    files,
    guests,
    phases,
    small_cloud,
    trials,
)


def failures(evidence) -> dict[str, str]:
    return {c.name: c.detail for c in operations.check_operations(evidence).failures}


def begin(evidence):
    """The phase that cleans and deploys begins, and both machines boot in it."""
    begun = [*phases.phase_events(), phases.phase(deploys.PHASE, "started", 1200.0)]
    files.write_lines(evidence / "events.jsonl", begun)
    path = evidence / "heartbeat.jsonl"
    told = [json.loads(line) for line in path.read_text().splitlines()]
    for number in (1, 3):
        beats = guests.beats((1, 2), number, "boot-12", 1230.0)
        told += [{**beat, "image": "marked"} for beat in beats]
    files.write_lines(path, told)
    on = [
        {"time": 1205.0, "domain": f"machine-{number}", "command": "on"}
        for number in (1, 3)
    ]
    files.edit(evidence / "bmc.json", lambda d: d["commands"].extend(on))


def change(evidence, name, act):
    def edit(document):
        (operation,) = (o for o in document if o["name"] == name)
        act(operation)

    files.edit(evidence / "operations.json", edit)


def test_deploys_that_the_evidence_shows_whole_are_told_with_their_times(evidence):
    found = {c.name: c for c in operations.check_operations(evidence).checks}

    assert found["agent, rebuild"].ok
    assert found["agent, rebuild"].detail == (
        "node node-run: agent 13.0.0 seen after 20 s, active after 30 s, "
        "heartbeat after 31 s"
    )


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda d: d.update(interface="ramdisk"), "deploy interface ramdisk"),
        (lambda d: d.update(agent=None), "no agent sent a heartbeat"),
        (lambda d: d["changes"].pop(), "was deploying, wait call-back"),
        (lambda d: d["changes"].pop(1), "was deploying, active"),
        (lambda d: d["changes"][1].update(step="deploy"), "write_image was not seen"),
        (lambda d: d.update(boot_id="boot-1"), "under boot id boot-1 since"),
        (lambda d: d.update(boot_id="boot-4"), "came after 35.0 s, not 31"),
        (lambda d: d.update(image="another"), "name image marked, expected"),
        (lambda d: d.update(fixed_ip="172.30.0.9"), "its fixed IP is 172.30.0.9"),
        (lambda d: d.update(answered="timed out"), "which answered: timed out"),
    ],
)
def test_a_rebuild_that_no_agent_did_is_a_failure(evidence, act, says):
    change(evidence, "rebuild", lambda o: act(o["deploy"]))

    assert says in failures(evidence)["agent, rebuild"]


def test_a_rebuild_without_record_is_a_failure(evidence):
    change(evidence, "rebuild", lambda o: o.pop("deploy"))

    assert failures(evidence) == {"agent, rebuild": "no record of its node's states"}


def test_a_run_that_began_to_clean_must_have_cleaned_and_deployed_again(evidence):
    begin(evidence)

    assert failures(evidence) == {
        "agent, cleaning": "was never done",
        "agent, deploy after cleaning": "was never done",
        "agent, direct deploy": "was never done",
    }

    files.edit(evidence / "operations.json", lambda d: d.extend(trials.cleaned()))
    assert failures(evidence) == {}


@pytest.mark.parametrize(
    ("name", "act", "failed"),
    [
        (
            "cleaning",
            lambda o: o["clean"]["changes"][0].update(step=None),
            "agent, cleaning",
        ),
        (
            "cleaning",
            lambda o: o.update(allocation={"node-run": {small_cloud.CLASS: 1}}),
            "old flavor, cleaning",
        ),
        (
            "direct deploy",
            lambda o: o["deploy"].update(begin=phases.OPERATED - 90),
            "two deploys at once",
        ),
        (
            "deploy after cleaning",
            lambda o: o["deploy"].update(node="another"),
            "cleaned node deployed again",
        ),
    ],
)
def test_a_cleaning_that_proves_nothing_is_a_failure(evidence, name, act, failed):
    begin(evidence)
    files.edit(evidence / "operations.json", lambda d: d.extend(trials.cleaned()))
    change(evidence, name, act)

    assert failed in failures(evidence)
