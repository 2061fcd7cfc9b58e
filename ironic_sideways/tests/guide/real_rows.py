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

"""Rows that the real Nova 2014.2.4 wrote, in a lab whose machines are their nodes.

Theirs are the nodes' uuids, the ids, and all columns but those in whose place the
lab's are: BMC addresses, users and passwords, MAC addresses, service_host, the uuids of
instances and VIFs, and /tftpboot. A live row without a machine is left out; the deleted
one stays.
"""

import csv
import dataclasses
from collections.abc import Iterator
from pathlib import Path

from ironic_sideways.hardware import hypervisor, machines
from ironic_sideways.lab import bare_metal, cloud, databases, lifecycle
from ironic_sideways.lab.layout import Layout
from ironic_sideways.nova_bm import schema
from ironic_sideways.trials import workload

ROWS = Path(__file__).parents[1] / "data/nova-2014.2.4/rows.sql"
#: vcpus, memory in MiB and disk in GB; each is less than its row has.
FREE, DEPLOY = machines.SHAPES["api"], machines.SHAPES["deploy"]
#: Fits the flavor with an ephemeral disk alone (fit_flavor).
EPHEMERAL = (1, 768, 6)
#: The rows that have a machine, by their ids, and its NICs and shape. All but the last
#: have an instance, the first two with a crossed VIF, row 5 with an ephemeral disk.
MACHINES = {
    10: (2, DEPLOY),
    12: (2, DEPLOY),
    1: (1, DEPLOY),
    5: (1, EPHEMERAL),
    4: (1, FREE),
}


def _rows(table: str) -> Iterator[dict[str, str]]:
    """The rows of the table, NULL as such."""
    _, inserted = ROWS.read_text(encoding="utf-8").split(
        f"INSERT INTO `{table}` VALUES"
    )
    lines = inserted.split(";")[0].strip().splitlines()
    columns = schema.metadata.tables[table].c.keys()
    for values in csv.reader((line.strip("(),") for line in lines), quotechar="'"):
        yield dict(zip(columns, values, strict=True))


def plan_machines(layout: Layout) -> None:
    """Write what machines the lab will have, before its first `lab up`."""
    uuids = {int(row["id"]): row["uuid"] for row in _rows("bm_nodes")}
    planned = []
    with lifecycle.locked(layout):
        for one, row in zip(
            bare_metal.plan(layout, len(MACHINES)), MACHINES, strict=True
        ):
            nics, (vcpus, memory_mb, disk_gb) = MACHINES[row]
            planned.append(
                dataclasses.replace(
                    one,
                    uuid=uuids[row],
                    macs=one.macs[:nics],
                    vcpus=vcpus,
                    memory_mb=memory_mb,
                    disk_gb=disk_gb,
                )
            )
        machines.write(layout.machines, planned)


def fit_flavor(layout: Layout) -> None:
    """Let the instance with an ephemeral disk get the node whose row has one."""
    compute = cloud.connect(layout).compute
    found = compute.find_flavor(workload.EPHEMERAL_FLAVOR, ignore_missing=False)
    specs = compute.fetch_flavor_extra_specs(found).extra_specs
    compute.delete_flavor(found)
    vcpus, ram, disk = EPHEMERAL
    made = compute.create_flavor(
        name=found.name, vcpus=vcpus, ram=ram, disk=disk - 2, ephemeral=1, swap=1024
    )
    compute.create_flavor_extra_specs(made, specs)


def bring_in(layout: Layout) -> list[str]:
    """Empty nova_bm; the seeder's command that brings the real rows in.

    No nova-compute may run.
    """
    real = {row["uuid"]: row for row in _rows("bm_nodes")}
    vifs = {
        row["bm_node_id"]: row["vif_uuid"]
        for row in _rows("bm_interfaces")
        if row["vif_uuid"] != "NULL"
    }
    in_place = [f"/tftpboot={layout.tftp_boot}"]
    with databases.connect(layout) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT uuid, instance_uuid, vif_uuid FROM nova_bm.bm_nodes AS node "
            "JOIN nova_bm.bm_interfaces ON bm_node_id = node.id AND vif_uuid <> ''"
        )
        for uuid, instance, vif in cursor.fetchall():
            in_place.append(f"{real[uuid]['instance_uuid']}={instance}")
            in_place.append(f"{vifs[real[uuid]['id']]}={vif}")
        for table in ("bm_interfaces", "bm_nodes"):
            cursor.execute(f"DELETE FROM nova_bm.{table}")  # noqa: S608
    return [
        str(bare_metal.SEEDER),
        *("--nova-bm-db", f"@{layout.database_url_file('nova_bm')}"),
        *("--libvirt-uri", hypervisor.uri(layout.libvirt)),
        *("--vbmc-config", str(layout.vbmc)),
        *("--service-host", *layout.compute_services.values()),
        *("--rows", str(ROWS), "--in-place", *in_place),
    ]
