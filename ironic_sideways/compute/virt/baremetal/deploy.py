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

"""Bring an instance onto a claimed node and off it again, row and machine alike.

The order of the steps and of the row's states is that of Nova 2014.2
(``nova/virt/baremetal/driver.py``).
"""

# nova.objects has its classes as attributes only after register_all().
from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nova import conf, objects
from nova.network import model as network_model
from oslo_log import log as logging
from oslo_utils import excutils

from ironic_sideways import exceptions, ipmi
from ironic_sideways.nova_bm import states

from . import images, pxe, vifs
from .rows import Node, Rows

CONF = conf.CONF
LOG = logging.getLogger(__name__)


def power(row: Node, state: ipmi.PowerState) -> None:
    """Order the state and wait until the BMC reports it.

    A row with a PXE configuration boots over the network at every power-on
    (2014: ``chassis bootdev pxe options=persistent``), any other from its disk. A
    BMC that refuses the boot device is logged, as in 2014.

    :raises SidewaysError: the BMC refuses, or does not get there in time.
    """
    if state == "on" and row.pxe_config_path:
        try:
            ipmi.boot_device(row.bmc, "pxe", persistent=True)
        except exceptions.SidewaysError as error:
            LOG.warning("Node %s: boots from what its BMC has set: %s", row.uuid, error)
    ipmi.power(row.bmc, state)
    ipmi.wait_power(row.bmc, state, CONF.baremetal.ipmi_power_retry)


def deploy(
    rows: Rows,
    row: Node,
    instance: objects.Instance,
    network_info: Sequence[network_model.VIF],
    host: str,
) -> bool:
    """From the claim to ``active``: plug, off (sure is sure), the disk, on.

    The row is ``prepared`` once all lies ready; the helper's words follow. In 2014
    the machine was on by then, with the deploy ramdisk that the helper stands in for.

    :returns: whether a port was plugged.
    """
    flavor = instance.flavor
    images.check(flavor)
    net_booted = pxe.wanted(instance)
    port_ids = [vif["id"] for vif in network_info]
    plugged = vifs.plug(rows, row, port_ids, host)
    vifs.set_dhcp_options(port_ids, pxe.dhcp_options() if net_booted else {})
    rows.update(
        row,
        root_mb=flavor.root_gb * 1024,
        # 2014 always made a swap partition, of 1 MB when the flavor had none.
        swap_mb=max(flavor.swap, 1),
        ephemeral_mb=flavor.ephemeral_gb * 1024,
    )
    if net_booted:
        pxe.activate(rows, row, instance, network_info)
    else:
        # A rebuild from a net-booted image to another one.
        pxe.deactivate(rows, row)
    power(row, "off")
    rows.update(row, task_state=states.PREPARED)
    pxe.write_disk(rows, row, instance)
    row = rows.node(row.uuid) or row
    power(row, "on")
    rows.update(row, task_state=states.ACTIVE)
    pxe.remove_image(row)
    return plugged


def tear_down(rows: Rows, row: Node) -> None:
    """Power off, remove what the instance booted from, unplug, free the row."""
    power(row, "off")
    pxe.deactivate(rows, row)
    pxe.remove_image(row)
    vifs.unplug(rows, row)
    rows.release(row)


@contextmanager
def error_state(rows: Rows, row: Node, roll_back: bool = False) -> Iterator[None]:
    """Record a failure in the row's task_state, and free the row if wanted.

    So a failed rebuild frees it too, though Nova keeps the instance, in ERROR, on the
    node. The instance keeps the row while it is undone: nobody may claim it meanwhile.
    What fails then leaves the row in ``error``, and is logged.
    """
    try:
        yield
    except Exception:
        with excutils.save_and_reraise_exception(logger=LOG):
            LOG.exception("Node %s: failed", row.uuid)
            try:
                rows.update(row, task_state=states.ERROR)
                if roll_back:
                    tear_down(rows, rows.node(row.uuid) or row)
            except Exception:
                LOG.exception("Node %s: cannot be cleaned up", row.uuid)
