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

"""The base that is moved: Nova's bare-metal driver of 2014 as a nova_bm client.

Its outside is nova-baremetal's: a compute node per bm_nodes row, the row's
columns at each step, the machine's power over its BMC, its PXE configuration.
What writes the image on the machine's disk is a command ([baremetal]
deploy_helper); without it, a machine boots what its disk holds.

What it writes follows Nova 2014.2.4 (``nova/virt/baremetal``), run beside it. What
differs, and why:

* A flavor or an image that cannot be deployed is refused before the node is claimed,
  where 2014 claimed, failed and freed it: Nova of today can stop the build at once.
* An image whose publisher says so (``pxe.BOOT_PROPERTY``) boots from its disk; 2014
  had no such thing, and nova-bm-migrate must tell the two kinds apart.
* The boot device is set for net-booted instances alone: the others would boot into
  nothing.
* The helper writes the disk of a machine that is off: it stands in for the deploy
  ramdisk too, so the machine is switched on once, not twice.
* Ports that are plugged stay where they are at a restart; 2014 assigned them again.
* The smallest node first (2014: ram_weight_multiplier -1.0, by TripleO) is the
  scheduler's to choose, not the driver's.
"""

# nova.objects has its classes as attributes only after register_all().
from __future__ import annotations

from typing import ClassVar

from nova import conf, context, exception, objects
from nova.compute import power_state, task_states
from nova.network import model as network_model
from nova.network import neutron
from nova.virt import driver, hardware, virtapi
from oslo_log import log as logging

from ironic_sideways import exceptions, ipmi
from ironic_sideways.nova_bm import states

from . import deploy, images, nodes, pxe, vifs
from .rows import Node

CONF = conf.CONF
LOG = logging.getLogger(__name__)

POWER_STATES = {"on": power_state.RUNNING, "off": power_state.SHUTDOWN}


