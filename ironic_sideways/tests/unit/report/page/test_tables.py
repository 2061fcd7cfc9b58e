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

import json
from pathlib import Path

import pytest

from ironic_sideways.report.page import tables
from ironic_sideways.tests.unit.report.small_move import files


def test_the_migrations_counts_come_in_the_order_of_the_work(evidence: Path) -> None:
    def move(document: files.Document) -> None:
        document["counts"] = {"odd": 1, "verified": 2, "read": 3}
        document["rows"][0].update(interfaces=[1, 2], interfaces_skipped=[3])
        document["rows"][1].update(outcome="skip", reasons=["deleted"])

    files.edit(evidence / "migration.json", move)

    found = tables.counts(evidence)

    assert list(found.counts.items()) == [("read", 3), ("verified", 2), ("odd", 1)]
    assert found.outcomes == {"migrate": 2, "skip": 1}
    assert [row["reasons"] for row in found.left] == [["deleted"]]
    assert found.interfaces == (2, 1)
    assert (found.result, found.error) == ("done", "")


def test_of_the_take_over_what_is_wrong_comes_first(evidence: Path) -> None:
    assert [row["wrong"] for row in tables.takeover(evidence)] == ["", "", ""]

    def lose(document: files.Document) -> None:
        document["nodes"][1]["provision_state"] = "error"
        document["nodes"].pop(2)

    files.edit(evidence / "takeover.json", lose)

    first, second, last = tables.takeover(evidence)
    assert first["name"] == "machine-2"
    assert first["wrong"] == "is error, expected active"
    assert (second["name"], second["wrong"]) == ("machine-3", "has no row")
    assert (last["name"], last["wrong"]) == ("machine-1", "")


@pytest.mark.parametrize("node", ["node-run", "node-9"])
def test_each_node_is_shown_as_nova_compute_reports_it(evidence, node) -> None:
    def lose(document: files.Document) -> None:
        document["nodes"][0] = {**document["nodes"][0], "inventories": {}, "uuid": node}

    files.edit(evidence / "resources.json", lose)

    found = tables.reported(evidence)

    document = json.loads((evidence / "resources.json").read_text())
    assert (found["loaded"], found["told"]) == (document["loaded"], document["told"])
    wrong = {row["uuid"] for row in found["rows"] if row["wrong"]}
    assert wrong == {node, "node-run"}
    (right,) = (row for row in found["rows"] if row["uuid"] == "node-stop")
    assert (right["class"], right["total"], right["reserved"]) == (
        *("CUSTOM_BAREMETAL", 1),
        1,
    )
    assert right["holders"] == ["server-stop"]
