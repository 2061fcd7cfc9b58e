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

"""S2: what an owner did all the same is named, with how to accept it."""

import json
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.cmd import main
from ironic_sideways.evidence import accepted, compare
from ironic_sideways.report import junit, schemas, summary, verdict
from ironic_sideways.report.page import render, sides
from ironic_sideways.tests.unit.report import told_twice
from ironic_sideways.tests.unit.report.small_move import files

SERVER, OTHER = "server-run", "server-stop"
VALUES: dict[str, Any] = {
    "name": "renamed by its owner",
    "description": "digest:" + 32 * "0",
    "metadata": "digest:" + 32 * "1",
    "tags": "digest:" + 32 * "2",
    "hostname": "digest:" + 32 * "3",
    "access_ips": "digest:" + 32 * "4",
    "ports": [],
    "security_groups": [["group-2"], True],
    "key_pair": None,
    "image_status": None,
    "server_group": [],
}
KEYS = (*compare.OWNERS, *compare.BESIDE)
PLACES = {
    **{"security_groups": "port-1", "image_status": "own-image"},
    **{"key_pair": SERVER, "server_group": SERVER},
}
LATER = ("after.json", "ended.json", "restarted.json")


def change(directory: Path, key: str, value: Any, *snapshots: str) -> None:
    """Let ``key`` of the instance be ``value`` in these snapshots."""

    def alter(document: Any) -> None:
        server = compare.by(document["servers"], "uuid")[SERVER]
        if kind := compare.BESIDE.get(key):
            document["around"][kind][PLACES[key]] = value
            return
        server[key] = value
        if key == "ports":
            del document["around"]["security groups"]["port-1"]
            server["bindings"] = {}
            # Nova detaches the port of an interface that is gone.
            for node in document.get("ironic_nodes", ()):
                if node["instance_uuid"] == SERVER:
                    node["ports"] = [{**one, "vif": None} for one in node["ports"]]

    def boot_from_own_image(document: Any) -> None:
        compare.by(document["servers"], "uuid")[SERVER]["image"] = "own-image"
        document["around"]["images"]["own-image"] = "active"
        document["around"]["contents"]["own-image"] = ["qcow2", 9, "a hash"]

    if key == "image_status":
        for file in ("before.json", *LATER):
            files.edit(directory / file, boot_from_own_image)
        told_twice.lay_down(directory)
    for file in snapshots or LATER:
        files.edit(directory / file, alter)


def accept(directory: Path, key: str, file: str = "after.json") -> int:
    words = ["evidence", "compare", "--before", str(directory / "before.json")]
    words += ["--after", str(directory / file), "--accept", f"{SERVER}:{key}"]
    return main.main(words)


def red(directory: Path) -> dict[str, str]:
    """Subject -> the reasons of the failed checks."""
    return {
        finding.name: "; ".join(f"{c.name}: {c.detail}" for c in finding.failures)
        for finding in verdict.verdict(directory).findings
        if not finding.ok
    }


@pytest.mark.parametrize("key", KEYS)
def test_s2_what_an_owner_did_is_named_with_how_to_accept_it(
    evidence: Path, key: str
) -> None:
    change(evidence, key, VALUES[key])

    assert f"compare --accept {SERVER}:{key}" in red(evidence)["survival"]


def test_s2_it_is_told_apart_from_what_the_move_did(evidence: Path) -> None:
    change(evidence, "name", "new")
    change(evidence, "image", "another")

    reason = red(evidence)["survival"]
    assert "image: None became 'another'; name: 'server-run' became 'new'; an" in reason
    assert "an owner may change name:" in reason


def test_s2_what_no_owner_can_do_is_not_said_to_be_acceptable(evidence: Path) -> None:
    change(evidence, "host", "another")

    assert "--accept" not in red(evidence)["survival"]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("snapshots", [LATER, LATER[1:], LATER[2:]])
