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

"""The clients that speak this API: python-novaclient 7 and tempest.lib."""

import os
import re
from pathlib import Path
from typing import Any

from openstack.connection import Connection

from ironic_sideways import commands
from ironic_sideways.trials.proxy.table import SERVED, Table

#: One line of a table that novaclient prints.
CELLS = re.compile(r"^\|(.*)\|$", re.MULTILINE)

#: Of a node in the list, its interfaces' addresses apart.
COLUMNS = ("id", "host", "task_state", "cpus", "memory_mb", "disk_gb")


def novaclient(
    table: Table,
    program: Path,
    home: Path,
    admin: Connection,
    nodes: dict[str, Any],
) -> None:
    """The three commands of an unmodified python-novaclient, as a user calls them.

    :param program: its ``nova``; 8.0 has removed these commands.
    :param home: its home directory, so that root's own is not touched.
    :param nodes: what the list should say, by id.
    """
    version = _nova(program, home, admin, "--version")
    table.expect("python-novaclient is 7", version[:2], "7.")
    listed = cells(_nova(program, home, admin, "baremetal-node-list"))
    table.expect(
        "baremetal-node-list",
        sorted(row[:7] for row in listed[1:]),
        sorted(
            [str(node[key]) for key in COLUMNS]
            + [", ".join(port["address"] for port in node["interfaces"])]
            for node in nodes.values()
        ),
    )
    some = next(iter(nodes.values()))
    shown = cells(_nova(program, home, admin, "baremetal-node-show", some["id"]))
    keys = {"instance_uuid", *some}
    found = {row[0] for row in shown[1:]}, ["id", some["id"]] in shown
    table.expect("baremetal-node-show", found, (keys, True))
    rows = cells(_nova(program, home, admin, "baremetal-interface-list", some["id"]))
    table.expect(
        "baremetal-interface-list",
        rows[1:],
        # novaclient's "-" is a null; a key that is not there would be an empty cell.
        [["-", "-", "-", port["address"]] for port in some["interfaces"]],
    )


def _nova(program: Path, home: Path, admin: Connection, *words: str) -> str:
    """What the command prints, or how it failed."""
    values = admin.config.get_auth_args()
    environment = {
        f"OS_{name.upper()}": str(values[name])
        for name in ("auth_url", "username", "password", "project_name")
    } | {
        "OS_USER_DOMAIN_ID": str(values["user_domain_id"]),
        "OS_PROJECT_DOMAIN_ID": str(values["project_domain_id"]),
        "OS_REGION_NAME": str(admin.config.get_region_name()),
        # With its default, 2.41, the client itself refuses these commands.
        "OS_COMPUTE_API_VERSION": SERVED,
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "no_proxy": "127.0.0.1",
    }
    done = commands.run([program, *words], 120, env=environment)
    return done.stdout if done.returncode == 0 else f"failed: {done.stderr[-500:]}"


def cells(text: str) -> list[list[str]]:
    """The rows of a printed table, its heading first."""
    return [
        [cell.strip() for cell in line.split(" | ")] for line in CELLS.findall(text)
    ]


def tempest(table: Table, admin: Connection, nodes: dict[str, Any]) -> None:
    """tempest.lib's client with its response schema, which allows no other key."""
    # Takes 2 s to import, and is only in the lab's environment.
    from tempest.lib import auth
    from tempest.lib import exceptions as lib_exceptions
    from tempest.lib.services.compute import baremetal_nodes_client

    values = admin.config.get_auth_args()
    credentials = auth.KeystoneV3Credentials(
        username=values["username"],
        password=values["password"],
        project_name=values["project_name"],
        user_domain_id=values["user_domain_id"],
        project_domain_id=values["project_domain_id"],
    )
    provider = auth.KeystoneV3AuthProvider(credentials, values["auth_url"])
    client = baremetal_nodes_client.BaremetalNodesClient(
        provider, "compute", admin.config.get_region_name(), "public"
    )
    try:
        listed = client.list_baremetal_nodes()["nodes"]
        some = next(iter(nodes))
        shown = client.show_baremetal_node(some)["node"]["id"]
        found = ({node["id"] for node in listed}, shown)
    except lib_exceptions.TempestException as error:
        table.expect("tempest.lib's client and schema", str(error), "no error")
        return
    table.expect("tempest.lib's client and schema", found, (set(nodes), some))
