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

"""Flavors and the shapes of nodes, judged from what each of them was and did."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways import resource_class
from ironic_sideways.evidence import compare, documents
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import checks
from ironic_sideways.report.findings import Finding

Document = dict[str, Any]
Shape = tuple[int, int, int]

FILE = "exact-match.json"

#: What the scheduler says of a flavor that no node fits (nova.exception.NoValidHost).
NO_HOST = "No valid host was found"


def shape(node: Document) -> Shape:
    return node["cpus"], node["memory_mb"], node["local_gb"]


def wanted(flavor: Document) -> Shape:
    return flavor["vcpus"], flavor["ram"], flavor["disk"]


def each_node(document: Document, known: set[str]) -> Iterator[Check]:
    """Every node of before has the class of its own shape, and there are several."""
    nodes = compare.by(document["nodes"], "uuid")
    yield checks.whole(known, set(nodes))
    for uuid, node in nodes.items():
        named = resource_class.by_shape(
            document["resource_class"], node["cpu_arch"], *shape(node)
        )
        found = node["resource_class"]
        detail = found if found == named else f"{found}, its shape: {named}"
        yield Check(f"class of {uuid}", found == named, detail)
    shapes = {shape(node) for node in nodes.values()}
    detail = f"{len(shapes)} shapes, at least two are needed"
    yield Check("nodes of several shapes", len(shapes) > 1, detail)


def landing(flavor: Document, document: Document) -> Check:
    """A server of ``flavor`` is on a node of exactly its shape."""
    name = f"{flavor['name']} lands on its shape"
    nodes = compare.by(document["nodes"], "uuid")
    landed = [
        check["landed"]["node"]
        for check in document["checks"]
        if check["ok"] and check.get("landed", {}).get("flavor") == flavor["name"]
    ]
    if not landed:
        return Check(name, False, "no server landed")
    for uuid in landed:
        node = nodes.get(uuid)
        if node is None:
            return Check(name, False, f"is on {uuid}, which was not a node before")
        asked = resource_class.normalise(node["resource_class"])
        if shape(node) != wanted(flavor) or asked != flavor["class"]:
            return Check(
                name,
                False,
                f"wants {wanted(flavor)} of {flavor['class']}, is on node {uuid} with "
                f"{shape(node)} of {node['resource_class']}",
            )
    return Check(name, True, f"on {', '.join(landed)}")


def refusal(name: str, refused: list[Document], of: Shape | None, nodes: Any) -> Check:
    """No node was given to a server, though nodes of other shapes were free.

    :param of: the flavor's shape; None: no node has it.
    """
    check = f"{name} finds no host"
    if not refused:
        return Check(check, False, "was never tried")
    for one in refused:
        if NO_HOST not in one["fault"]:
            return Check(check, False, f"the scheduler said: {one['fault']}")
        if not one["free"]:
            return Check(check, False, "no node was free: nothing to prove")
        same = [u for u in one["free"] if u in nodes and shape(nodes[u]) == of]
        if same:
            return Check(
                check, False, f"a node of its shape was free: {', '.join(same)}"
            )
    return Check(check, True, f"{len(refused[0]['free'])} nodes of other shapes free")


def classes(document: Document) -> list[str]:
    """The resource classes that there are, for the page."""
    return sorted({node["resource_class"] for node in document["nodes"]})


def check_exact_match(directory: Path) -> Finding:
    """Each flavor lands on a node of exactly its shape, or nowhere.

    :raises EvidenceAbsent: before.json or exact-match.json is.
    """
    document = documents.read(directory / FILE)
    known = set(compare.nodes(documents.read(directory / "before.json")))
    nodes = compare.by(document["nodes"], "uuid")
    flavors = compare.by(document["flavors"], "name")
    found = [*each_node(document, known)]
    several = len(flavors) > 1
    found.append(Check("flavors of several shapes", several, ", ".join(flavors)))
    found += [landing(flavor, document) for flavor in flavors.values()]
    refused: dict[str, list[Document]] = {}
    for done in document["checks"]:
        if done["ok"] and "refused" in done:
            refused.setdefault(done["refused"]["flavor"], []).append(done["refused"])
    for name, flavor in flavors.items():
        found.append(refusal(name, refused.pop(name, []), wanted(flavor), nodes))
    others = [one for tried in refused.values() for one in tried]
    found.append(refusal("a shape that no node has", others, None, nodes))
    found += [
        Check(done["name"], False, done["detail"])
        for done in document["checks"]
        if not done["ok"]
    ]
    figure = f"{len(flavors)} flavors, {len({shape(n) for n in nodes.values()})} shapes"
    return Finding("exact-match", found, figure)
