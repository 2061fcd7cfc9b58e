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

"""A complete OpenStack control plane and its machines on this host, for trials.

Everything lies under one directory (--directory, else $IRONIC_SIDEWAYS_LAB, else
.lab) and one block of ports (--number). `up` makes it, `down` removes it and
leaves logs and evidence.
"""

import argparse
import functools
import os
import pwd
from collections.abc import Callable
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.cmd import option
from ironic_sideways.lab import layout as layouts
from ironic_sideways.lab import record

Act = Callable[[argparse.Namespace], str | int | None]

#: What ``show`` prints: of the lab's record, and what follows from it.
RECORDED = ("number", "nodes", "base_driver", "light")
DERIVED = (
    "allocation_pool",
    "bridge",
    "compute_services",
    "gateway",
    "guest_arguments",
    "http_boot_url",
    "libvirt_uri",
    "network",
)

HELP = "an OpenStack control plane on this host: up, down, status, logs, ..."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The lab's own subcommands."""
    common = argparse.ArgumentParser(add_help=False)
    add_directory(common)
    commands = parser.add_subparsers(dest="lab_command", required=True, metavar="WHAT")

    def command(name: str, act: Act, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text, parents=[common])
        added.set_defaults(run=functools.partial(run, act), changed="")
        return added

    _add_up(command("up", up, "make the lab, or start what is down in it"))
    command("down", down, "remove the lab; logs and evidence stay")
    command("status", status, "show every service; exit code 1 unless all is right")
    command("running", running, "exit code 0 while the lab's supervisor runs, else 1")
    text = "print what the lab was made as, or what follows from it"
    added = command("show", show, text)
    added.add_argument("name", choices=(*RECORDED, *DERIVED))
    added = command("logs", logs, "show the end of one service's log, or of all")
    added.add_argument("service", nargs="?", metavar="SERVICE")
    added = command("service", service, "start, stop or restart services")
    added.add_argument("action", choices=("start", "stop", "restart"))
    added.add_argument("names", metavar="NAME", nargs="+")
    for name, act, text in option.ACTIONS:
        text = f"{text} of a configuration file"
        added = command(f"{name}-option", functools.partial(_option, act), text)
        added.add_argument("configuration", metavar="CONFIG")
        option.add_option(added, name)
    text = "print @FILE that holds a database's URL"
    added = command("database-url", database_url, text)
    added.add_argument("name", metavar="DATABASE")
    added = command("service-log", service_log, "print the path of a service's log")
    added.add_argument("name", metavar="NAME")
    text = "write an image on a machine's disk, as a deploy does"
    added = command("write-disk", write_disk, text)
    added.add_argument("node", metavar="UUID", help="the machine's, which must be off")
    added.add_argument("image", type=Path, metavar="FILE")
    for name, default in (("root-mb", 0), ("swap-mb", 1), ("ephemeral-mb", 0)):
        added.add_argument(
            f"--{name}",
            type=int,
            default=default,
            metavar="MIB",
            help="partition of a root file system's disk (default: %(default)s)",
        )
    added.add_argument(
        "--preserve-ephemeral",
        action="store_true",
        help="leave what is on the ephemeral disk of these sizes",
    )
    text = "Ironic's configuration, user and catalogue entry"
    command("install-ironic", install_ironic, text)
    text = "Ironic's schema in its empty database"
    command("create-ironic-database", create_ironic_database, text)


def add_directory(parser: argparse.ArgumentParser) -> None:
    """``--directory``: which lab is meant."""
    parser.add_argument(
        "--directory",
        type=Path,
        default=record.default_directory(),
        metavar="DIR",
        help="the lab's directory (default: $IRONIC_SIDEWAYS_LAB, else .lab)",
    )


