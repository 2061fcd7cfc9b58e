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

"""The options of ``ironic-nova-bm-migrate`` and what they mean together."""

import argparse
import dataclasses
import os
import uuid
from importlib import metadata
from pathlib import Path

from ironic_sideways import exceptions, resource_class
from ironic_sideways.migrate import (
    choices,
    classify,
    interfaces,
    plan,
    row_faults,
    sound_options,
    target,
    work,
)
from ironic_sideways.migrate.files import bmc_map, ironicconf, netboot, novaconf
from ironic_sideways.nova_bm import database

URL_HELP = (
    "a URL, a file that holds one or an environment variable that does (so that "
    "the password stays out of the process list)"
)


def add_source(parser: argparse.ArgumentParser) -> None:
    """Options that say where from."""
    parser.add_argument(
        "--nova-bm-db",
        "-b",
        required=True,
        metavar="URL|@FILE|$ENV",
        help=f"the nova_bm database, SELECT suffices: {URL_HELP}",
    )
    parser.add_argument(
        "--nova-config",
        "-c",
        action="append",
        default=[],
        metavar="FILE",
        help="nova.conf of a base compute host, for cpu_arch, other capabilities and "
        "power_manager; repeatable, matched with service_host by its [DEFAULT] host",
    )
    parser.add_argument(
        "--service-host",
        action="append",
        default=[],
        metavar="HOST",
        help="only nodes of this service_host; repeatable",
    )
    parser.add_argument(
        "--node",
        nargs="+",
        action="extend",
        default=[],
        metavar="UUID",
        help="only these nodes",
    )
    parser.add_argument(
        "--null-deleted",
        choices=("live", "skip"),
        help="how to read rows whose 'deleted' is NULL (default: they are refused)",
    )
    parser.add_argument(
        "--stale-states-free",
        action="store_true",
        help="a node without instance is free, whatever the deploy helper left in its "
        "task_state (default: such rows are refused)",
    )
    parser.add_argument(
        "--vifs-as-recorded",
        action="store_true",
        help="each VIF is on the NIC whose row names it, though nova-baremetal took "
        "the first free one (default: on the NIC with the MAC address of its Neutron "
        "port, which --os-cloud looks up; without that, nodes with a VIF and several "
        "NICs are refused)",
    )
    parser.add_argument(
        "--bmc-map",
        metavar="FILE",
        help="BMCs of nodes whose power manager was not IPMI: CSV with the header "
        "node,address,port,user,password_file; node is a uuid or a MAC, an empty "
        "port is 623, a password file is the owner's alone to read",
    )
    parser.add_argument(
        "--instances-boot-from-disk",
        action="store_true",
        help="instances boot from disk, except those below a --tftp-root (default: "
        "refused, as nova-baremetal booted every instance over the network)",
    )
    parser.add_argument(
        "--tftp-root",
        action="append",
        metavar="DIR",
        help="a base compute host's TFTP directory or a copy of it, with DIR/INSTANCE/"
        "config, kernel and ramdisk of its instances that boot over the network; "
        "repeatable",
    )
    parser.add_argument(
        "--netboot-images",
        metavar="DIR",
        help="where 'run' keeps those kernels and ramdisks for Ironic's conductor, "
        "which reads them there; rollback leaves them",
    )
    parser.add_argument(
        "--netboot-url",
        metavar="URL",
        help="http:// address at which the conductor finds the --netboot-images",
    )


