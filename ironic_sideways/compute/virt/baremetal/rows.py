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

"""What the driver reads from nova_bm and writes into it.

The writes are those of Nova 2014.2 (``nova/virt/baremetal/db/api.py`` and its
callers): a claim, a task state, the instance columns, an interface's VIF.
"""

import contextlib
import dataclasses
import datetime
from collections.abc import Iterator

import sqlalchemy as sa
from oslo_log import log as logging

from ironic_sideways import exceptions, ipmi
from ironic_sideways.nova_bm import database, schema, states

LOG = logging.getLogger(__name__)

#: nova_bm has no column for the BMC's port.
BMC_PORT = 623

NODES = schema.bm_nodes
INTERFACES = schema.bm_interfaces


@dataclasses.dataclass(frozen=True)
class Node:
    """A live bm_nodes row of this compute host."""

    id: int
    uuid: str
    cpus: int
    memory_mb: int
    local_gb: int
    instance_uuid: str | None
    instance_name: str | None
    task_state: str | None
    image_path: str | None
    pxe_config_path: str | None
    root_mb: int | None
    swap_mb: int | None
    ephemeral_mb: int | None
    preserve_ephemeral: bool | None
    pm_address: str | None
    pm_user: str | None
    pm_password: str | None = dataclasses.field(repr=False)

    @property
    def free(self) -> bool:
        """No instance; whatever word stands in task_state, as for 2014's claim."""
        return not self.instance_uuid

    @property
    def bmc(self) -> ipmi.Bmc:
        """The row's BMC.

        :raises SidewaysError: the row lacks one of the three values that the
            IPMI power manager of 2014 required.
        """
        if not self.pm_address or self.pm_user is None or self.pm_password is None:
            raise exceptions.SidewaysError(
                f"node {self.uuid} (bm_nodes row {self.id}): pm_address, pm_user and "
                "pm_password are all needed for IPMI, at least one is NULL"
            )
        return ipmi.Bmc(self.pm_address, BMC_PORT, self.pm_user, self.pm_password)


@dataclasses.dataclass(frozen=True)
class Interface:
    """A live bm_interfaces row: a NIC, and the Neutron port on it if any."""

    id: int
    address: str
    vif_uuid: str | None


class Rows:
    """The rows of nova_bm that belong to one compute host.

    :param host: Nova's ``CONF.host``, as in ``bm_nodes.service_host``.
    """

    def __init__(self, engine: sa.Engine, host: str) -> None:
        self._engine = engine
        self._ours = (NODES.c.service_host == host) & (NODES.c.deleted == sa.false())
        self._host = host

    def __str__(self) -> str:
        return f"{database.redacted(self._engine.url)}, service_host {self._host}"

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with database.connect(self._engine) as connection, connection.begin():
            yield connection

    def check(self) -> None:
        """Refuse a database that is not nova_bm at version 10.

        :raises SidewaysError: it is unreachable or holds something else.
        """
        with self._transaction() as connection:
            found = schema.inspect(connection)
        if found.kind is not schema.Kind.CURRENT:
            raise exceptions.SidewaysError(
                f"{self}: expected nova_bm at version {schema.VERSION}, "
                f"found {found.kind.value}: {found.reason}"
            )

    def nodes(self) -> list[Node]:
        """All live nodes of this host; a row without uuid has no name in Nova."""
        found = self._select(self._ours)
        nameless = [node.id for node in found if not node.uuid]
        if nameless:
            LOG.warning("bm_nodes rows without uuid are left out: %s", nameless)
        return [node for node in found if node.uuid]

    def node(self, uuid: str) -> Node | None:
        """The live node of that uuid, if this host has it."""
        return next(iter(self._select(self._ours & (NODES.c.uuid == uuid))), None)

    def holding(self, instance_uuid: str, node_uuid: str | None) -> Node | None:
        """The node that holds the instance.

        ``instance_uuid`` is not unique in nova_bm: the node's uuid, which Nova
        knows of every placed instance, decides.
        """
        wanted = self._ours & (NODES.c.instance_uuid == instance_uuid)
        if node_uuid:
            wanted &= NODES.c.uuid == node_uuid
        return next(iter(self._select(wanted)), None)

    def deleted(self, uuid: str) -> bool:
        """Whether the node was deleted in nova-baremetal's way, softly."""
        wanted = (NODES.c.uuid == uuid) & (NODES.c.deleted == sa.true())
        with self._transaction() as connection:
            row = connection.execute(sa.select(NODES.c.id).where(wanted)).first()
        return row is not None

    def claim(self, uuid: str, instance_uuid: str, instance_name: str) -> bool:
        """Take the node for an instance unless another one has it.

        ``bm_node_associate_and_update`` of 2014, which asks instance_uuid alone, and
        ``preserve_ephemeral`` reset as its caller did. False when another instance
        has the node or it is not this host's.
        """
        free = self._ours & (NODES.c.uuid == uuid) & NODES.c.instance_uuid.is_(None)
        values = {
            "instance_uuid": instance_uuid,
            "instance_name": instance_name,
            "task_state": states.BUILDING,
            "preserve_ephemeral": False,
        }
        return self._write(NODES, free, values) == 1

    def update(self, node: Node, **values: object) -> None:
        """Write columns of the node's row."""
        self._write(NODES, NODES.c.id == node.id, values)

    def release(self, node: Node) -> None:
        """What destroy left behind: a free node (ephemeral_mb stays as it was)."""
        self.update(
            node,
            instance_uuid=None,
            instance_name=None,
            image_path=None,
            pxe_config_path=None,
            deploy_key=None,
            root_mb=0,
            swap_mb=0,
            task_state=states.DELETED,
        )

    def interfaces(self, node: Node) -> list[Interface]:
        """The node's NICs that Nova's API of 2014 saw, in the order of their ids."""
        wanted = (
            (INTERFACES.c.bm_node_id == node.id)
            & (INTERFACES.c.deleted == sa.false())
            & INTERFACES.c.address.is_not(None)
        )
        query = sa.select(
            INTERFACES.c.id, INTERFACES.c.address, INTERFACES.c.vif_uuid
        ).where(wanted)
        with self._transaction() as connection:
            rows = connection.execute(query.order_by(INTERFACES.c.id)).all()
        return [Interface(*row) for row in rows]

    def set_vif(self, interface: Interface, vif_uuid: str | None) -> None:
        """Record which Neutron port the NIC carries."""
        self._write(INTERFACES, INTERFACES.c.id == interface.id, {"vif_uuid": vif_uuid})

    def _select(self, wanted: sa.ColumnElement[bool]) -> list[Node]:
        columns = [NODES.c[field.name] for field in dataclasses.fields(Node)]
        query = sa.select(*columns).where(wanted).order_by(NODES.c.id)
        with self._transaction() as connection:
            return [Node(*row) for row in connection.execute(query)]

    def _write(
        self,
        table: sa.Table,
        wanted: sa.ColumnElement[bool],
        values: dict[str, object],
    ) -> int:
        now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)
        change = table.update().where(wanted).values(**values, updated_at=now)
        with self._transaction() as connection:
            return connection.execute(change).rowcount
