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

from ironic_sideways import exceptions
from ironic_sideways.cloud import nodes_file
from ironic_sideways.cloud.nodes_file import Node


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "nodes.json"


def test_a_list_of_uuids_and_objects_names_each_node_once(file: Path) -> None:
    objects = [{"uuid": "b", "resource_class": "gold", "name": "x"}, {"uuid": "c"}]
    file.write_text(json.dumps(["a", *objects, "a"]))

    assert nodes_file.read(file) == [Node("a"), Node("b", "gold"), Node("c")]


def test_the_record_of_the_migration_names_the_nodes_that_moved(file: Path) -> None:
    rows = [
        {
            "uuid": "a",
            "instance_uuid": "i",
            "outcome": "migrate",
            "resource_class": "gold",
        },
        {"uuid": "b", "outcome": "present", "resource_class": "iron"},
        {"uuid": None, "outcome": "skip"},
        {"uuid": "d", "outcome": "refuse"},
    ]
    file.write_text(json.dumps({"run_id": "x", "rows": rows}))

    assert nodes_file.read(file) == [Node("a", "gold", "i"), Node("b", "iron")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "3",
        "[1]",
        "[null]",
        '[{"name": "x"}]',
        '{"uuid": 3}',
        '{"rows": [3]}',
        '[{"uuid": "a", "resource_class": 3}]',
        '[{"uuid": "a", "instance_uuid": 3}]',
    ],
)
def test_anything_else_is_bad_usage(file: Path, text: str) -> None:
    file.write_text(text)

    with pytest.raises(exceptions.UsageError, match="expected a JSON list of uuids"):
        nodes_file.read(file)


@pytest.mark.parametrize("text", ["[]", '{"rows": [{"outcome": "skip"}]}'])
def test_d3_a_file_that_names_no_node_is_bad_usage(file: Path, text: str) -> None:
    file.write_text(text)

    with pytest.raises(exceptions.UsageError, match="expected nodes that move"):
        nodes_file.read(file)


def test_a_file_that_is_not_there_is_bad_usage(file: Path) -> None:
    with pytest.raises(exceptions.UsageError, match="No such file"):
        nodes_file.read(file)


def test_t6_what_the_nodes_advertise_is_read_where_it_is_said(file: Path) -> None:
    said = {"cpu_arch": "x86_64", "capabilities": "boot_mode:bios,gpus:2"}
    row = {"uuid": "a", "outcome": "migrate", "resource_class": "gold"}
    file.write_text(json.dumps({"rows": [row | said]}))

    assert nodes_file.read(file) == [
        Node("a", "gold", None, "x86_64", "boot_mode:bios,gpus:2")
    ]
    file.write_text(json.dumps([{"uuid": "a", "cpu_arch": 3}]))
    with pytest.raises(exceptions.UsageError, match="expected a JSON list"):
        nodes_file.read(file)
