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

"""The half of the driver that tells Nova which nodes there are."""

from nova import conf, exception
from nova.compute import provider_tree
from nova.virt import driver, node, virtapi
from oslo_log import log as logging

from ironic_sideways import exceptions
from ironic_sideways.nova_bm import database

from . import options, resources
from .rows import Node, Rows

CONF = conf.CONF
LOG = logging.getLogger(__name__)

options.register(CONF)


class NodeReports(driver.ComputeDriver):
    """Nodes from nova_bm, each a compute node whose name and uuid are the row's.

    Compute nodes and resource providers therefore go on unchanged under
    IronicDriver, which names them by the Ironic node's uuid.
    """

    def __init__(self, api: virtapi.VirtAPI, read_only: bool = False) -> None:
        super().__init__(api)
        self._rows: Rows | None = None
        self._extra_specs: dict[str, str] = {}

    @property
    def rows(self) -> Rows:
        """nova_bm, seen from this host; there after init_host."""
        if self._rows is None:
            raise exception.VirtDriverNotReady()
        return self._rows

    def init_host(self, host: str) -> None:
        """Open nova_bm.

        :raises InvalidConfiguration: no nova_bm, or a malformed option.
        """
        try:
            if not CONF.baremetal.sql_connection:
                raise exceptions.UsageError(
                    "[baremetal] sql_connection: expected the URL of nova_bm"
                )
            url = database.resolve_url(
                CONF.baremetal.sql_connection, "[baremetal] sql_connection"
            )
            rows = Rows(database.engine(url), host)
            rows.check()
            self._extra_specs = options.extra_specs(CONF)
            resources.supported_instances(self._extra_specs)
        except (exceptions.SidewaysError, ValueError) as error:
            raise exception.InvalidConfiguration(str(error)) from error
        self._rows = rows
        # Nova expects the file of a local node identity at every start but the
        # first, unless the driver's name contains "ironic"
        # (ComputeManager._ensure_existing_node_identity).
        node.get_local_node_uuid()
        LOG.info("BareMetalDriver: %d nodes in %s", len(rows.nodes()), rows)

    def get_available_nodes(self, refresh: bool = False) -> list[str]:
        """The uuids of the live rows.

        :raises VirtDriverNotReady: nova_bm cannot be read: an empty list would
            make Nova delete compute nodes.
        """
        try:
            return [row.uuid for row in self.rows.nodes()]
        except exceptions.SidewaysError as error:
            LOG.error("%s", error)
            raise exception.VirtDriverNotReady() from error

    def get_nodenames_by_uuid(self, refresh: bool = False) -> dict[str, str]:
        """Name and uuid are the same, as under IronicDriver."""
        return {uuid: uuid for uuid in self.get_available_nodes(refresh)}

    def is_node_deleted(self, nodename: str) -> bool:
        """Whether Nova may delete the compute node and its provider.

        Only for a soft-deleted row: a row that is missing altogether is not
        nova-baremetal's work, and may well be the wrong database's.
        """
        return self.rows.deleted(nodename)

    def get_available_resource(self, nodename: str) -> dict:
        """The compute node as nova-baremetal reported it."""
        return resources.compute_node(self._row(nodename), self._extra_specs)

    def update_provider_tree(
        self,
        provider_tree: provider_tree.ProviderTree,
        nodename: str,
        allocations: dict | None = None,
    ) -> None:
        """Report VCPU, MEMORY_MB and DISK_GB; a node in use is taken whole."""
        inventory = resources.inventory(self._row(nodename))
        provider_tree.update_inventory(nodename, inventory)

    def list_instances(self) -> list[str | None]:
        """The names of the instances on this host's nodes."""
        return [row.instance_name for row in self.rows.nodes() if row.instance_uuid]

    def list_instance_uuids(self) -> list[str]:
        """The uuids of the instances on this host's nodes."""
        return [row.instance_uuid for row in self.rows.nodes() if row.instance_uuid]

    def _row(self, nodename: str) -> Node:
        """:raises ComputeHostNotFound: no live row of this host has that uuid."""
        row = self.rows.node(nodename)
        if row is None:
            raise exception.ComputeHostNotFound(host=nodename)
        return row
