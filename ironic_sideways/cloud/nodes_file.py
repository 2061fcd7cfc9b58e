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

"""Which nodes an operator means: a JSON list, or the record of the migration."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions

#: Rows of migration.json whose node is in Ironic, or would be.
MOVED = ("migrate", "present")


@dataclasses.dataclass(frozen=True)
class Node:
    """A node, and its resource class as Ironic spells it, where it is said.

    :param instance_uuid: its instance's, in the record of the migration.
    :param tells_instance: whether None is the file's word that it has no instance.
    """

    uuid: str
    resource_class: str | None = None
    instance_uuid: str | None = None
    tells_instance: bool = dataclasses.field(default=False, compare=False)


def read(path: Path) -> list[Node]:
    """The nodes of ``path``, each once.

    :param path: a JSON list of uuids, or of objects with "uuid" and perhaps
        "resource_class"; or migration.json of ``ironic-nova-bm-migrate``.
    :raises UsageError: it cannot be read, is neither, or names no node.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        nodes = [_node(item) for item in _items(content)]
    except OSError as error:
        raise exceptions.UsageError(f"{path}: {error.strerror}") from None
    except (ValueError, TypeError, KeyError):
        raise exceptions.UsageError(
            f'{path}: expected a JSON list of uuids, or of objects with a "uuid", or '
            "migration.json of ironic-nova-bm-migrate"
        ) from None
    if not nodes:
        raise exceptions.UsageError(f"{path}: expected nodes that move, found none")
    return list({node.uuid: node for node in nodes}.values())


def _items(content: Any) -> list[Any]:
    if isinstance(content, dict):
        return [row for row in content["rows"] if row["outcome"] in MOVED]
    if not isinstance(content, list):
        raise TypeError(content)
    return content


def _node(item: Any) -> Node:
    node = (
        Node(item)
        if isinstance(item, str)
        else Node(
            item["uuid"],
            item.get("resource_class"),
            item.get("instance_uuid"),
            "instance_uuid" in item,
        )
    )
    said = (node.resource_class, node.instance_uuid)
    if not isinstance(node.uuid, str) or not all(
        isinstance(value, str | None) for value in said
    ):
        raise TypeError(item)
    return node
