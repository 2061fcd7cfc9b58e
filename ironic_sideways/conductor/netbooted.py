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

"""What Ironic's conductor must do besides for a moved instance that boots over the net.

Such an instance's ``instance_info`` names the deploy interface ``ramdisk`` and the old
kernel arguments. Ironic's rebuild keeps both (``start_deploy`` of
ironic.conductor.deployments drops kernel and ramdisk alone), so that it would write no
disk, boot what is dead, and call it active. Here a rebuild with a whole-disk image
drops all of it first, and the node's own deploy interface does the rest; any other, and
one that asks for an ephemeral disk to be preserved, is refused before the machine is
touched; and a node whose instance is deleted keeps nothing of it.

Ironic has no hook for that. A deploy interface of another name cannot stand in:
``is_ramdisk_deploy`` (ironic.drivers.modules.deploy_utils) asks for the name "ramdisk",
and a hardware type takes no class but its own. So two functions of Ironic are wrapped,
for nodes that bear the move's settings; its rows name nothing that is not Ironic's.
"""

import copy
import functools
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from futurist import periodics
from ironic.common import driver_factory, exception, image_service, images, states
from ironic.common.glance_service import service_utils as glance
from ironic.conductor import deployments, task_manager, utils
from ironic.conf import CONF
from ironic.drivers.modules import noop, ramdisk
from oslo_log import log
from oslo_utils import strutils

LOG = log.getLogger(__name__)

#: What the move writes for a net-booted instance (migrate/mapping.py), by column.
SETTINGS: Mapping[str, tuple[str, ...]] = {
    "instance_info": (
        "deploy_interface",
        "kernel",
        "ramdisk",
        "ramdisk_kernel_arguments",
        "kernel_append_params",
    ),
    "driver_info": ("ipmi_force_boot_device", "force_persistent_boot_device"),
    "driver_internal_info": ("persistent_boot_device", "rebuild_refused"),
}
#: What Nova adds for a rebuild to what the move has written (nova.virt.ironic.patcher),
#: of which the next take-over would render the wrong thing, and what Ironic adds.
ASKED = {
    "instance_info": (
        *("image_source", "image_type", "capabilities", "traits", "ephemeral_format"),
        *("vcpus", "memory_mb", "flavor_name", "fixed_ips", "floating_ips"),
        *("project_id", "project_name", "user_id", "user_name"),
    ),
    "driver_internal_info": ("is_whole_disk_image", "is_source_a_path"),
}

#: How ``last_error`` of a refused rebuild begins.
REFUSED = "Rebuild refused, the server runs on unchanged: "
#: Nova shows an owner 255 characters of a fault, its own first 67 included.
LONGEST = 188
#: In driver_internal_info: the node is ``deploy failed`` for Nova to see, no longer.
MARK = "rebuild_refused"
#: Seconds for that: Nova asks every ``[ironic] api_retry_interval``, 2 by default.
SEEN = 15
#: Seconds after which a marked node's conductor must have died meanwhile.
ABANDONED = 60


class Netbooted(noop.NoDeploy):  # type: ignore[misc, unused-ignore]
    """Named in ``enabled_deploy_interfaces``, it is loaded; no node can have it."""

    def __init__(self) -> None:
        super().__init__()
        install()

    @periodics.periodic(spacing=30)  # type: ignore[untyped-decorator, unused-ignore]
    def end_refusals(self, manager: Any, context: Any) -> None:
        """End what a conductor that died has left refused."""
        found = manager.iter_nodes(
            filters={
                "reserved": False,
                "provision_state": states.DEPLOYFAIL,
                "provisioned_before": ABANDONED,
            },
            fields=["driver_internal_info"],
        )
        for uuid, _driver, _group, info in found:
            if MARK not in (info or {}):
                continue
            try:
                with task_manager.acquire(
                    context, uuid, purpose="end of a refused rebuild"
                ) as task:
                    end_refusal(task.node)
            except (exception.NodeLocked, exception.NodeNotFound):
                LOG.debug("Node %s is busy or gone; later", uuid)


def install() -> None:
    """Wrap Ironic's functions; a second time changes nothing."""
    if hasattr(deployments.start_deploy, "netbooted"):
        return
    deployments.start_deploy = _rebuilding(deployments.start_deploy)
    ramdisk.RamdiskDeploy.tear_down = _leaving(ramdisk.RamdiskDeploy.tear_down)


def is_netbooted(node: Any) -> bool:
    """Whether the node's instance boots over the net since the move."""
    info = node.instance_info
    return (
        "nova_bm" in (node.extra or {})
        and info.get("deploy_interface") == "ramdisk"
        and "ramdisk_kernel_arguments" in info
    )


