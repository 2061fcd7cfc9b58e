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

"""The verdict: green on a whole evidence directory, red by name on each fault."""

import json
from pathlib import Path

import pytest

from ironic_sideways.cmd import main
from ironic_sideways.evidence import compare
from ironic_sideways.report import verdict

NODE, SERVER, PORT, MAC = "node-1", "server-1", "port-1", "52:54:00:00:00:01"
MOVED = {"read": 1, "planned": 0, "written": 0, "present": 0, "verified": 1}
BEGIN, END = 1000.0, 1060.0


def write(path: Path, document) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))


def write_lines(path: Path, rows) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def snapshot(seq: int, resources: dict) -> dict:
    return {
        "base_driver": "nova_bm",
        "servers": [
            {
                **dict.fromkeys(compare.SERVER_FIELDS),
                "uuid": SERVER,
                "name": "sideways-0",
                "status": "ACTIVE",
                "node": NODE,
                "ports": [{"id": PORT, "mac": MAC, "fixed_ips": ["172.30.0.10"]}],
            }
        ],
        "providers": [
            {
                "uuid": NODE,
                "inventories": {key: {"total": 1} for key in resources},
                "allocations": {SERVER: resources},
            }
        ],
        "machines": [
            {
                "uuid": NODE,
                "name": "isw0-node-0",
                "mac": MAC,
                "power": "on",
                "boot_id": "boot-1",
                "last_seq": seq,
            }
        ],
    }


def phase_events() -> list[dict]:
    found = []
    for name in verdict.WINDOW:
        for result in ("started", "ok"):
            time = END if (name, result) == ("end-maintenance", "ok") else BEGIN
            found.append(
                {
                    "time": time,
                    "kind": "phase",
                    "name": name,
                    "result": result,
                    "figure": "",
                    "memory_used_mb": 3000,
                }
            )
    return found


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    """The directory of a move that went well."""
    write_lines(tmp_path / "events.jsonl", phase_events())
    write(tmp_path / "before.json", snapshot(1, {"VCPU": 1}))
    after = snapshot(70, {"CUSTOM_BAREMETAL": 1})
    after["ironic_nodes"] = [
        {
            "uuid": NODE,
            "instance_uuid": SERVER,
            "provision_state": "active",
            "maintenance": False,
            "last_error": None,
            "ports": [{"uuid": "p", "mac": MAC, "vif": PORT}],
        }
    ]
    write(tmp_path / "after.json", after)
    write(
        tmp_path / "migration.json",
        {"counts": {**MOVED, "planned": 1, "written": 1}},
    )
    node = {
        "uuid": NODE,
        "provision_state": "active",
        "power_state": "power on",
        "conductor": "isw0",
    }
    write(tmp_path / "takeover.json", {"nodes": [node], "forbidden": []})
    write(
        tmp_path / "resources.json",
        {
            "resource_class": "CUSTOM_BAREMETAL",
            "loaded": {"driver": "ironic.IronicDriver", "manager": "clustered"},
            "nodes": [
                {
                    "uuid": NODE,
                    "instance": SERVER,
                    "inventories": {"CUSTOM_BAREMETAL": {"total": 1}},
                    "allocations": {SERVER: {"CUSTOM_BAREMETAL": 1}},
                }
            ],
        },
    )
    write_lines(tmp_path / "heartbeat.jsonl", beats(range(1, 71)))
    command = {"time": BEGIN - 100, "domain": "isw0-node-0", "command": "on"}
    write(tmp_path / "bmc.json", {"commands": [command]})
    write(tmp_path / "operations.json", [{"name": "start", "ok": True, "detail": ""}])
    write(
        tmp_path / "tempest" / "results.json",
        {
            "counts": {"passed": 1, "failed": 0, "skipped": 0},
            "tests": [{"name": "t", "outcome": "passed", "reason": ""}],
        },
    )
    return tmp_path


def beats(sequence, boot_id: str = "boot-1") -> list[dict]:
    return [
        {
            "time": BEGIN - 5 + number,
            "mac": MAC,
            "ip": "172.30.0.10",
            "boot_id": boot_id,
            "seq": number,
        }
        for number in sequence
    ]


def red(directory: Path) -> dict[str, list[str]]:
    """Subject -> names of the failed checks."""
    return {
        finding.name: [check.name for check in finding.failures]
        for finding in verdict.verdict(directory)
        if not finding.ok
    }


def edit(path: Path, change) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_a_move_that_went_well_is_green(evidence):
    assert red(evidence) == {}


@pytest.mark.parametrize(
    "name",
    [
        "events.jsonl",
        "before.json",
        "after.json",
        "migration.json",
        "takeover.json",
        "resources.json",
        "heartbeat.jsonl",
        "bmc.json",
        "operations.json",
        "tempest/results.json",
    ],
)
def test_absent_evidence_is_a_failure_that_names_it(evidence, name):
    (evidence / name).unlink()

    failures = [
        check.detail
        for finding in verdict.verdict(evidence)
        for check in finding.failures
    ]

    assert any(Path(name).name in detail for detail in failures)


