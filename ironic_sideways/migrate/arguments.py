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
import uuid
from importlib import metadata
from pathlib import Path

from oslo_config import cfg

from ironic_sideways import exceptions
from ironic_sideways.migrate import classify, mapping, novaconf, plan, work
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
        help="nova.conf of a base compute host, for cpu_arch and power_manager; "
        "repeatable, matched with service_host by its [DEFAULT] host",
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
        "--instances-boot-from-disk",
        action="store_true",
        help="instances with a pxe_config_path boot from their disk all the same "
        "(default: they are refused)",
    )


def add_target(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Options that say where to."""
    parser.add_argument(
        "--ironic-db",
        "-i",
        required=required,
        metavar="URL|@FILE|$ENV",
        help=f"the Ironic database: {URL_HELP}",
    )
    parser.add_argument(
        "--ironic-config",
        metavar="FILE",
        help="ironic.conf, for pin_release_version",
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
        help="project that sees the nodes: a project-scoped admin sees only those "
        "of its own project",
    )
    owner.add_argument("--no-owner", action="store_true", help="leave owner empty")
    parser.add_argument("--resource-class", default="baremetal", metavar="NAME")
    parser.add_argument("--deploy-kernel", metavar="ID", help="image id or URL")
    parser.add_argument("--deploy-ramdisk", metavar="ID", help="image id or URL")
    interfaces = ("direct", "ramdisk")
    parser.add_argument("--deploy-interface", choices=interfaces, default="direct")
    parser.add_argument(
        "--free-deploy-interface",
        choices=interfaces,
        help="of free nodes (default: as --deploy-interface). Take-over of an active "
        "node with 'ramdisk' needs kernel and ramdisk in instance_info",
    )
    parser.add_argument("--boot-interface", choices=("ipxe", "pxe"), default="ipxe")
    parser.add_argument(
        "--network-interface", choices=("flat", "neutron", "noop"), default="flat"
    )
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
    hosts = novaconf.read_all(parsed.nova_config)
    only = hosts[0] if len(hosts) == 1 and hosts[0].host is None else None
    if only:
        # One file that names no host speaks of every row.
        parsed.node_arch = only.cpu_arch or parsed.node_arch
    _refuse_resource_class(parsed.resource_class)
    options = mapping.Options(
        resource_class=parsed.resource_class,
        owner=parsed.owner,
        node_arch=parsed.node_arch,
        architectures={h.host: h.cpu_arch for h in hosts if h.host and h.cpu_arch},
        deploy_kernel=parsed.deploy_kernel,
        deploy_ramdisk=parsed.deploy_ramdisk,
        deploy_interface=parsed.deploy_interface,
        free_deploy_interface=parsed.free_deploy_interface,
        boot_interface=parsed.boot_interface,
        network_interface=parsed.network_interface,
        free_state=parsed.free_state,
        boot_mode=parsed.boot_mode,
        cipher_suite=parsed.ipmi_cipher_suite,
    )
    policy = classify.Policy(
        null_deleted=parsed.null_deleted,
        boot_from_disk=parsed.instances_boot_from_disk,
        power_managers={h.host: h.power_manager for h in hosts if h.host},
        default_power_manager=(
            only.power_manager if only else classify.IPMI_POWER_MANAGER
        ),
        known_hosts=frozenset(h.host for h in hosts if h.host),
        service_hosts=frozenset(parsed.service_host),
        nodes=frozenset(parsed.node),
    )
    return work.Job(
        database.resolve_url(parsed.nova_bm_db, "--nova-bm-db"),
        database.resolve_url(parsed.ironic_db, "--ironic-db")
        if parsed.ironic_db
        else None,
        plan.Plan(options, policy, stamp()),
        pin(parsed.ironic_config),
    )


def stamp() -> dict[str, str]:
    """A new run's id and this tool's version."""
    version = metadata.version("ironic-sideways")
    return {"run_id": str(uuid.uuid4()), "tool": f"ironic-sideways {version}"}


def pin(path: str | None) -> str | None:
    """``[DEFAULT] pin_release_version`` of an ironic.conf.

    :raises UsageError: the file cannot be read.
    """
    if path is None:
        return None
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.StrOpt("pin_release_version"))
    try:
        conf(args=[], project="ironic", default_config_files=[path])
    except cfg.Error as error:
        reason = " ".join(str(error).split())
        raise exceptions.UsageError(
            f"--ironic-config {path}: expected an ironic.conf: {reason}"
        ) from error
    return conf.pin_release_version


def _refuse_resource_class(name: str) -> None:
    """Nova makes CUSTOM_<NAME> of it, and a second CUSTOM_ would never match.

    :raises UsageError: a name that is empty, too long or already normalised.
    """
    if not 1 <= len(name) <= 80 or name.upper().startswith("CUSTOM_"):
        raise exceptions.UsageError(
            f"--resource-class {name!r}: expected Ironic's own spelling, such as "
            "'baremetal', which Nova turns into CUSTOM_BAREMETAL"
        )


def describe(options: mapping.Options) -> dict:
    """The options as the record keeps them."""
    shown = dataclasses.asdict(
        dataclasses.replace(options, architectures=dict(options.architectures))
    )
    return {key: value for key, value in shown.items() if value not in (None, {})}


def output(parsed: argparse.Namespace) -> Path | None:
    """Where the record goes."""
    return Path(parsed.output) if parsed.output else None
