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

"""What the migration tool says of its run, as the other steps need it."""

import datetime
from pathlib import Path
from typing import Any

from ironic_sideways.cloud import nodes_file
from ironic_sideways.evidence import documents


def rows(path: Path) -> list[dict[str, Any]]:
    """The rows of nova_bm that were moved, now or by an earlier run.

    :param path: migration.json, as ``ironic-nova-bm-migrate run`` writes it.
    """
    found = documents.read(path)["rows"]
    return [row for row in found if row["outcome"] in nodes_file.MOVED]


def nodes(path: Path) -> dict[str, str | None]:
    """Each migrated node's uuid, and its instance's (None when it is free).

    :param path: migration.json, as ``ironic-nova-bm-migrate run`` writes it.
    """
    return {row["uuid"]: row["instance_uuid"] for row in rows(path)}


def classes(path: Path) -> dict[str, str]:
    """Each migrated node's resource class, as Ironic spells it.

    :param path: migration.json.
    """
    return {row["uuid"]: row["resource_class"] for row in rows(path)}


def started(path: Path) -> datetime.datetime:
    """When the run of the migration began.

    :param path: migration.json.
    """
    return datetime.datetime.fromisoformat(documents.read(path)["started_at"])
