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

"""The log rules: what must be told of each node, and what must stand nowhere."""

import json
from pathlib import Path

import pytest

from ironic_sideways.report import log_rules, logs, verdict
from ironic_sideways.tests.unit.report.small_move import files
from ironic_sideways.tests.unit.report.small_move.log_files import log_line
from ironic_sideways.tests.unit.report.small_move.phases import BEGIN, OPERATED

CONDUCTOR, COMPUTE = "ironic-conductor.log", "nova-compute.log"


def add(directory: Path, name: str, line: str) -> int:
    """Append a line; its number."""
    path = directory / "logs" / name
    text = path.read_text() if path.exists() else ""
    path.write_text(text + line)
    return len(path.read_text().splitlines())


def failed(directory: Path) -> dict[str, str]:
    return {
        c.name: f"{c.where} {c.detail}" for c in logs.check_logs(directory).failures
    }


def test_whole_logs_break_no_rule(evidence):
    assert failed(evidence) == {}


@pytest.mark.parametrize(
    "rule", (*log_rules.MUST, *log_rules.MUST_NOT), ids=lambda r: r.name
)
def test_a_rule_names_its_source(rule):
    assert rule.source


@pytest.mark.parametrize(
    ("name", "check"),
    [(CONDUCTOR, "take-over logged"), (COMPUTE, "resources logged")],
)
def test_what_is_not_told_of_a_node_is_a_failure(evidence, name, check):
    path = evidence / "logs" / name
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "node-run" not in line))

    assert list(failed(evidence)) == [f"{check} node-run"]


def test_what_was_told_before_the_switch_does_not_count(evidence):
    told = "Final resource view: name=node-run phys_ram=1MB"
    line = log_line(BEGIN - 60, told, process=40)
    path = evidence / "logs" / COMPUTE
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(line + "".join(one for one in lines if "node-run" not in one))

    assert "resources logged node-run" in failed(evidence)


@pytest.mark.parametrize(
    ("name", "text", "check"),
    [
        (
            CONDUCTOR,
            "state 'power on' does not match expected state. "
            "Changing hardware state to 'power off'.",
            "no machine switched by power sync",
        ),
        (
            CONDUCTOR,
            "Switching node to maintenance mode.",
            "no node put in maintenance",
        ),
        ("nova-api.log", "Traceback (most recent call last):", "no traceback"),
    ],
)
def test_a_hit_is_quoted_with_file_line_and_time(evidence, name, text, check):
    number = add(evidence, name, log_line(BEGIN + 20, text))

    where, told = failed(evidence)[check].split(" ", 1)
    assert where == f"logs/{name}:{number}"
    assert told.startswith(f"logs/{name}:{number}: 00:17:00 ") and text in told


@pytest.mark.parametrize("moment", [BEGIN - 60, OPERATED + 60])
def test_outside_the_window_a_traceback_is_no_failure(evidence, moment):
    add(
        evidence, "nova-api.log", log_line(moment, "Traceback (most recent call last):")
    )

    assert failed(evidence) == {}


@pytest.mark.parametrize(
    "text",
    [
        "node: {'ipmi_password': 'hunter2x', 'ipmi_username': 'admin'}",
        'body: {"adminPass": "hunter2x"}',
        "connecting to mysql+pymysql://nova:hunter2x@127.0.0.1/nova",
        "s5 transport_url = rabbit://nova:hunter2x@127.0.0.1:5672/",
        "s5 mysql://nova:hunter2x@127.0.0.1/nova?charset=utf8",
        "s5 git clone https://robot:hunter2x@opendev.example/nova",
        "s5 redis://:hunter2x@127.0.0.1:6379",
        "s5 mysql://nova:a/hunter2x+b=@127.0.0.1/nova",
        "s5 rabbit://nova:first111@10.0.0.1:5672,nova:hunter2x@10.0.0.2:5672//",
        "Running cmd: ipmitool -I lanplus -U admin -P hunter2x power status",
        "Running cmd: ipmitool -I lanplus -p 623 -Phunter2x power status",
        "headers X-Auth-Token: gAAAAhunter2x",
    ],
)
def test_a_secret_is_found_and_not_repeated(evidence, text):
    number = add(evidence, "ironic-api.log", log_line(BEGIN + 20, text))

    told = failed(evidence)["no secret"]
    assert told.startswith(f"logs/ironic-api.log:{number} ")
    assert "hunter2x" not in told


@pytest.mark.parametrize(
    "text",
    [
        "node: {'ipmi_password': '***', 'ipmi_username': 'admin'}",
        "connecting to mysql+pymysql://nova:***@127.0.0.1/nova",
        "GET http://[::1]:6385/v1/nodes?owner=a@b.example",
        "http://127.0.0.1:8774/v2.1/servers: admin@example",
        "Running cmd: ipmitool -I lanplus -U admin -f /tmp/tmpx power status",
        "ipmi_password = None",
    ],
)
def test_a_masked_secret_is_none(evidence, text):
    add(evidence, "ironic-api.log", log_line(BEGIN + 20, text))

    assert failed(evidence) == {}


def test_a_known_secret_in_any_file_is_a_failure(evidence):
    hit = {"name": "BMC password of machine-1", "file": "migration.json", "line": 7}
    files.edit(evidence / "secrets.json", lambda d: d["hits"].append(hit))

    assert failed(evidence) == {
        "no secret": "migration.json:7 migration.json:7 holds BMC password of machine-1"
    }


