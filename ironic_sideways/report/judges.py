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

"""Upstream's own judges find nothing, after the window and after the operations.

What may be found all the same stands here with its reason: ``ALLOWED`` and ``LACKS``.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import documents, migration
from ironic_sideways.evidence.compare import Check, mismatch
from ironic_sideways.report.findings import Finding, in_one

Document = dict[str, Any]

#: Their evidence, and the phase whose log has all that the programs printed.
FIRST, AGAIN = "judges.json", "judges-again.json"
PHASE = {FIRST: "verify", AGAIN: "operate"}

IRONIC, NOVA = "ironic-status upgrade check", "nova-status upgrade check"
AUDIT, HEAL = "nova-manage placement audit", "nova-manage placement heal_allocations"

#: Exit codes by the worst that a check told (oslo_upgradecheck.upgradecheck.Code).
WORST = {"Success": 0, "Warning": 1, "Failure": 2}
#: What a program ends with where all is well: of an audit, no allocation is orphaned (3
#: if one is); of a dry run always "no allocations were created" (nova.cmd.manage).
CODES = {AUDIT: 0, HEAL: 4}
#: By program and check. It is a warning for instances of libvirt, and "can be ignored"
#: without them, as Nova says itself: a bare-metal one never has a machine type.
ALLOWED = {
    (NOVA, "hw_machine_type unset"): re.compile(
        r"Warning: Instances found without hw_machine_type set\. .*\.html"
    )
}
FINE = re.compile("Success|up-to-date")

#: What a node of the move must have and Ironic must call valid.
INTERFACES = {"boot", "deploy", "management", "network", "power", "storage"}
#: As Ironic words it (ironic.drivers.modules.deploy_utils, check_for_missing_params).
MISSING = re.compile(r".*?\b[Nn]ode (\S+) .*Missing are: \[(.*)\]", re.DOTALL)
IMAGE = "instance_info.image_source"
#: By what is on a node, what an interface may lack. A free node has no image, be it
#: moved or not. nova_bm does not know that of an instance that boots from its disk:
#: Ironic needs it for a deploy alone, and Nova writes it before each rebuild
#: (nova.virt.ironic.patcher). Of what Ironic deployed, and of what boots over the net
#: by the move's own settings, all is valid.
LACKS: dict[str, dict[str, set[str]]] = {
    "free": {kind: {IMAGE, "kernel", "ramdisk"} for kind in ("boot", "deploy")},
    "disk": {"deploy": {IMAGE}},
    "network": {},
    "deployed": {},
}
#: The operations by which Ironic itself deploys the node of a moved instance.
REBUILDS = {"rebuild", "net-booted rebuild"}


def each_program(
    document: Document, instances: Collection[str], file: str
) -> Iterator[Check]:
    """A program ended as it does where it finds nothing, and told nothing else.

    :param instances: those that were moved.
    """
    found = {one["name"]: one for one in document["programs"]}
    wrong = mismatch({IRONIC, NOVA, *CODES}, found.keys())
    yield Check("programs", not wrong, wrong)
    for name, one in found.items():
        words = [told["said"].partition(":")[0] for told in one["told"]]
        for told in one["told"]:
            may = (FINE, ALLOWED.get((name, told["of"]), FINE))
            ok = any(answer.fullmatch(told["said"]) for answer in may)
            yield Check(f"{name}: {told['of']}", ok, told["said"])
        code = CODES.get(name, max((WORST.get(word, 2) for word in words), default=-1))
        wanted = code if code >= 0 else "a table of checks"
        detail = f"{one['code']}, expected {wanted}; see phases/{PHASE[file]}.log"
        yield Check(f"{name}: exit code", one["code"] == code, detail)
        if name == HEAL:
            wrong = mismatch(instances, [told["of"] for told in one["told"]])
            yield Check(f"{name}: moved instances", not wrong, wrong)


def each_node(document: Document, kinds: dict[str, str]) -> Iterator[Check]:
    """Ironic calls valid what it calls valid of a node that it deployed itself.

    :param kinds: what is on each moved node, a key of ``LACKS``.
    """
    wrong = mismatch(kinds, [node["uuid"] for node in document["nodes"]])
    yield Check("moved nodes", not wrong, wrong)
    for node in document["nodes"]:
        found, kind = node["interfaces"], kinds.get(node["uuid"], "deployed")
        wrongs = [f"{name}: not told" for name in sorted(INTERFACES - found.keys())]
        for name, reason in found.items():
            if reason and not lacks(node["uuid"], reason, LACKS[kind].get(name, set())):
                wrongs.append(f"{name}: {reason}")
        detail = "; ".join(wrongs) or f"as one that is {WORDS[kind]}"
        yield Check(f"node {node['uuid']}", not wrongs, detail)


WORDS = {
    "free": "free",
    "disk": "moved and boots from its disk",
    "network": "moved and boots over the net",
    "deployed": "deployed by Ironic",
}


def lacks(node: str, reason: str, may: set[str]) -> bool:
    """Whether the reason why an interface is not valid is what this node may lack."""
    match = MISSING.fullmatch(reason)
    if match is None or match[1] != node:
        return False
    return {*re.findall(r"'([^']*)'", match[2])} <= may


def held(directory: Path, operations: list[Document]) -> dict[str, str]:
    """Each moved instance that these operations have left, with its node."""
    gone = {
        one["instance"] for one in operations if one["ok"] and one["name"] == "delete"
    }
    nodes = migration.nodes(directory / "migration.json")
    return {i: node for node, i in nodes.items() if i and i not in gone}


def on_nodes(directory: Path, operations: list[Document]) -> dict[str, str]:
    """What is on each moved node once these operations are done: a key of LACKS."""
    done = [one for one in operations if one["ok"]]
    rebuilt = {one["instance"] for one in done if one["name"] in REBUILDS}
    kept = held(directory, operations)
    found = {}
    for row in migration.rows(directory / "migration.json"):
        instance = row["instance_uuid"]
        kind = row["boot"] if instance in kept else "free"
        found[row["uuid"]] = "deployed" if instance in rebuilt & kept.keys() else kind
    new = (one["node"] for one in done if one["name"] == "new server")
    return found | dict.fromkeys(new, "deployed")


def same_checks(directory: Path) -> Iterator[Check]:
    """A program that is asked again makes the checks that it made then."""
    for name in (IRONIC, NOVA):
        before, now = (
            {
                told["of"]
                for one in documents.read(directory / file)["programs"]
                if one["name"] == name
                for told in one["told"]
            }
            for file in (FIRST, AGAIN)
        )
        wrong = mismatch(before, now)
        yield Check(f"{name}: checks", not wrong, wrong or f"{len(now)} again")


def _judged(
    directory: Path, file: str, operations: list[Document]
) -> tuple[list[Check], str]:
    document = documents.read(directory / file)
    kinds = on_nodes(directory, operations)
    programs = each_program(document, held(directory, operations), file)
    checks = [
        *in_one("programs", programs),
        *in_one("nodes", each_node(document, kinds)),
    ]
    return checks, f"{len(document['programs'])} programs, {len(kinds)} nodes validated"


def check_judges(directory: Path) -> Finding:
    """After the window."""
    checks, figure = _judged(directory, FIRST, [])
    return Finding("judges", checks, figure)


def check_again(directory: Path) -> Finding:
    """And after the operations, which leave nodes that Ironic has deployed."""
    checks, figure = _judged(
        directory, AGAIN, documents.read(directory / "operations.json")
    )
    checks += in_one("same checks", same_checks(directory))
    return Finding("judges-again", checks, figure)
