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

"""What upstream's own tools say of the cloud: judges.json, judges-again.json.

None of them changes the cloud; ``ironic-status`` loads the hardware's interfaces as a
conductor does, and thus writes ``boot.ipxe``. What an exit code means is in nova.cmd's
``manage`` and oslo.upgradecheck's ``Code``; report/judges.py has what is expected.
"""

import dataclasses
import re
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from openstack.connection import Connection

from ironic_sideways import commands, exceptions, masking

#: Seconds for one of them; each imports all of its service first, on a busy machine.
TIMEOUT = 600

#: A thing and what a judge says of it.
Told = list[dict[str, str]]

#: As nova-manage words it (PlacementCommands, in nova.cmd.manage).
HEALTHY = re.compile(r"The allocation of instance (\S+) is up-to-date\.")
ABOUT_ONE = re.compile(r"(?:(\[dry-run\]).* i|I)nstance ([0-9a-f-]{36})\b")
ORPHANED = re.compile(r"Allocations for consumer UUID (\S+) on Resource Provider ")
#: Of an interface that a node is without (UnsupportedDriverExtension, in
#: ironic.common.exception).
UNSUPPORTED = "(disabled or not implemented)"


@dataclasses.dataclass(frozen=True)
class Program:
    """One of upstream's judges.

    :param service: whose configuration it reads: ``ironic`` or ``nova``.
    :param heard: what it tells in the lines that it prints.
    """

    words: tuple[str, ...]
    service: str
    heard: Callable[[list[str], Collection[str]], Told]

    @property
    def name(self) -> str:
        return " ".join(word for word in self.words if not word.startswith("-"))


def upgrade_checks(lines: list[str], moved: Collection[str]) -> Told:
    """Each check of a table of oslo.upgradecheck, as ``Warning: why``."""
    found: Told = []
    details = False
    for line in lines:
        if not line.startswith("|"):
            continue
        text = line.strip("| ")
        key, _, value = text.partition(": ")
        if key == "Check":
            found.append({"of": value, "said": ""})
            details = False
        elif found and key == "Result":
            found[-1]["said"] = value
        elif found and (details or key == "Details"):
            more = (text if details else value).strip()
            details = True
            if more != "None":
                joint = " " if ": " in found[-1]["said"] else ": "
                found[-1]["said"] += f"{joint}{more}"
    return found


def orphans(lines: list[str], moved: Collection[str]) -> Told:
    """Each allocation whose consumer is neither an instance nor a migration."""
    named = ((ORPHANED.match(line), line) for line in lines)
    return [{"of": match[1], "said": line} for match, line in named if match]


def allocations(lines: list[str], moved: Collection[str]) -> Told:
    """Each moved instance, and each other that has something to heal.

    The exit code of ``--dry-run`` tells nothing: it is 4 with and without that.
    """
    found: Told = []
    for line in lines:
        if healthy := HEALTHY.match(line):
            if healthy[1] in moved:
                found.append({"of": healthy[1], "said": "up-to-date"})
        elif (about := ABOUT_ONE.match(line)) and (about[1] or about[2] in moved):
            found.append({"of": about[2], "said": line})
    return found


PROGRAMS = (
    Program(("ironic-status", "upgrade", "check"), "ironic", upgrade_checks),
    Program(("nova-status", "upgrade", "check"), "nova", upgrade_checks),
    Program(("nova-manage", "placement", "audit", "--verbose"), "nova", orphans),
    Program(
        ("nova-manage", "placement", "heal_allocations", "--dry-run", "--verbose"),
        "nova",
        allocations,
    ),
)


def ask(
    program: Program, configuration: Path, moved: Collection[str]
) -> tuple[dict[str, Any], str]:
    """Run one judge: its record, and all that it printed, with no secret in it.

    :param moved: the instances that were moved.
    :raises SidewaysError: it is not there, or did not end.
    """
    binary, *words = program.words
    try:
        done = commands.run([binary, "--config-file", configuration, *words], TIMEOUT)
    except FileNotFoundError:
        raise exceptions.SidewaysError(
            f"{binary}: not found; expected it in PATH, as where {program.service}'s "
            "services run"
        ) from None
    told = program.heard(masking.mask(done.stdout).splitlines(), moved)
    record = {"name": program.name, "code": done.returncode, "told": told}
    return record, masking.mask(f"{done.stdout}{done.stderr}")


def node(cloud: Connection, uuid: str) -> dict[str, Any]:
    """What Ironic says of each interface of a node: why it is not valid, or nothing.

    As ``openstack baremetal node validate`` does, but for ``no-console`` and the like,
    which are never valid.
    """
    said = cloud.baremetal.validate_node(uuid, required=())
    interfaces = {
        kind: "" if one.result else masking.mask(one.reason or "not valid")
        for kind, one in said.items()
        if UNSUPPORTED not in (one.reason or "")
    }
    return {"uuid": uuid, "interfaces": interfaces}


def take(
    cloud: Connection,
    configurations: Mapping[str, Path],
    nodes: Mapping[str, str | None],
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Ask all of them.

    :param cloud: who sees all Ironic nodes.
    :param configurations: each service's, which holds its databases.
    :param nodes: the moved nodes' uuids, with their instances.
    :param tell: takes what each program printed.
    :raises SidewaysError: a program is not there, or did not end.
    """
    taken_at = time.time()
    moved = {instance for instance in nodes.values() if instance}
    programs = []
    for program in PROGRAMS:
        begin = time.monotonic()
        record, printed = ask(program, configurations[program.service], moved)
        record["seconds"] = round(time.monotonic() - begin, 3)
        programs.append(record)
        tell(f"{record['name']}: exit code {record['code']}\n{printed}")
    return {
        "taken_at": taken_at,
        "programs": programs,
        "nodes": [node(cloud, uuid) for uuid in sorted(nodes)],
    }