def test_secrets_that_nobody_sought_are_not_absent(evidence):
    files.edit(evidence / "secrets.json", lambda d: d.update(sought=[]))

    assert "no secret was searched for" in failed(evidence)["secrets searched for"]


def test_error_lines_that_no_rule_knows_are_listed_each_kind_once(evidence):
    for second in range(3):
        text = f"request 1234{second} broke"
        add(evidence, "neutron.log", log_line(BEGIN + second, text, "ERROR"))
    add(evidence, "neutron.log", log_line(BEGIN - 60, "of the base", "ERROR"))

    judged = verdict.verdict(evidence)

    assert judged.passed
    assert [(line.where, line.times) for line in judged.errors] == [
        ("logs/neutron.log:19", 3)
    ]
    assert "(3 times)" in str(judged.errors[0])


def traceback(moment: float, end: str) -> str:
    """As oslo.log writes it: each line with its head."""
    told = ("it broke", "Traceback (most recent call last):", '  File "x", line 1', end)
    head = log_line(moment, "", "ERROR").removesuffix("[-] \n")
    return "".join(f"{head}{text}\n" for text in told)


def test_a_traceback_is_quoted_with_the_exception_that_it_ends_in(evidence):
    number = add(evidence, "nova-api.log", traceback(BEGIN + 5, "some.Fault: of luck"))

    told = failed(evidence)["no traceback"]
    assert told.startswith(f"logs/nova-api.log:{number - 2} ")
    assert "some.Fault: of luck" in told


@pytest.mark.parametrize(
    "end",
    [
        "placement.exception.ResourceProviderConcurrentUpdateDetected: Another thread",
        "RuntimeError: A dynamic interval looping call should supply either an interval"
        " or a periodic_interval_max",
    ],
)
def test_a_known_traceback_is_neither_a_failure_nor_unknown(evidence, end):
    add(evidence, "placement.log", traceback(BEGIN + 5, end))

    judged = verdict.verdict(evidence)
    assert judged.passed and not judged.errors


def test_the_first_turn_of_a_scheduler_that_was_away_is_known(evidence):
    """The exception alone says nothing: what stands above it does."""
    end = "IndexError: list index out of range"
    found = traceback(BEGIN + 5, end)
    add(evidence, "nova-scheduler.log", found)
    assert "no traceback" in failed(evidence)

    path = evidence / "logs" / "nova-scheduler.log"
    above = f"Error during SchedulerManager._discover_hosts_in_cells: {end}"
    path.write_text(path.read_text().replace("it broke", above))
    assert "no traceback" not in failed(evidence)


@pytest.mark.parametrize(
    ("code", "known"),
    [("placement.concurrent_update", True), ("placement.inventory.inuse", False)],
)
@pytest.mark.parametrize("told", ["inventory", "traits"])
def test_a_conflict_of_generations_that_nova_compute_retries_is_known(
    evidence, told, code, known
):
    """Seen where another service wrote to the provider at the same moment."""
    node = json.loads((evidence / "before.json").read_text())["servers"][0]["node"]
    said = (
        f"[req-1] Failed to update {told} to [{{'CUSTOM_BAREMETAL': {{'total': 1}}}}]"
        f' for resource provider with UUID {node}.  Got 409: {{"errors": [{{"status":'
        f' 409, "title": "Conflict", "detail": "conflict  ", "code": "{code}",'
        ' "request_id": "req-1"}]}'
    )
    add(evidence, "nova-compute.log", log_line(BEGIN + 5, said, "ERROR"))

    assert ("no error of a node" not in failed(evidence)) == known


@pytest.mark.parametrize(("became", "known"), [("baremetal", True), ("direct", False)])
def test_a_port_that_the_move_has_bound_is_no_error_of_its_instance(
    evidence, became, known
):
    """Where Neutron notifies Nova, as in DevStack."""
    (server, *_) = json.loads((evidence / "before.json").read_text())["servers"]
    said = (
        f"[instance: {server['uuid']}] The vnic_type of the bound port"
        f' {server["ports"][0]["id"]} has been changed in neutron from "normal" to'
        f' "{became}". Changing vnic_type of a bound port is not supported by Nova.'
    )
    add(evidence, "nova-compute.log", log_line(BEGIN + 5, said, "ERROR"))

    assert ("no error of a node" not in failed(evidence)) == known


def refusal(rule: str) -> str:
    disallowed = f"baremetal:{rule} is disallowed by policy"
    said = f"{disallowed}: oslo_policy.policy.PolicyNotAuthorized: {disallowed}"
    return log_line(BEGIN + 5, f"Rejecting authorization: {said}", "ERROR")


@pytest.mark.parametrize("rule", ["node:list_all", "port:list_all"])
def test_a_list_of_the_users_own_nodes_alone_is_no_unknown_error(evidence, rule):
    add(evidence, "ironic-api.log", refusal(rule))

    assert not verdict.verdict(evidence).errors


def test_another_refusal_by_ironics_policy_is_an_unknown_error(evidence):
    add(evidence, "ironic-api.log", refusal("node:set_power_state"))

    (line,) = verdict.verdict(evidence).errors
    assert "set_power_state" in line.text
