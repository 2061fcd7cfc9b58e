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

"""Give the flavors of nova-baremetal Ironic's deploy images and resource class.

Each chosen flavor gets the ids of the new deploy kernel and ramdisk, asks for one
unit of CUSTOM_<CLASS>, and for none of VCPU, MEMORY_MB and DISK_GB. Images must be
active in glance. A second run changes nothing. Existing instances keep the flavor
that was embedded in them when they were made.
"""

import argparse
import functools
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from ironic_sideways import exceptions, flavors, resource_class
from ironic_sideways.cmd import cloud


def build_parser() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(
        prog=flavors.TOOL,
        description=__doc__,
        epilog=cloud.EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    cloud.add_option(parser)
    which = parser.add_argument_group(
        "which flavors (default: all that reference deploy images)"
    ).add_mutually_exclusive_group()
    which.add_argument(
        "--flavor", nargs="+", metavar="NAME", default=[], help="these, by name or id"
    )
    which.add_argument(
        "--old-kernel",
        nargs="+",
        metavar="ID",
        default=[],
        help="those that reference one of these old deploy images",
    )
    parser.add_argument(
        "--deploy-kernel",
        metavar="ID",
        help="the new deploy kernel's image, id or name",
    )
    parser.add_argument(
        "--deploy-ramdisk",
        metavar="ID",
        help="the new deploy ramdisk's image, id or name",
    )
    parser.add_argument(
        "--resource-class",
        metavar="NAME",
        help="the nodes' resource class in Ironic, such as baremetal",
    )
    parser.add_argument(
        "--undo-file",
        type=Path,
        metavar="FILE",
        help="write here old and new extra specs; expected unless --dry-run",
    )
    parser.add_argument(
        "--undo", type=Path, metavar="FILE", help="restore what this file recorded"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be done, change nothing"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = build_parser()
    parsed = parser.parse_args(arguments)
    target = (parsed.deploy_kernel, parsed.deploy_ramdisk, parsed.resource_class)
    if parsed.undo is None:
        if not all(target):
            parser.error(
                "expected --deploy-kernel, --deploy-ramdisk and --resource-class, "
                "or --undo FILE"
            )
        if not parsed.undo_file and not parsed.dry_run:
            parser.error("expected --undo-file FILE, or --dry-run")
    elif any((*target, parsed.flavor, parsed.old_kernel, parsed.undo_file)):
        parser.error("--undo takes the flavors and their extra specs from FILE")
    return cloud.run(parser.prog, functools.partial(run, parsed))


def run(parsed: argparse.Namespace) -> None:
    """Plan, and unless --dry-run make the change and read it again."""
    if parsed.undo:
        connection = cloud.connect(parsed.os_cloud)
        plan = functools.partial(flavors.plan_undo, parsed.undo)
        again = f"run --undo {parsed.undo} again"
    else:
        class_name = resource_class.normalise(parsed.resource_class)
        connection = cloud.connect(parsed.os_cloud)
        wanted = flavors.wanted_specs(
            flavors.active_image(connection, parsed.deploy_kernel),
            flavors.active_image(connection, parsed.deploy_ramdisk),
            class_name,
        )
        plan = functools.partial(plan_update, parsed, wanted)
        again = f"run it again, or --undo {parsed.undo_file}"
    nova = flavors.Nova(connection)
    changes = plan(nova.flavors())
    if not parsed.dry_run:
        if parsed.undo_file:
            flavors.record(parsed.undo_file, changes)
        flavors.apply(changes, nova.apply, again)
        if left := [change.flavor.name for change in plan(nova.flavors()) if change]:
            raise exceptions.FollowUpNeeded(
                f"flavor {', '.join(left)}: not as set when read again; {again}"
            )
    report(changes, parsed)


def plan_update(
    parsed: argparse.Namespace,
    wanted: dict[str, str],
    present: Sequence[flavors.Flavor],
) -> list[flavors.Change]:
    """What the chosen ones of the ``present`` flavors lack of ``wanted``."""
    images = (wanted[flavors.KERNEL_KEY], wanted[flavors.RAMDISK_KEY])
    chosen = flavors.choose(present, parsed.flavor, parsed.old_kernel, images)
    return flavors.plan(chosen, wanted)


def report(changes: Sequence[flavors.Change], parsed: argparse.Namespace) -> None:
    """One line for each flavor, and a closing figure."""
    would = "would be " if parsed.dry_run else ""
    for change in changes:
        words = [
            *(f"{key}={value}" for key, value in change.set.items()),
            *(f"{key} removed" for key in change.delete),
        ]
        outcome = (
            f"{would}changed: {', '.join(words)}" if change else "as wanted already"
        )
        print(f"flavor {json.dumps(change.flavor.name)}: {outcome}")
    changed = sum(map(bool, changes))
    verb = "restored" if parsed.undo else "updated"
    print(f"{changed}/{len(changes)} flavors {would}{verb}")


if __name__ == "__main__":
    sys.exit(main())
