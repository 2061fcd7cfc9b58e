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

import copy
import json

import pytest

from ironic_sideways import exceptions
from ironic_sideways.evidence import accepted
from ironic_sideways.evidence.accepted import Change, Document
from ironic_sideways.tests.unit.evidence.conftest import NODE, PORT, SERVER


@pytest.fixture
def looks(before: Document) -> tuple[Document, Document]:
    """Two looks, between which the instance was renamed."""
    before["around"] = {"security groups": {PORT: [["group-1"], True]}, "images": {}}
    before["servers"][0]["bindings"] = {PORT: [NODE, "baremetal"]}
    after = copy.deepcopy(before)
    after["servers"][0]["name"] = "mine"
    return before, after


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (Change(SERVER, "name", "a", "b"), ""),
        (Change(SERVER, "host", "a", "b"), "no owner may change host"),
        (Change(SERVER, "tags", ["a"], ["a"]), "tags did not change"),
        (Change(SERVER, "ports", [{"id": 1}], []), ""),
        (Change(SERVER, "ports", [{"id": 1}], [{"id": 2}]), "changed or added"),
    ],
)
def test_an_owner_may_have_done_some_changes_alone(change, fault) -> None:
    assert bool(change.fault) is bool(fault)
    assert fault in change.fault


def test_what_is_accepted_is_recorded_once(looks, tmp_path) -> None:
    before, after = looks
    assert accepted.read(tmp_path) == []

    for _ in range(2):
        accepted.accept(tmp_path, before, after, f"{SERVER}:name")

    (change,) = accepted.read(tmp_path)
    assert change == Change(SERVER, "name", "sideways-0", "mine")
    assert str(change) == f"instance {SERVER}: name: 'sideways-0' became 'mine'"


@pytest.mark.parametrize(
    ("word", "why"),
    [
        (f"{SERVER}:tags", "did not change"),
        (f"{SERVER}:host", "no owner may change"),
        ("server-9:name", "no such instance before"),
        ("name", "no such instance before"),
    ],
)
def test_nothing_else_can_be_accepted(looks, tmp_path, word, why) -> None:
    with pytest.raises(exceptions.UsageError, match=why):
        accepted.accept(tmp_path, looks[0], looks[1], word)

    assert accepted.read(tmp_path) == []


def test_a_record_of_another_shape_is_told_with_its_place(tmp_path) -> None:
    (tmp_path / accepted.FILE).write_text(json.dumps([{"instance": SERVER}]))

    with pytest.raises(exceptions.EvidenceMalformed, match=accepted.FILE):
        accepted.read(tmp_path)


def test_a_change_is_applied_where_it_is_seen(looks) -> None:
    before, after = looks
    renamed = Change(SERVER, "name", "sideways-0", "mine")
    later = Change(SERVER, "name", "mine", "other")

    (server,) = accepted.applied([renamed, later], before, after)["servers"]

    assert (server["name"], server["accepted"]) == ("mine", ["name"])
    assert accepted.applied([renamed], before, before) == before
    assert before["servers"][0]["name"] == "sideways-0"


def test_a_port_that_its_owner_deleted_takes_binding_and_groups_along(looks) -> None:
    before, after = looks
    ports = before["servers"][0]["ports"]
    after["servers"][0]["ports"] = []

    found = accepted.applied([Change(SERVER, "ports", ports, [])], before, after)

    (server,) = found["servers"]
    assert (server["ports"], server["bindings"]) == ([], {})
    assert found["around"]["security groups"] == {}


def test_what_is_told_beside_the_instance_is_applied_there(looks) -> None:
    before, after = looks
    old, new = ({PORT: [[group], True]} for group in ("group-1", "group-2"))
    after["around"]["security groups"] = new

    found = accepted.applied(
        [Change(SERVER, "security_groups", old, new)], before, after
    )

    assert found["around"]["security groups"] == new
    assert before["around"]["security groups"] == old
