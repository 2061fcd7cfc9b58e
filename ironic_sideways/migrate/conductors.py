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


"""What an increment needs of the conductors that run beside it."""

import sqlalchemy as sa
from ironic.db.sqlalchemy import models

from ironic_sideways import exceptions
from ironic_sideways.migrate import target

_nodes = target.nodes
_served: sa.Table = models.ConductorHardwareInterfaces.__table__


def require_served(connection: sa.Connection, run_id: str, timeout: int) -> None:
    """Refuse rows of ``run_id``, not committed yet, that no online conductor serves.

    Ironic says nothing of a node whose hardware type or conductor group nobody
    serves, and one that names an interface which is not enabled stops every
    take-over listed after it: nodes of others too. Without any conductor online
    there is nobody to be harmed, and nothing to ask.

    :param timeout: Ironic's [conductor] heartbeat_timeout, in seconds.
    :raises SidewaysError: names the conductors, and what they lack.
    """
    # With a lock, or a long load would see them as they were at its beginning.
    online = target.online_conductors(connection, timeout)
    if not online:
        return
    names = [one.hostname for one in online]
    table = target.conductors
    rows = connection.execute(
        sa.select(table.c.id, table.c.hostname, table.c.conductor_group).where(
            table.c.hostname.in_(names)
        )
    ).all()
    ids = {row.id for row in rows if not row.conductor_group}
    faults = [] if ids else ["none of them is of the default conductor group"]
    enabled: dict[int, set[tuple[str, str, str]]] = {number: set() for number in ids}
    for row in connection.execute(
        sa.select(
            _served.c.conductor_id,
            _served.c.hardware_type,
            _served.c.interface_type,
            _served.c.interface_name,
        )
        .where(_served.c.conductor_id.in_(ids))
        .with_for_update(read=True)
    ):
        enabled[row.conductor_id].add(tuple(row)[1:])
    for wanted in sorted(_wanted(connection, run_id)):
        faults += [
            f"{row.hostname} has not enabled {wanted[1]}_interface {wanted[2]} of "
            f"hardware type {wanted[0]}"
            for row in rows
            if row.id in ids and wanted not in enabled[row.id]
        ]
    if faults:
        raise exceptions.SidewaysError(
            f"ironic-conductor online ({', '.join(sorted(names))}) would not serve "
            f"these nodes: {'; '.join(faults)}; nothing was written"
        )


def _wanted(connection: sa.Connection, run_id: str) -> set[tuple[str, str, str]]:
    """Hardware type, kind and name of every interface that the rows name."""
    suffix = "_interface"
    kinds = [column for column in _nodes.c if column.name.endswith(suffix)]
    written = sa.type_coerce(_nodes.c.extra, sa.Text).contains(run_id, autoescape=True)
    query = sa.select(_nodes.c.driver, *kinds, _nodes.c.instance_info).where(written)
    found = set()
    for row in connection.execute(query):
        # Of an instance that boots over the network, instead of the column's.
        own = {"deploy": (row.instance_info or {}).get("deploy_interface")}
        for column in kinds:
            kind = column.name.removesuffix(suffix)
            for name in (getattr(row, column.name), own.get(kind)):
                if name is not None:
                    found.add((row.driver, kind, name))
    return found