def add_target(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Options that say where to."""
    parser.add_argument(
        "--ironic-db",
        "-i",
        required=required,
        metavar="URL|@FILE|$ENV",
        help="the Ironic database, SELECT suffices, 'run' needs INSERT and 'rollback' "
        f"DELETE too: {URL_HELP}",
    )
    parser.add_argument(
        "--ironic-config",
        metavar="FILE",
        help="ironic.conf of the new cloud, for pin_release_version, "
        "heartbeat_timeout and what is enabled there",
    )


def add_mapping(parser: argparse.ArgumentParser, *, owner_required: bool) -> None:
    """Options that say what nova_bm does not know of a node."""
    parser.add_argument(
        "--node-arch",
        "-a",
        metavar="ARCH",
        help="cpu_arch of nodes whose nova.conf does not say it",
    )
    owner = parser.add_mutually_exclusive_group(required=owner_required)
    owner.add_argument(
        "--owner",
        metavar="PROJECT_ID",
        help="project that sees the nodes, by its id: a project-scoped admin sees only "
        "those of its own project",
    )
    owner.add_argument("--no-owner", action="store_true", help="leave owner empty")
    parser.add_argument(
        "--resource-class",
        default="baremetal",
        metavar="NAME",
        help="in Ironic's spelling (default: baremetal)",
    )
    parser.add_argument(
        "--resource-class-by-shape",
        action="store_true",
        help="a class per cpu_arch, cpus, memory_mb and local_gb; the name is then "
        "what all of them begin with",
    )
    parser.add_argument(
        "--shard-by-service-host",
        action="store_true",
        help="each node's shard is its service_host: where several compute hosts move, "
        "give each nova-compute its own name as [ironic] shard, or Nova reassigns the "
        "free nodes",
    )
    parser.add_argument("--deploy-kernel", metavar="ID", help="image id or URL")
    parser.add_argument("--deploy-ramdisk", metavar="ID", help="image id or URL")
    interfaces.add_options(parser)
    parser.add_argument(
        "--free-state",
        choices=("available", "manageable"),
        default="available",
        help="provision_state of free nodes; from 'manageable' a node is cleaned "
        "before a tenant gets it",
    )
    parser.add_argument("--boot-mode", choices=("bios", "uefi"), default="bios")
    parser.add_argument("--ipmi-cipher-suite", choices=("3", "17"))


def job(parsed: argparse.Namespace) -> work.Job:
    """What the parsed options ask for.

    :raises UsageError: values that cannot be.
    """
    refuse_empty(parsed)
    hosts = novaconf.read_all(parsed.nova_config)
    only = hosts[0] if len(hosts) == 1 and hosts[0].host is None else None
    if only:
        # One file that names no host speaks of every row.
        parsed.node_arch = only.cpu_arch or parsed.node_arch
    _require_class(parsed.resource_class)
    conf = ironicconf.read(parsed.ironic_config) if parsed.ironic_config else None
    images = netboot.store(parsed.netboot_images, parsed.netboot_url, conf)
    boots = None
    if parsed.tftp_root:
        boots = netboot.NetBoots(_roots(parsed.tftp_root), images)
    options = choices.Options(
        resource_class=parsed.resource_class,
        netboot=boots,
        vifs_as_recorded=parsed.vifs_as_recorded,
        bmcs=bmc_map.read(parsed.bmc_map) if parsed.bmc_map else {},
        resource_class_by_shape=parsed.resource_class_by_shape,
        shard_by_service_host=parsed.shard_by_service_host,
        owner=parsed.owner,
        node_arch=parsed.node_arch,
        architectures={h.host: h.cpu_arch for h in hosts if h.host and h.cpu_arch},
        capabilities={h.host: h.capabilities for h in hosts},
        deploy_kernel=parsed.deploy_kernel,
        deploy_ramdisk=parsed.deploy_ramdisk,
        deploy_interface=parsed.deploy_interface,
        free_deploy_interface=parsed.free_deploy_interface,
        boot_interface=parsed.boot_interface,
        network_interface=parsed.network_interface,
        interfaces=interfaces.chosen(parsed.interface),
        free_state=parsed.free_state,
        boot_mode=parsed.boot_mode,
        cipher_suite=parsed.ipmi_cipher_suite,
    )
    sound_options.require_sound(options)
    policy = classify.Policy(
        null_deleted=parsed.null_deleted,
        stale_states_free=parsed.stale_states_free,
        dhcp_provider=conf.dhcp_provider if conf else "neutron",
        boot_from_disk=parsed.instances_boot_from_disk,
        power_managers={h.host: h.power_manager for h in hosts if h.host},
        default_power_manager=(
            only.power_manager if only else row_faults.IPMI_POWER_MANAGER
        ),
        known_hosts=None if only else frozenset(h.host for h in hosts if h.host),
        service_hosts=frozenset(parsed.service_host),
        nodes=frozenset(parsed.node),
    )
    if conf:
        ironicconf.require_start(conf)
        wanted = interfaces.wanted(
            options, netboot=boots is not None and images is not None
        )
        ironicconf.require_enabled(conf, wanted)
    return work.Job(
        database.option_url(parsed.nova_bm_db, "--nova-bm-db"),
        database.option_url(parsed.ironic_db, "--ironic-db")
        if parsed.ironic_db
        else None,
        plan.Plan(options, policy, stamp()),
        conf.pin if conf else None,
        conf.heartbeat_timeout if conf else target.HEARTBEAT_TIMEOUT_S,
        boots,
    )


def heartbeat_timeout(parsed: argparse.Namespace) -> int:
    """After how many silent seconds a conductor is offline, as --ironic-config says.

    :raises UsageError: the file is no ironic.conf.
    """
    if parsed.ironic_config:
        return ironicconf.read(parsed.ironic_config).heartbeat_timeout
    return target.HEARTBEAT_TIMEOUT_S


def refuse_empty(parsed: argparse.Namespace) -> None:
    """Refuse '' as a value: what a shell makes of a variable that is not set.

    :raises UsageError: names the option.
    """
    for name, value in vars(parsed).items():
        values = value if isinstance(value, list) else [value]
        # What is changed is no option (see cmd.program).
        if name != "changed" and "" in values:
            raise exceptions.UsageError(
                f"--{name.replace('_', '-')}: expected a value, found an empty one (a "
                "shell variable that is not set?)"
            )


def _roots(names: list[str]) -> list[Path]:
    """The TFTP roots, each once.

    :raises UsageError: one is no directory, or cannot be read.
    """
    for name in names:
        if not (Path(name).is_dir() and os.access(name, os.R_OK | os.X_OK)):
            raise exceptions.UsageError(
                f"--tftp-root {name}: expected a directory that can be read"
            )
    return list(dict.fromkeys(Path(name).resolve() for name in names))


def stamp() -> dict[str, str]:
    """A new run's id and this tool's version."""
    version = metadata.version("ironic-sideways")
    return {"run_id": str(uuid.uuid4()), "tool": f"ironic-sideways {version}"}


def _require_class(name: str) -> None:
    """Nova makes CUSTOM_<NAME> of it.

    :raises UsageError: it cannot.
    """
    try:
        resource_class.normalise(name)
    except exceptions.UsageError as error:
        raise exceptions.UsageError(f"--resource-class: {error}") from error


def describe(options: choices.Options) -> dict:
    """The options as the record keeps them."""
    shown = {
        field.name: getattr(options, field.name)
        for field in dataclasses.fields(options)
        if field.name not in ("bmcs", "netboot", "vif_macs")
    }
    return {
        key: value for key, value in shown.items() if value not in (None, False, {})
    }


def output(parsed: argparse.Namespace) -> Path | None:
    """Where the record goes."""
    return Path(parsed.output) if parsed.output else None
