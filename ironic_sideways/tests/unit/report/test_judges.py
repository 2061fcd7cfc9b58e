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

import pytest

from ironic_sideways.evidence import judges as asked
from ironic_sideways.report import judges, verdict
from ironic_sideways.tests.unit.report import upstream
from ironic_sideways.tests.unit.report.small_move import files, phases

CHECKS = {judges.FIRST: judges.check_judges, judges.AGAIN: judges.check_again}


def failed(directory, file=judges.FIRST) -> dict[str, str]:
    return {check.name: check.detail for check in CHECKS[file](directory).failures}


def programs(directory, name, file=judges.FIRST, **change) -> None:
    """Let a program have ended otherwise."""

    def edit(document):
        (found,) = (one for one in document["programs"] if one["name"] == name)
        found.update(change)

    files.edit(directory / file, edit)


def interface(directory, node, kind, reason, file=judges.FIRST) -> None:
    def edit(document):
        (found,) = (one for one in document["nodes"] if one["uuid"] == node)
        found["interfaces"][kind] = reason

    files.edit(directory / file, edit)


@pytest.mark.parametrize("file", CHECKS)
def test_a_good_move_is_found_nothing_in(evidence, file):
    finding = CHECKS[file](evidence)

    assert finding.ok
    assert finding.figure == "4 programs, 3 nodes validated"


def test_what_is_asked_is_what_is_judged():
    names = [program.name for program in asked.PROGRAMS]

    assert names == [judges.IRONIC, judges.NOVA, judges.AUDIT, judges.HEAL]


@pytest.mark.parametrize(
    ("name", "change", "check", "detail"),
    [
        (
            judges.IRONIC,
            {"code": 1, "told": [{"of": "MySQL", "said": "Warning: not UTF8MB4"}]},
            "MySQL",
            "not UTF8MB4",
        ),
        (judges.IRONIC, {"code": 1}, "exit code", "1, expected 0; see phases/verify"),
        (judges.IRONIC, {"code": 255, "told": []}, "exit code", "255, expected a t"),
        (
            judges.NOVA,
            {"code": 2, "told": [{"of": "Cells v2", "said": "Failure: no host"}]},
            "Cells v2",
            "no host",
        ),
        (judges.NOVA, {"code": 0}, "exit code", "0, expected 1"),
        (
            judges.AUDIT,
            {"code": 3, "told": [{"of": "server-x", "said": "can be deleted"}]},
            "server-x",
            "can be deleted",
        ),
        (judges.AUDIT, {"code": 3}, "exit code", "3, expected 0"),
        (judges.AUDIT, {"code": 1}, "exit code", "1, expected 0"),
        (judges.HEAL, {"code": 2}, "exit code", "2, expected 4"),
        (judges.HEAL, {"code": 0}, "exit code", "0, expected 4"),
        # With a dry run the code is 4 all the same.
        (
            judges.HEAL,
            {"told": [{"of": "server-run", "said": "[dry-run] Create allocations"}]},
            "server-run",
            "[dry-run] Create",
        ),
        (judges.HEAL, {"told": []}, "moved instances", "missing ['server-run', 'ser"),
    ],
)
@pytest.mark.parametrize("file", CHECKS)
def test_what_a_program_finds_is_red(evidence, file, name, change, check, detail):
    programs(evidence, name, file, **change)

    told = failed(evidence, file)[f"{name}: {check}"]
    if file == judges.FIRST:
        assert detail in told
    assert verdict.verdict(evidence).red[0].startswith("judges")


def test_a_warning_that_nova_calls_harmless_is_none_and_another_is():
    may = judges.ALLOWED[judges.NOVA, "hw_machine_type unset"]

    assert may.fullmatch(upstream.OLD_WARNING)
    assert not may.fullmatch("Warning: hw_machine_type cannot be looked up")


@pytest.mark.parametrize("name", [judges.IRONIC, judges.AUDIT])
def test_a_program_that_was_not_asked_is_named(evidence, name):
    files.edit(
        evidence / judges.FIRST,
        lambda d: d.update(programs=[o for o in d["programs"] if o["name"] != name]),
    )

    assert name in failed(evidence)["programs"]