@pytest.mark.parametrize(
    "name", ["before.json", "after.json", "migration.json", "takeover.json"]
)
def test_truncated_evidence_is_a_failure_and_no_traceback(evidence, name):
    path = evidence / name
    path.write_text(path.read_text()[:-20])

    assert red(evidence)


@pytest.mark.parametrize("phase", verdict.WINDOW)
def test_a_phase_that_never_ran_is_a_failure(evidence, phase):
    rows = [row for row in phase_events() if row["name"] != phase]
    write_lines(evidence / "events.jsonl", rows)

    assert "window" in red(evidence)


def test_a_lost_heartbeat_is_a_failure(evidence):
    rows = beats(n for n in range(1, 71) if n != 30)
    write_lines(evidence / "heartbeat.jsonl", rows)

    assert red(evidence) == {"heartbeats": ["no heartbeat lost"]}


def test_a_machine_that_fell_silent_in_the_window_is_a_failure(evidence):
    write_lines(evidence / "heartbeat.jsonl", beats(range(1, 40)))

    assert red(evidence) == {"heartbeats": ["heartbeat of isw0-node-0"]}


def test_a_machine_rebooted_in_the_window_is_a_failure(evidence):
    rows = beats(range(1, 30)) + beats(range(30, 71), boot_id="boot-2")
    write_lines(evidence / "heartbeat.jsonl", rows)

    assert "heartbeat of isw0-node-0" in red(evidence)["heartbeats"]


def test_a_power_command_in_the_window_is_a_failure(evidence):
    command = {"time": BEGIN + 1, "domain": "isw0-node-0", "command": "off"}
    edit(evidence / "bmc.json", lambda d: d["commands"].append(command))

    assert red(evidence) == {"BMCs": ["power of isw0-node-0"]}


def test_a_bmc_log_that_heard_nothing_at_all_is_no_evidence(evidence):
    edit(evidence / "bmc.json", lambda d: d["commands"].clear())

    assert red(evidence) == {"BMCs": ["BMC log heard"]}


def test_a_node_that_no_conductor_took_is_a_failure(evidence):
    edit(evidence / "takeover.json", lambda d: d["nodes"][0].update(conductor=None))

    assert red(evidence) == {"take-over": ["take-over of node-1"]}


def test_a_machine_switched_by_power_sync_is_a_failure(evidence):
    line = "ironic-conductor.log:7: Changing hardware state to power off"
    edit(evidence / "takeover.json", lambda d: d["forbidden"].append(line))

    assert red(evidence) == {"take-over": ["no machine acted on"]}


def test_an_allocation_left_on_vcpu_is_a_failure(evidence):
    edit(
        evidence / "resources.json",
        lambda d: d["nodes"][0].update(allocations={SERVER: {"VCPU": 1}}),
    )

    assert red(evidence) == {"resources": ["resources of node-1"]}


def test_a_nova_compute_left_on_the_old_driver_is_a_failure(evidence):
    edit(
        evidence / "resources.json",
        lambda d: d["loaded"].update(driver="baremetal.BareMetalDriver"),
    )

    assert red(evidence) == {"resources": ["driver"]}


def test_a_migration_that_verified_less_than_it_wrote_is_a_failure(evidence):
    edit(evidence / "migration.json", lambda d: d["counts"].update(verified=0))

    assert red(evidence) == {"migration": ["counts agree"]}


def test_a_migration_that_was_resumed_and_found_its_own_rows_is_whole(evidence):
    edit(
        evidence / "migration.json", lambda d: d.update(counts={**MOVED, "present": 1})
    )

    assert red(evidence) == {}


def test_an_operation_that_failed_is_a_failure(evidence):
    edit(evidence / "operations.json", lambda d: d[0].update(ok=False))

    assert red(evidence) == {"operations": ["start"]}


def test_a_run_of_tempest_in_which_nothing_passed_is_a_failure(evidence):
    edit(
        evidence / "tempest" / "results.json",
        lambda d: d["counts"].update(passed=0, skipped=1),
    )

    assert red(evidence) == {"tempest": ["tests ran"]}


def test_a_subject_left_out_on_purpose_is_said_and_not_judged(evidence, capsys):
    (evidence / "tempest" / "results.json").unlink()

    code = main.main(["verdict", str(evidence), "--without", "tempest"])

    assert code == 0
    printed = capsys.readouterr().out
    assert "tempest      left out of this run" in printed
    assert printed.splitlines()[-1] == "verdict: PASSED"


def test_a_red_verdict_ends_with_the_subjects_and_exit_code_1(evidence, capsys):
    (evidence / "bmc.json").unlink()

    assert main.main(["verdict", str(evidence)]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "verdict: FAILED: BMCs"


def test_a_subject_that_is_none_is_bad_usage(evidence, capsys):
    assert main.main(["verdict", str(evidence), "--without", "luck"]) == 2
    assert "--without luck: expected one of window" in capsys.readouterr().err
