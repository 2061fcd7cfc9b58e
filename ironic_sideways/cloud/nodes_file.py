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
    :param cpu_arch: of its properties, in records since this was written there.
    :param capabilities: likewise, "name:value" with commas between them.
    :param tells_instance: whether None is the file's word that it has no instance.
    :param service_host: the base's compute host, in the record of the migration.
    :param vifs: the Neutron ports of its instance, by nova_bm's NICs; there too.
    """

    uuid: str
    resource_class: str | None = None
    instance_uuid: str | None = None
    cpu_arch: str | None = None
    capabilities: str | None = None
    service_host: str | None = None
    vifs: tuple[str, ...] | None = dataclasses.field(default=None, kw_only=True)
    tells_instance: bool = dataclasses.field(default=False, compare=False, kw_only=True)


def read(path: Path) -> list[Node]:
    """The nodes of ``path``, each once.

    :param path: a JSON list of uuids, or of objects with "uuid" and perhaps
        "resource_class", "cpu_arch" and "capabilities"; or migration.json of
        ``ironic-nova-bm-migrate``.
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
    _uuid, *fields, _vifs, _tells = (field.name for field in dataclasses.fields(Node))
    node = (
        Node(item)
        if isinstance(item, str)
        else Node(
            item["uuid"],
            *(item.get(name) for name in fields),
            vifs=tuple(item["vifs"]) if "vifs" in item else None,
            tells_instance="instance_uuid" in item,
        )
    )
    *said, vifs, _tells = dataclasses.astuple(node)
    if node.uuid is None or not all(
        isinstance(value, str | None) for value in (*said, *(vifs or ()))
    ):
        raise TypeError(item)
    return node
