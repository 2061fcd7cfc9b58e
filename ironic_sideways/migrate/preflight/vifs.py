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

"""Ask Neutron which MAC address the port of each VIF has, by its API."""

from typing import Any

import keystoneauth1.exceptions
import openstack.exceptions
import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.migrate import bmc_rows, classify
from ironic_sideways.nova_bm import schema

#: Ports of one request, whose ids are in its URL.
CHUNK = 100


class Vifs(dict[str, str]):
    """VIF -> the MAC address of its port, in lower case; without those that are gone.

    :param connection: openstacksdk's, with an administrator's rights.
    :param cloud: its name, for messages.
    """

    knows_instances = False

    def __init__(self, connection: Any, cloud: str) -> None:
        super().__init__()
        self._connection = connection
        self._cloud = cloud

    def begin(self, source: sa.Connection) -> None:
        """Ask for the ports of all instances' VIFs.

        :raises SidewaysError: Neutron cannot be reached.
        """
        try:
            for chunk in bmc_rows.batches(_vifs(source), CHUNK):
                for port in self._connection.network.ports(id=chunk):
                    self[port.id] = port.mac_address.lower()
        except (
            openstack.exceptions.SDKException,
            keystoneauth1.exceptions.ClientException,
        ) as error:
            raise exceptions.SidewaysError(
                f"Neutron of cloud {self._cloud} cannot be asked: "
                f"{exceptions.line(error)}"
            ) from error

    def judge(self, verdicts: list[classify.Verdict]) -> None:
        """Nothing: ``classify`` knows the answers."""

    def end(self) -> list[str]:
        """Nothing beyond the rows."""
        return []


def _vifs(source: sa.Connection) -> list[str]:
    """The VIFs of nodes with an instance."""
    node, card = schema.bm_nodes, schema.bm_interfaces
    query = (
        sa.select(card.c.vif_uuid)
        .join(node, node.c.id == card.c.bm_node_id)
        .where(card.c.vif_uuid != "", node.c.instance_uuid != "")
        .order_by(card.c.id)
    )
    return list(source.scalars(query))
