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

"""Nova's compute manager for several nova-compute processes of one host name.

Ironic's tree had one from 2014 to 2017 (``ironic.nova.compute.manager``): active
workers that share one Ironic and one ``CONF.host``, so that the death of one
takes nothing down and its restart does not disturb what the others are doing.
It gives real but limited protection: an operation dies with the worker that runs
it. A delete is resumed, a reboot, start or stop can be repeated, and a build ends
in ERROR when [DEFAULT] instance_build_timeout says so. Nova itself advises one
nova-compute with a passive stand-by, or a partition of the nodes over several
host names (doc/source/admin/clustered-compute.rst).

Each override says why the stock manager's way does harm here.
"""

# nova.objects has its classes as attributes only after register_all().
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence

from keystoneauth1 import exceptions as ks_exceptions
from nova import conf, exception, objects, safe_utils
from nova import context as nova_context
from nova.compute import manager, task_states, utils, vm_states
from oslo_config import cfg
from oslo_log import log as logging
from oslo_messaging import exceptions as messaging_exceptions
from oslo_service import loopingcall, periodic_task
from oslo_utils import timeutils

CONF = conf.CONF
LOG = logging.getLogger(__name__)

CONF.register_opts(
    [
        cfg.IntOpt(
            "interrupted_operation_age",
            default=400,
            min=1,
            help="Seconds after which an unfinished delete, reboot, start or stop of "
            "this host name is taken to be a dead worker's: a delete is run again, "
            "the others can be repeated. Longer than a live worker is silent: "
            "with what the window sets IronicDriver gives up on a locked node after "
            "242 s at most, status_code_retries times status_code_retry_delay and "
            "the 2 s that Ironic itself tries each time, and on one that does not "
            "change after 122 s more, api_max_retries times api_retry_interval.",
        )
    ],
    group="clustered_compute",
)

#: Seconds between two searches for what dead workers left.
RESUME_SPACING = 30

#: Seconds between two checks whether a build has been given up.
BUILDER_SPACING = 1

#: Task states in which a worker waits for Ironic to change a machine's power.
POWER_ACTIONS = (
    *task_states.soft_reboot_states,
    *task_states.hard_reboot_states,
    task_states.POWERING_OFF,
    task_states.POWERING_ON,
)

#: Its names in the conductors of several Nova releases.
REBUILD = inspect.signature(
    safe_utils.get_wrapped_function(manager.ComputeManager.rebuild_instance)
)

#: Transient errors, and other services' faults: the periodic update tries again.
#: All else is an error in configuration or data and stops the start.
PASSING_ERRORS = (
    exception.PlacementAPIConnectFailure,
    exception.ResourceProviderUpdateConflict,
    ks_exceptions.ConnectionError,
    ks_exceptions.HttpServerError,
    messaging_exceptions.MessagingTimeout,
)


def _unless_in_place(
    delete: Callable[..., None],
    context: nova_context.RequestContext,
    instance: objects.Instance,
    node: str,
    node_type: str = "source",
) -> None:
    """Keep the allocation of an instance whose rebuild failed where it is.

    Nova takes each failed rebuild for one that came from elsewhere (rebuild_instance
    of nova.compute.manager sets scheduled_node for both).
    """
    in_place = (instance.host, instance.node) == (CONF.host, node)
    if node_type != "destination" or not in_place:
        delete(context, instance, node, node_type=node_type)