def _add_up(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--number", type=int, metavar="N", help="block of ports, 0 to 99 (default: 0)"
    )
    parser.add_argument(
        "--network",
        metavar="A.B",
        help="first two numbers of the lab's addresses, A.B.NUMBER.0/24 "
        "(default: 172.30)",
    )
    parser.add_argument(
        "--nodes", type=int, metavar="N", help="bare-metal machines (default: 8)"
    )
    parser.add_argument(
        "--light",
        action="store_true",
        help="machines of which BMC, DHCP and heartbeats alone are real: up to 1000 of "
        "them, that cannot be deployed by an agent or logged in to",
    )
    parser.add_argument(
        "--compute-hosts",
        type=int,
        metavar="N",
        help="base compute hosts, each with its nova-compute and its share of the "
        "machines (default: 1)",
    )
    parser.add_argument(
        "--base-driver",
        choices=record.BASE_DRIVERS,
        help="nova-compute's driver before the move (default: nova_bm)",
    )
    parser.add_argument(
        "--hardware-only",
        action="store_true",
        help="no control plane: the machines, their BMCs, DHCP and boot files alone, "
        "for a cloud that is not the lab's, such as DevStack's",
    )
    parser.add_argument(
        "--owner",
        metavar="USER",
        help="with --hardware-only: whose services use it (default: root)",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="databases, guest and deploy images, shared by labs "
        "(default: .cache beside the lab's directory)",
    )
    parser.add_argument(
        "--keep", action="store_true", help="leave a lab that failed to come up"
    )


def run(act: Act, arguments: argparse.Namespace) -> str | int | None:
    """Run one of the lab's subcommands."""
    arguments.directory = arguments.directory.absolute()
    # A proxy reaches the package registries, not this host's own services.
    others = os.environ.get("no_proxy")
    os.environ["no_proxy"] = f"127.0.0.1,{others}" if others else "127.0.0.1"
    # Of what lists Python's entry points; the user's home stays as it is.
    os.environ.setdefault("XDG_CACHE_HOME", str(arguments.directory.parent / ".cache"))
    return act(arguments)


def up(arguments: argparse.Namespace) -> None:
    from ironic_sideways.lab import lifecycle
    from ironic_sideways.lab.console import Steps

    present = record.find(arguments.directory)
    default = present or record.LabRecord.new(0, 8, "nova_bm")
    asked = record.LabRecord.new(
        number=default.number if arguments.number is None else arguments.number,
        nodes=default.nodes if arguments.nodes is None else arguments.nodes,
        base_driver=arguments.base_driver or default.base_driver,
        compute_hosts=arguments.compute_hosts or default.compute_hosts,
        hardware_only=arguments.hardware_only or default.hardware_only,
        owner=arguments.owner or default.owner,
        network=arguments.network or default.network,
        light=arguments.light or default.light,
    )
    try:
        pwd.getpwnam(asked.owner)
    except KeyError:
        raise exceptions.UsageError(
            f"--owner {asked.owner}: this host has no such user"
        ) from None
    most = layouts.MAX_LIGHT_NODES if asked.light else layouts.MAX_NODES
    if not 1 <= asked.nodes <= most:
        raise exceptions.UsageError(f"--nodes {asked.nodes}: expected 1 to {most}")
    if asked.nodes < asked.compute_hosts:
        raise exceptions.UsageError(
            f"--nodes {asked.nodes}: expected one for each of the "
            f"{asked.compute_hosts} compute hosts"
        )
    places = asked.layout(arguments.directory)
    cache = (arguments.cache or arguments.directory.parent / ".cache").absolute()
    steps = Steps()
    lifecycle.up(places, asked, cache, steps, arguments.keep)
    arguments.changed = "the lab is up"
    if asked.hardware_only:
        steps.say("the machines and their BMCs are there")
    else:
        steps.say(f"the lab is up; `. {places.directory}/openrc` to use it")


def down(arguments: argparse.Namespace) -> str | None:
    from ironic_sideways.lab import lifecycle
    from ironic_sideways.lab.console import Steps

    layout = lifecycle.layout_for_down(arguments.directory)
    if not layout.lock.is_file() and not layout.record.is_file():
        return f"{arguments.directory}: no lab here, nothing to do"
    lifecycle.down(layout, Steps())
    arguments.changed = "the lab is gone"
    return None


