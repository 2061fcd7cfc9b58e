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

"""Who holds an allocation: an instance, or something that should be cleared up.

A consumer of Placement is a uuid. Nova uses the instance's, and while an instance
moves the migration's for what it holds at its old place (nova.conductor.tasks).
What Nova knows as neither is left over (``nova-manage placement audit``).
"""

from collections.abc import Collection
from typing import Any

import openstack.exceptions

#: The first whose list of migrations has their uuids.
MIGRATION_MICROVERSION = "2.59"


def strangers(compute: Any, consumers: Collection[str]) -> dict[str, str]:
    """Those ``consumers`` that are no instance, and what is to be done with them.

    :param compute: openstacksdk's Compute API, of an administrator.
    """
    if not consumers:
        return {}
    servers = {server.id for server in compute.servers(False, all_projects=True)}
    unknown = [uuid for uuid in consumers if uuid not in servers]
    # A list leaves out those that were deleted softly, and hold their node yet.
    unknown = [uuid for uuid in unknown if not _is_server(compute, uuid)]
    if not unknown:
        return {}
    moves = {
        migration["uuid"]: migration
        for migration in compute.get(
            "/os-migrations", microversion=MIGRATION_MICROVERSION
        ).json()["migrations"]
    }
    return {uuid: _what(uuid, moves.get(uuid)) for uuid in unknown}


def _is_server(compute: Any, uuid: str) -> bool:
    try:
        compute.get_server(uuid)
    except openstack.exceptions.NotFoundException:
        return False
    return True


def _what(uuid: str, move: dict[str, Any] | None) -> str:
    if move:
        return (
            f"migration {uuid} of instance {move['instance_uuid']} "
            f"({move['migration_type']}, {move['status']}) holds it: confirm or revert "
            "that move first"
        )
    return (
        f"consumer {uuid} holds it and is no instance of Nova's: if 'nova-manage "
        "placement audit' calls it orphaned, 'openstack resource provider allocation "
        f"delete {uuid}'"
    )