def test_s2_once_accepted_it_is_green_and_told_everywhere(
    evidence: Path,
    capsys: pytest.CaptureFixture[str],
    key: str,
    snapshots: tuple[str, ...],
) -> None:
    change(evidence, key, VALUES[key], *snapshots)
    assert red(evidence)

    assert accept(evidence, key, snapshots[0]) == 0

    line = f"instance {SERVER}: {key}: "
    assert line in capsys.readouterr().out
    found = verdict.verdict(evidence)
    assert found.red == []
    assert [one[: len(line)] for one in found.accepted] == [line]
    assert "accepted as the owner's" in summary.summary(evidence, found)
    page = render.render(evidence, found)
    assert f"as the owner's: {line}" in page.replace("&#39;", "'")
    assert 'skipped message="by the operator' in junit.junit(evidence, found)
    files.write(evidence / "verdict.json", found.as_dict())
    assert schemas.check_evidence(evidence).ok
    assert main.main(["verdict", str(evidence)]) == 0
    assert "accepted by the operator as the owner's" in capsys.readouterr().out


def test_s2_the_page_shows_both_sides_of_it(evidence: Path) -> None:
    change(evidence, "name", "new")
    accept(evidence, "name")

    (side,) = (s for s in sides.sides(evidence) if s.instance == SERVER)
    (row,) = (f for g in side.groups for f in g.fields if f.name == "name, accepted")
    assert (row.before, row.after, row.mark) == (SERVER, "new", "moved")
    assert side.wrong == []


@pytest.mark.parametrize("key", ["host", "status", "image", "uuid", "bindings", ""])
def test_s2_what_no_owner_can_do_is_refused(
    evidence: Path, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    change(evidence, "host", "another")

    assert accept(evidence, key) == 2

    assert f"no owner may change {key}" in capsys.readouterr().err
    assert not (evidence / accepted.FILE).exists()


def test_s2_what_did_not_happen_cannot_be_accepted_beforehand(
    evidence: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert accept(evidence, "name") == 2
    assert "did not change" in capsys.readouterr().err


def test_s2_a_port_that_is_another_one_now_is_no_deleted_port(
    evidence: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(evidence, "ports", [{"id": "port-9", "mac": "m", "fixed_ips": ["10.0.0.9"]}])

    assert accept(evidence, "ports") == 2
    assert "have it put back" in capsys.readouterr().err


@pytest.mark.parametrize("key", ["name", "host"])
def test_s2_an_acceptance_is_for_one_change_of_one_instance(
    evidence: Path, key: str
) -> None:
    change(evidence, "name", "new")
    accept(evidence, "name")

    change(evidence, key, "still another")

    assert f"{key}: " in red(evidence)["survival"]


def test_s2_a_second_change_is_accepted_besides(evidence: Path) -> None:
    change(evidence, "name", "new", "after.json")
    change(evidence, "name", "newer", *LATER[1:])

    for file in LATER[:2]:
        assert accept(evidence, "name", file) == 0

    assert red(evidence) == {}
    assert len(verdict.verdict(evidence).accepted) == 2


@pytest.mark.parametrize(
    ("edited", "why"),
    [
        ({"then": "what nobody saw"}, "no snapshot shows it"),
        ({"instance": OTHER}, "no snapshot shows it"),
    ],
)
def test_s2_a_record_of_another_change_is_red(
    evidence: Path, edited: dict[str, Any], why: str
) -> None:
    change(evidence, "name", "new")
    accept(evidence, "name")

    files.edit(evidence / accepted.FILE, lambda rows: rows[0].update(edited))

    assert why in red(evidence)["evidence"]
    assert "survival" in red(evidence)


def test_s2_a_record_of_what_no_owner_can_do_accepts_nothing(evidence: Path) -> None:
    change(evidence, "host", "another")
    record = {"instance": SERVER, "key": "host", "before": None, "then": "another"}
    files.write(evidence / accepted.FILE, [record])

    assert "no owner may change host" in red(evidence)["evidence"]
    assert "host: None became 'another'" in red(evidence)["survival"]
    assert verdict.verdict(evidence).accepted == ()


@pytest.mark.parametrize("document", [[7], [{"instance": SERVER}], {}, "x", [None]])
def test_s2_a_record_that_is_none_is_a_failure_and_no_traceback(
    evidence: Path, document: Any
) -> None:
    change(evidence, "name", "new")
    (evidence / accepted.FILE).write_text(json.dumps(document))

    assert "survival" in red(evidence)