class BareMetalDriver(nodes.NodeReports):
    """Instances on the nodes of nova_bm."""

    capabilities: ClassVar[dict[str, bool]] = {
        **driver.ComputeDriver.capabilities,
        "supports_image_type_ami": True,
        "supports_image_type_qcow2": True,
        "supports_image_type_raw": True,
    }

    def __init__(self, api: virtapi.VirtAPI, read_only: bool = False) -> None:
        super().__init__(api, read_only)
        self._network_api = neutron.API()

    def network_binding_host_id(
        self, context: context.RequestContext, instance: objects.Instance
    ) -> None:
        """Ports come unbound: only then can they take the NIC's MAC address."""
        return None

    def manages_network_binding_host_id(self) -> bool:
        """The ports' host is set when they are plugged."""
        return True

    def get_info(
        self, instance: objects.Instance, use_cache: bool = True
    ) -> hardware.InstanceInfo:
        """The power state that the BMC reports; NOSTATE when it does not answer."""
        row = self._row_of(instance)
        try:
            state = POWER_STATES[ipmi.power_status(row.bmc)]
        except exceptions.SidewaysError as error:
            LOG.warning("Power state unknown: %s", error, instance=instance)
            state = power_state.NOSTATE
        return hardware.InstanceInfo(state=state)

    def spawn(
        self,
        context: context.RequestContext,
        instance: objects.Instance,
        image_meta: objects.ImageMeta,
        injected_files: list,
        admin_password: str | None,
        allocations: dict,
        network_info: network_model.NetworkInfo | None = None,
        block_device_info: dict | None = None,
        power_on: bool = True,
        accel_info: list | None = None,
    ) -> None:
        """Claim the row, plug the ports, power the machine on.

        :raises BuildAbortException: the flavor's deploy images are not there, or
            the image cannot be booted.
        :raises ComputeResourcesUnavailable: the node is not free.
        """
        try:
            images.check(instance.flavor)
            pxe.wanted(instance)
        except exceptions.SidewaysError as error:
            raise exception.BuildAbortException(
                instance_uuid=instance.uuid, reason=str(error)
            ) from error
        if not self.rows.claim(instance.node, instance.uuid, instance.hostname):
            raise exception.ComputeResourcesUnavailable(
                reason=f"node {instance.node} is not free in nova_bm"
            )
        row = self._row_of(instance)
        with deploy.error_state(self.rows, row, roll_back=True):
            self._deploy(context, row, instance, network_info)

    def rebuild(
        self,
        context: context.RequestContext,
        instance: objects.Instance,
        network_info: network_model.NetworkInfo | None = None,
        preserve_ephemeral: bool = False,
        **_unused: object,
    ) -> None:
        """Deploy again on the same node, which is freed when that fails.

        :raises InstanceDeployFailure: it failed.
        """
        row = self._row_of(instance)
        instance.task_state = task_states.REBUILD_SPAWNING
        instance.save(expected_task_state=[task_states.REBUILDING])
        self.rows.update(
            row,
            instance_name=instance.hostname,
            task_state=states.BUILDING,
            preserve_ephemeral=preserve_ephemeral,
        )
        with deploy.error_state(self.rows, row, roll_back=True):
            try:
                self._deploy(context, row, instance, network_info)
            except exceptions.SidewaysError as error:
                raise exception.InstanceDeployFailure(reason=str(error)) from error

    def destroy(
        self,
        context: context.RequestContext,
        instance: objects.Instance,
        network_info: network_model.NetworkInfo | None,
        block_device_info: dict | None = None,
        destroy_disks: bool = True,
        destroy_secrets: bool = True,
    ) -> None:
        """Power off, unplug, free the row.

        :raises InstancePowerOffFailure: the machine still runs; Nova keeps the
            instance's addresses then.
        """
        try:
            row = self._row_of(instance)
        except exception.InstanceNotFound:
            LOG.warning("No node holds the instance", instance=instance)
            return
        with deploy.error_state(self.rows, row):
            try:
                deploy.tear_down(self.rows, row)
            except exceptions.SidewaysError as error:
                raise exception.InstancePowerOffFailure(reason=str(error)) from error

    def reboot(
        self,
        context: context.RequestContext,
        instance: objects.Instance,
        network_info: network_model.NetworkInfo,
        reboot_type: str,
        block_device_info: dict | None = None,
        bad_volumes_callback: object = None,
        accel_info: list | None = None,
        share_info: object = None,
    ) -> None:
        """Off and on again, SOFT and HARD alike, as nova-baremetal did."""
        row = self._row_of(instance)
        try:
            deploy.power(row, "off")
            deploy.power(row, "on")
        except exceptions.SidewaysError as error:
            raise exception.InstanceRebootFailure(reason=str(error)) from error
        self.rows.update(row, task_state=states.ACTIVE)

    def power_off(
        self, instance: objects.Instance, timeout: int = 0, retry_interval: int = 0
    ) -> None:
        """Power off at once; nova_bm's row does not record it."""
        row = self._row_of(instance)
        try:
            deploy.power(row, "off")
        except exceptions.SidewaysError as error:
            raise exception.InstancePowerOffFailure(reason=str(error)) from error

    def power_on(
        self,
        context: context.RequestContext,
        instance: objects.Instance,
        network_info: network_model.NetworkInfo,
        block_device_info: dict | None = None,
        accel_info: list | None = None,
        share_info: object = None,
    ) -> None:
        """Power on and wait until the BMC reports it."""
        row = self._row_of(instance)
        try:
            deploy.power(row, "on")
        except exceptions.SidewaysError as error:
            raise exception.InstancePowerOnFailure(reason=str(error)) from error

    def plug_vifs(
        self, instance: objects.Instance, network_info: network_model.NetworkInfo
    ) -> None:
        """Put the ports on the NICs.

        Nova calls it for each instance at start, which one that no node holds
        must not prevent.
        """
        row = self.rows.holding(instance.uuid, instance.node)
        if row is None:
            LOG.warning("No node holds the instance", instance=instance)
            return
        vifs.plug(self.rows, row, [vif["id"] for vif in network_info], CONF.host)

    def unplug_vifs(
        self, instance: objects.Instance, network_info: network_model.NetworkInfo
    ) -> None:
        """Take the ports off the NICs; a node that was given up has none."""
        row = self.rows.holding(instance.uuid, instance.node)
        if row is not None:
            vifs.unplug(self.rows, row, [vif["id"] for vif in network_info])

    def _deploy(
        self,
        context: context.RequestContext,
        row: Node,
        instance: objects.Instance,
        network_info: network_model.NetworkInfo | None,
    ) -> None:
        """Deploy, and let Nova's cache of the ports see their new MAC addresses."""
        if deploy.deploy(self.rows, row, instance, network_info or [], CONF.host):
            self._network_api.get_instance_nw_info(context, instance)

    def _row_of(self, instance: objects.Instance) -> Node:
        """:raises InstanceNotFound: no row of this host holds the instance."""
        row = self.rows.holding(instance.uuid, instance.node)
        if row is None:
            raise exception.InstanceNotFound(instance_id=instance.uuid)
        return row