def status(arguments: argparse.Namespace) -> int:
    from ironic_sideways.lab import status
    from ironic_sideways.lab.console import Terminal

    layout, _ = record.open_lab(arguments.directory)
    return 0 if status.show(layout, Terminal()) else 1


def running(arguments: argparse.Namespace) -> int:
    from ironic_sideways.lab import supervision

    found = record.find(arguments.directory)
    if found is None:
        return 1
    layout = found.layout(arguments.directory)
    return 0 if supervision.Supervisor(layout).running() else 1


def show(arguments: argparse.Namespace) -> str:
    layout, lab_record = record.open_lab(arguments.directory)
    if arguments.name in RECORDED:
        return str(getattr(lab_record, arguments.name))
    if arguments.name == "compute_services":
        return "\n".join(layout.compute_services)
    if arguments.name == "libvirt_uri":
        from ironic_sideways.hardware import hypervisor

        return hypervisor.uri(layout.libvirt)
    if arguments.name == "guest_arguments":
        from ironic_sideways.hardware import guest

        return guest.KERNEL_ARGUMENTS
    return str(getattr(layout, arguments.name))


def logs(arguments: argparse.Namespace) -> None:
    from ironic_sideways.lab import files

    directory = arguments.directory / "logs"
    paths = sorted(directory.glob("*.log"))
    if arguments.service:
        paths = [path for path in paths if path.stem == arguments.service]
    if not paths:
        raise exceptions.UsageError(
            f"{directory}: no log of {arguments.service or 'any service'}"
        )
    for path in paths:
        if len(paths) > 1:
            print(f"==> {path} <==")
        print("\n".join(files.last_lines(path, 50)))


def service(arguments: argparse.Namespace) -> None:
    from ironic_sideways.lab import services

    layout, _ = record.open_lab(arguments.directory)
    getattr(services, arguments.action)(layout, arguments.names)


def _option(act: option.Act, arguments: argparse.Namespace) -> str | None:
    from ironic_sideways.lab import configuration

    layout, _ = record.open_lab(arguments.directory)
    return act(configuration.path_of(layout, arguments.configuration), arguments)


def database_url(arguments: argparse.Namespace) -> str:
    layout, _ = record.open_lab(arguments.directory)
    path = layout.database_url_file(arguments.name)
    if not path.exists():
        known = ", ".join(sorted(one.stem for one in path.parent.glob("*.url")))
        raise exceptions.UsageError(
            f"database {arguments.name!r}: expected one of {known}"
        )
    return f"@{path}"


def service_log(arguments: argparse.Namespace) -> str:
    from ironic_sideways.lab import services

    layout, _ = record.open_lab(arguments.directory)
    return str(services.log(layout, arguments.name))


def write_disk(arguments: argparse.Namespace) -> str:
    from ironic_sideways.hardware import disks
    from ironic_sideways.lab import bare_metal

    layout, _ = record.open_lab(arguments.directory)
    sizes = disks.Sizes(
        arguments.root_mb,
        arguments.swap_mb,
        arguments.ephemeral_mb,
        arguments.preserve_ephemeral,
    )
    uuid = bare_metal.write_disk(layout, arguments.node, arguments.image, sizes)
    arguments.changed = f"the disk of node {arguments.node} is written"
    # The base driver reads it: the root file system's UUID, or nothing.
    return uuid or ""


def install_ironic(arguments: argparse.Namespace) -> None:
    from ironic_sideways.lab import ironic

    ironic.install(*record.open_lab(arguments.directory))


def create_ironic_database(arguments: argparse.Namespace) -> str:
    from ironic_sideways.lab import ironic

    layout, _ = record.open_lab(arguments.directory)
    ironic.create_database(layout)
    arguments.changed = "ironic: schema created, no rows"
    return str(arguments.changed)