class ClusteredComputeManager(manager.ComputeManager):
    """A compute manager that shares its host name, and so its instances."""

    def __init__(self, *arguments: object, **named: object) -> None:
        super().__init__(*arguments, **named)
        self.rt.delete_allocation_for_evacuated_instance = functools.partial(
            _unless_in_place, self.rt.delete_allocation_for_evacuated_instance
        )

    def pre_start_hook(self, service_ref: objects.Service) -> None:
        """Report the nodes, and start even if that fails for a passing reason.

        The worker must come up while its siblings, or Ironic, are busy; wrong
        configuration and InventoryInUse still stop it.
        """
        if not CONF.instance_build_timeout:
            LOG.warning(
                "instance_build_timeout is 0: a build that dies with its worker stays "
                "in BUILD until its owner deletes it"
            )
        try:
            super().pre_start_hook(service_ref)
        except PASSING_ERRORS:
            LOG.exception("Reporting the nodes failed; trying again later")
        LOG.info(
            "ClusteredComputeManager started: host %s, driver %s.%s, %d nodes",
            self.host,
            type(self.driver).__module__,
            type(self.driver).__qualname__,
            len(self.rt.compute_nodes),
        )

    def _init_instance(
        self, context: nova_context.RequestContext, instance: objects.Instance
    ) -> None:
        """Leave the instance alone at start.

        Its task state may be a sibling's work in progress, which the stock
        manager would set to ERROR, clear or delete a second time.
        """

    def _error_out_instances_whose_build_was_interrupted(
        self,
        context: nova_context.RequestContext,
        already_handled_instances: set[str],
        node_uuids: list[str],
    ) -> None:
        """Leave builds alone at start: a sibling may be about to claim them."""

    def _update_available_resource_for_node(
        self,
        context: nova_context.RequestContext,
        nodename: str,
        startup: bool = False,
    ) -> None:
        """Forget what Placement said last: a sibling may have written since.

        With a stale generation every write ends in a 409.
        """
        self.reportclient.invalidate_resource_provider(nodename, cacheonly=True)
        super()._update_available_resource_for_node(context, nodename, startup=startup)

    def _build_and_run_instance(
        self,
        context: nova_context.RequestContext,
        instance: objects.Instance,
        image: dict,
        injected_files: list,
        admin_password: str | None,
        requested_networks: objects.NetworkRequestList,
        security_groups: list,
        block_device_mapping: objects.BlockDeviceMappingList,
        node: str,
        *arguments: object,
        **named: object,
    ) -> None:
        """Load a node that only a sibling has seen; build nothing that was deleted.

        An unknown node takes no claim, so that Nova would not count the instance.
        A build that a delete aborts would be scheduled again, and hold the owner's
        ports, bound, for some seconds after the instance is gone.
        """
        if node not in self.rt.compute_nodes:
            self._update_available_resource_for_node(context.elevated(), node)
        try:
            super()._build_and_run_instance(
                context,
                instance,
                image,
                injected_files,
                admin_password,
                requested_networks,
                security_groups,
                block_device_mapping,
                node,
                *arguments,
                **named,
            )
        except exception.RescheduledException as error:
            if not self._is_deleting(context, instance):
                raise
            raise exception.BuildAbortException(
                instance_uuid=instance.uuid, reason="its delete was requested"
            ) from error

    def _is_deleting(
        self, context: nova_context.RequestContext, instance: objects.Instance
    ) -> bool:
        """Whether the instance's owner has asked for its delete."""
        try:
            now = objects.Instance.get_by_uuid(context, instance.uuid)
        except exception.InstanceNotFound:
            return True
        return bool(now.task_state == task_states.DELETING)

    def _do_build_and_run_instance(
        self,
        context: nova_context.RequestContext,
        instance: objects.Instance,
        *arguments: object,
        **named: object,
    ) -> str:
        """Log it when a build has ended because of a delete.

        Nova leaves such an instance in BUILDING on its host, where a sibling that
        waits to delete it would take it for being built.
        """
        result = super()._do_build_and_run_instance(
            context, instance, *arguments, **named
        )
        if result == manager.build_results.FAILED:
            try:
                now = objects.Instance.get_by_uuid(context, instance.uuid)
                if (
                    now.vm_state == vm_states.BUILDING
                    and now.host == self.host
                    and now.task_state == task_states.DELETING
                ):
                    now.vm_state = vm_states.ERROR
                    now.save(expected_task_state=[task_states.DELETING])
            except (exception.InstanceNotFound, exception.UnexpectedTaskStateError):
                LOG.debug("It has been deleted", instance=instance)
        return str(result)

    def rebuild_instance(
        self,
        context: nova_context.RequestContext,
        instance: objects.Instance,
        *arguments: object,
        **named: object,
    ) -> None:
        """Ask IronicDriver for a new boot volume only where there is one.

        From API microversion 2.93 on nova-api asks in every rebuild; IronicDriver
        refuses whoever asks, and the failed rebuild loses the node's allocation.
        """
        call = REBUILD.bind(self, context, instance, *arguments, **named)
        if not utils.is_volume_backed_instance(
            context, instance, call.arguments["bdms"]
        ):
            call.arguments["reimage_boot_volume"] = False
        super().rebuild_instance(*call.args[1:], **call.kwargs)

    def terminate_instance(
        self,
        context: nova_context.RequestContext,
        instance: objects.Instance,
        bdms: objects.BlockDeviceMappingList,
    ) -> None:
        """Let a sibling's build end first."""
        if instance.vm_state == vm_states.BUILDING:
            self._wait_for_builder(context, instance)
        self._terminate(context, instance, bdms)

    def _terminate(
        self,
        context: nova_context.RequestContext,
        instance: objects.Instance,
        bdms: objects.BlockDeviceMappingList,
    ) -> None:
        """Terminate, and report the node at once, whoever reported it last.

        It can be scheduled again within a second instead of a periodic's minute.
        """
        nodename = instance.node
        super().terminate_instance(context, instance, bdms)
        if nodename:
            # IronicDriver's cache; the base driver reads its database.
            getattr(self.driver, "node_cache", {}).pop(nodename, None)
            self._update_available_resource_for_node(context.elevated(), nodename)

    def _wait_for_builder(
        self, context: nova_context.RequestContext, instance: objects.Instance
    ) -> None:
        """Wait until the worker that builds the instance has seen the delete.

        It looks each api_retry_interval, frees the node itself and takes the
        instance off this host. Nova's lock of an instance, for which a delete waits
        meanwhile, is each process's own: both would tear the node down at once, and
        the one that Ironic refuses would set the instance to ERROR.
        """

        def look() -> None:
            try:
                now = objects.Instance.get_by_uuid(context, instance.uuid)
                if now.vm_state != vm_states.BUILDING or now.host != self.host:
                    raise loopingcall.LoopingCallDone()
                if now.task_state != task_states.DELETING:
                    # The builder has overwritten it and would go on building.
                    was, now.task_state = now.task_state, task_states.DELETING
                    now.save(expected_task_state=[was])
            except exception.InstanceNotFound:
                raise loopingcall.LoopingCallDone() from None
            except (
                exception.UnexpectedTaskStateError,
                messaging_exceptions.MessagingTimeout,
            ):
                LOG.debug("Checking its build again", instance=instance)

        LOG.info("Waiting for its build to end", instance=instance)
        age = CONF.clustered_compute.interrupted_operation_age
        timer = loopingcall.FixedIntervalWithTimeoutLoopingCall(look)
        try:
            timer.start(interval=BUILDER_SPACING, timeout=age).wait()
        except loopingcall.LoopingCallTimeOut:
            LOG.warning("Assuming that its builder is dead", instance=instance)

    @periodic_task.periodic_task(spacing=RESUME_SPACING)
    def _resume_interrupted_deletes(self, context: nova_context.RequestContext) -> None:
        """Finish the deletes of a worker that died, which no start-up does here.

        Without it they stay in ``deleting``, and their nodes in use, for ever.
        """
        age = CONF.clustered_compute.interrupted_operation_age
        for instance in self._interrupted(context, [task_states.DELETING]):
            if instance.vm_state == vm_states.BUILDING and not timeutils.is_older_than(
                instance.updated_at or instance.created_at, 2 * age
            ):
                # A live worker may wait this long for the builder.
                continue
            LOG.info("Resuming an interrupted delete", instance=instance)
            try:
                bdms = objects.BlockDeviceMappingList.get_by_instance_uuid(
                    context, instance.uuid
                )
                self._terminate(context, instance, bdms)
            except Exception:
                LOG.exception("The delete failed again", instance=instance)

    @periodic_task.periodic_task(spacing=RESUME_SPACING)
    def _release_interrupted_power_actions(
        self, context: nova_context.RequestContext
    ) -> None:
        """Let owners repeat the reboot, start or stop that died with its worker.

        Nova refuses a second one while the first has its task state. Ironic has
        finished what it was asked for, or was never asked.
        """
        for instance in self._interrupted(context, POWER_ACTIONS):
            try:
                node = self.driver.ironic_connection.get_node(instance.node)
                if node.target_power_state:
                    continue
                was = instance.task_state
                instance.power_state = self.driver.get_info(
                    instance, use_cache=False
                ).state
                instance.task_state = None
                instance.save(expected_task_state=[was])
                LOG.info("Resetting an interrupted %s", was, instance=instance)
            except Exception:
                LOG.exception("Cannot reset its task state", instance=instance)

    def _interrupted(
        self, context: nova_context.RequestContext, states: Sequence[str]
    ) -> list[objects.Instance]:
        """Instances of this host that have been in one of ``states`` for too long."""
        found = objects.InstanceList.get_by_filters(
            context,
            {"host": self.host, "task_state": list(states), "deleted": False},
            expected_attrs=["info_cache", "metadata", "system_metadata", "flavor"],
        )
        age = CONF.clustered_compute.interrupted_operation_age
        return [
            instance
            for instance in found
            if timeutils.is_older_than(instance.updated_at or instance.created_at, age)
        ]