@pytest.mark.parametrize(
    ("node", "kind", "reason"),
    [
        # By the move's own settings a net-booted one lacks nothing.
        ("node-run", "deploy", upstream.NO_IMAGE.format("node-run")),
        ("node-run", "boot", upstream.NO_KERNEL.format("node-run")),
        ("node-run", "power", "Missing the following IPMI credentials"),
        ("node-stop", "boot", upstream.NO_KERNEL.format("node-stop")),
        ("node-stop", "deploy", upstream.NO_KERNEL.format("node-stop")),
        ("node-stop", "deploy", upstream.NO_IMAGE.format("node-run")),
        ("node-stop", "deploy", "Node node-stop: no root device. Missing are: []-"),
        ("node-stop", "network", "no cleaning network"),
        ("node-free", "management", "no such BMC"),
        ("node-free", "boot", "Node node-free does not have any port"),
        (
            "node-free",
            "deploy",
            "Node node-free. Missing are: ['kernel', 'driver_info.deploy_kernel']",
        ),
    ],
)
def test_a_node_that_ironic_does_not_call_valid_is_red(evidence, node, kind, reason):
    interface(evidence, node, kind, reason)

    assert failed(evidence) == {f"node {node}": f"{kind}: {reason}"}


@pytest.mark.parametrize("kind", sorted(judges.INTERFACES))
def test_an_interface_that_is_not_validated_is_red(evidence, kind):
    files.edit(evidence / judges.FIRST, lambda d: d["nodes"][1]["interfaces"].pop(kind))

    assert failed(evidence) == {"node node-stop": f"{kind}: not told"}


def test_a_free_node_that_deploys_to_disks_lacks_its_image_alone(evidence):
    reason = upstream.NO_IMAGE.format("node-free")
    interface(evidence, "node-free", "boot", "")
    interface(evidence, "node-free", "deploy", reason)

    assert failed(evidence) == {}


def test_a_node_that_was_not_asked_for_is_named(evidence):
    files.edit(evidence / judges.FIRST, lambda d: d["nodes"].pop(0))

    assert failed(evidence) == {"moved nodes": "missing ['node-run'], unexpected []"}


def operation(name, ok=True, **more):
    return {"name": name, "ok": ok, **more}


@pytest.mark.parametrize(
    ("done", "found"),
    [
        ([], ("network", "disk", "free")),
        (
            [operation("rebuild", instance="server-stop")],
            ("network", "deployed", "free"),
        ),
        ([operation("rebuild", False)], ("network", "disk", "free")),
        (
            [operation("net-booted rebuild", instance="server-run")],
            ("deployed", "disk", "free"),
        ),
        (
            [operation("refused rebuild", instance="server-run")],
            ("network", "disk", "free"),
        ),
        ([operation("delete", instance="server-stop")], ("network", "free", "free")),
        ([operation("new server", node="node-free")], ("network", "disk", "deployed")),
        ([operation("new server", False, detail="no")], ("network", "disk", "free")),
    ],
)
def test_what_is_on_a_node_follows_from_the_operations(evidence, done, found):
    nodes = ("node-run", "node-stop", "node-free")

    assert judges.on_nodes(evidence, done) == dict(zip(nodes, found, strict=True))


def test_what_ironic_deployed_lacks_nothing(evidence):
    done = [operation("rebuild", instance="server-stop")]
    files.write(evidence / "operations.json", done)
    upstream.lay_down(evidence)
    assert failed(evidence, judges.AGAIN) == {}

    reason = upstream.NO_IMAGE.format("node-stop")
    interface(evidence, "node-stop", "deploy", reason, judges.AGAIN)

    assert failed(evidence, judges.AGAIN) == {"node node-stop": f"deploy: {reason}"}


def test_an_instance_that_was_deleted_has_no_allocation_to_heal(evidence):
    done = [operation("delete", instance="server-stop")]
    files.write(evidence / "operations.json", done)
    upstream.lay_down(evidence)
    assert failed(evidence, judges.AGAIN) == {}

    told = [{"of": one, "said": "up-to-date"} for one in ("server-run", "server-stop")]
    programs(evidence, judges.HEAL, judges.AGAIN, told=told)

    assert list(failed(evidence, judges.AGAIN)) == [f"{judges.HEAL}: moved instances"]


def test_a_check_that_is_not_made_again_is_named(evidence):
    told = [{"of": "Object versions", "said": "Success"}]
    programs(evidence, judges.IRONIC, judges.AGAIN, told=told)

    assert list(failed(evidence, judges.AGAIN)) == [f"{judges.IRONIC}: checks"]


@pytest.mark.parametrize("file", CHECKS)
def test_without_the_judges_the_verdict_is_red(evidence, file):
    (evidence / file).unlink()

    assert "judges" in verdict.verdict(evidence).red[-1]


@pytest.mark.parametrize(("file", "at"), [(judges.FIRST, 71), (judges.AGAIN, 61)])
def test_the_word_of_another_phase_is_none(evidence, file, at):
    files.edit(evidence / file, lambda d: d.update(taken_at=phases.BEGIN + at))

    assert verdict.verdict(evidence).red[0] == "evidence"
