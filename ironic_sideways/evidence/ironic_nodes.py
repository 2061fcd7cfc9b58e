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

"""Is each node in Ironic as its machine and its instance are?

Pure functions over two snapshots, as compare.py's.
"""

from collections.abc import Iterator

from ironic_sideways.evidence import compare
from ironic_sideways.evidence.compare import Document


def powers(snapshot: Document) -> dict[str, str]:
    """What Ironic must call each machine's power, by the node's uuid."""
    machines = snapshot.get("machines", [])
    return {machine["uuid"]: f"power {machine['power']}" for machine in machines}


def each_node(before: Document, after: Document) -> Iterator[compare.Check]:
    """Every node of before is in Ironic, with its instance's VIFs."""
    found = compare.by(after["ironic_nodes"], "uuid")
    servers = compare.by(before["servers"], "uuid")
    machines = compare.by(before.get("machines", []), "uuid")
    powered = powers(after)
    for uuid, instance in compare.nodes(before).items():
        name = f"ironic node {uuid}"
        if uuid not in found:
            yield compare.Check(name, False, "is not in Ironic")
            continue
        node = found[uuid]
        wrong = node_faults(node, servers[instance] if instance else None)
        wrong = wrong or machine_faults(node, machines.get(uuid))
        if not wrong and uuid in powered and node["power_state"] != powered[uuid]:
            wrong = f"power_state {node['power_state']!r}, but BMC: {powered[uuid]!r}"
        yield compare.Check(name, not wrong, wrong or node["provision_state"])
    for uuid in sorted(found.keys() - compare.nodes(before)):
        yield compare.Check(f"ironic node {uuid}", False, "was no node before")


#: What the migration writes of each node, and nothing in the window changes
#: (migrate/mapping.py).
AS_MOVED = {
    **{"protected": False, "retired": False, "fault": None},
    **{"console_enabled": False, "automated_clean": None, "target_power_state": None},
}


def node_faults(node: Document, server: Document | None) -> str:
    wanted: Document = {
        "instance_uuid": server["uuid"] if server else None,
        "provision_state": "active" if server else "available",
        "maintenance": False,
        "last_error": None,
    }
    # Not recorded by an earlier version.
    wanted |= {key: value for key, value in AS_MOVED.items() if key in node}
    wrong = compare.differences(wanted, node, tuple(wanted))
    return wrong or vif_faults(node, server)


def vif_faults(node: Document, server: Document | None) -> str:
    """How the VIFs of ``node`` are not its instance's; empty when they are.

    :param server: the instance; None: a free node, which holds none.
    """
    vifs = {port["vif"]: port["mac"] for port in node["ports"] if port["vif"]}
    expected = {p["id"]: p["mac"] for p in server["ports"]} if server else {}
    return f"VIFs (port: MAC): {expected} became {vifs}" if vifs != expected else ""


def machine_faults(node: Document, machine: Document | None) -> str:
    """What of Ironic's ``node`` is not its machine's; empty when nothing.

    A BMC or a MAC of another machine is seen by nobody until that one is
    switched off, or boots, in this one's place.
    """
    if machine is None:
        return ""
    known = machine.get("bmc")
    if known and node.get("bmc") != known:
        return f"BMC {node.get('bmc')}, its machine's: {known}"
    macs = sorted(port["mac"] for port in node["ports"])
    if macs != sorted(machine["macs"]):
        return f"MACs {macs}, its machine's: {sorted(machine['macs'])}"
    return ""


def each_binding(before: Document, after: Document) -> Iterator[compare.Check]:
    """The instance's ports are bound as Ironic binds those that it deploys."""
    now = compare.by(after["servers"], "uuid")
    # That an interface is the one it was moved with is judged elsewhere.
    bound = {
        node["uuid"]
        for node in after["ironic_nodes"]
        if node["network_interface"] != "noop"
    }
    right = 0
    for server in before["servers"]:
        node = server["node"]
        if server["uuid"] not in now or node not in bound:
            continue
        wanted = {port["id"]: [node, "baremetal"] for port in server["ports"]}
        found = now[server["uuid"]]["bindings"]
        right += found == wanted
        if found != wanted:
            name = f"port bindings of instance {server['uuid']}"
            yield compare.Check(name, False, f"expected {wanted}, found {found}")
    if right:
        yield compare.Check(
            "port bindings", True, f"of {right} instances to their nodes"
        )