def _rebuilding(stock: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(stock)
    def start_deploy(
        task: Any,
        manager: Any,
        configdrive: Any = None,
        event: str = "deploy",
        deploy_steps: Any = None,
    ) -> None:
        go_on = functools.partial(
            stock, task, manager, configdrive, event=event, deploy_steps=deploy_steps
        )
        if event == "rebuild" and is_netbooted(task.node):
            rebuild(task, manager, go_on)
        else:
            go_on()

    start_deploy.netbooted = True  # type: ignore[attr-defined]
    return start_deploy


def _leaving(stock: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(stock)
    def tear_down(self: Any, task: Any) -> Any:
        result = stock(self, task)
        if is_netbooted(task.node):
            drop_settings(task.node)
            task.node.save()
        return result

    return tear_down


def rebuild(task: Any, manager: Any, go_on: Callable[[], None]) -> None:
    """Rebuild the node as one that boots from its disk, or refuse and leave all as is.

    :param go_on: Ironic's own start of the rebuild, which validates.
    """
    node, deploy = task.node, task.driver.deploy
    was = node.provision_state
    before = {
        name: without(getattr(node, name), ASKED.get(name, ())) for name in SETTINGS
    }
    # Nova has written it, too; what was there the move had from the row.
    if "preserve_ephemeral" in before["instance_info"]:
        moved = bool(node.extra["nova_bm"].get("preserve_ephemeral"))
        before["instance_info"]["preserve_ephemeral"] = str(moved)
    try:
        require_nothing_preserved(node)
        require_whole_disk(task)
        drop_settings(node)
        task.driver.deploy = driver_factory.get_interface(
            driver_factory.get_hardware_type(node.driver),
            "deploy",
            node.get_interface("deploy"),
        )
        # Ironic asks it of the network when the state has changed already.
        task.driver.network.validate(task)
        go_on()
    except Exception as error:
        if node.provision_state != was:
            raise
        task.driver.deploy = deploy
        for name, value in before.items():
            setattr(node, name, value)
        node.save()
        if was not in (states.ACTIVE, states.DEPLOYFAIL):
            raise
        # Ironic's own refusal has its reason after a long introduction.
        refuse(task, manager, str(error.__context__ or error))


def require_whole_disk(task: Any) -> None:
    """See that Ironic can write the image, and that the machine boots from it then.

    :raises InstanceDeployFailure: a root file system with kernel and ramdisk, as
        nova-baremetal deployed, has no boot loader; or Ironic refuses the format, which
        it would find out with the machine off (ironic.common.images).
    """
    info = without(task.node.instance_info, ("kernel", "ramdisk", "image_type"))
    source = info.get("image_source")
    whole = images.is_whole_disk_image(task.context, info)
    if whole is None:
        raise exception.InstanceDeployFailure(f"image {source} cannot be read")
    if not whole:
        raise exception.InstanceDeployFailure("the image has kernel_id or ramdisk_id")
    if (
        glance.is_glance_image(source)
        and not CONF.conductor.disable_deep_image_inspection
    ):
        service = image_service.get_image_service(source, context=task.context)
        found = service.show(source)["disk_format"]
        if found not in CONF.conductor.permitted_image_formats:
            raise exception.InstanceDeployFailure(
                f"Ironic takes no image of format {found}"
            )


def require_nothing_preserved(node: Any) -> None:
    """See that no ephemeral disk is to be kept that would be lost.

    :raises InstanceDeployFailure: a whole-disk image is written over all of the disk.
        Ironic takes ``preserve_ephemeral`` with one all the same (deploy_utils,
        ``parse_instance_info``), and asks nobody.
    """
    asked = node.instance_info.get("preserve_ephemeral")
    if strutils.bool_from_string(asked) and node.extra["nova_bm"].get("ephemeral_mb"):
        raise exception.InstanceDeployFailure(
            "its ephemeral disk cannot be kept, ask without preserve_ephemeral"
        )


def refuse(task: Any, manager: Any, reason: str) -> None:
    """End the rebuild in ``deploy failed``, whose last_error Nova shows the owner.

    A refusal in the answer to the request would be lost to the owner: Nova cuts a fault
    off where the URL of the request ends (nova.virt.ironic.driver, ``rebuild``).
    """
    remedy = "; rebuild with a whole-disk image, or let an administrator set it active"
    told = f"{REFUSED}{reason}"[: LONGEST - len(remedy)] + remedy
    LOG.warning("Node %s: rebuild refused: %s", task.node.uuid, reason)
    task.process_event(
        "rebuild",
        callback=manager._spawn_worker,
        call_args=(_refused, task, told),
        err_handler=utils.provisioning_error_handler,
    )


def _refused(task: Any, told: str) -> None:
    task.node.set_driver_internal_info(MARK, True)
    utils.node_history_record(
        task.node, event=told, event_type=states.DEPLOYING, error=True
    )
    task.process_event("fail")
    # Locked: the power sync would clear last_error before Nova has read it.
    let_nova_see(task.node)
    end_refusal(task.node)


def let_nova_see(node: Any) -> None:
    """Give Nova, which polls, the time to read the node's state and last_error.

    A time, as nothing tells a conductor what the API has answered to whom.
    """
    time.sleep(SEEN)


def end_refusal(node: Any) -> None:
    """Make a node active again whose rebuild was refused; any other stays."""
    if node.provision_state != states.DEPLOYFAIL or (
        MARK not in node.driver_internal_info
    ):
        return
    # One write: a conductor that dies here leaves the one state or the other.
    node.del_driver_internal_info(MARK)
    node.provision_state = states.ACTIVE
    node.target_provision_state = states.NOSTATE
    node.last_error = None
    node.save()
    LOG.info("Node %s: active again after a refused rebuild", node.uuid)


def drop_settings(node: Any) -> None:
    """Take the move's settings for net boot off the node, in memory."""
    for name, keys in SETTINGS.items():
        setattr(node, name, without(getattr(node, name), keys))


def without(column: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any]:
    """A copy of a JSON column less these keys."""
    return {key: copy.deepcopy(v) for key, v in column.items() if key not in keys}
