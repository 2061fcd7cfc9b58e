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

"""A member tries in the window what is forbidden then, and again after it.

Each call would change nothing where it can be made so: a name or a port's device is
set to what it is. The rest would: it is for test clouds only, and comes after
what has shown that the policy is in force.
"""

import dataclasses
from pathlib import Path
from typing import Any

from openstack.compute.v2.server import Server
from openstack.connection import Connection
from openstack.network.v2.port import Port

from ironic_sideways import exceptions, waits, whole_file
from ironic_sideways.cloud import undo_file

#: The first of Nova that has tags.
MICROVERSION = "2.26"
#: The first that has shares of servers; no cloud has a share of that id.
SHARES, NO_SHARE = "2.97", "00000000-0000-4000-8000-000000000000"
NAME = "ironic-sideways-probe"
#: What a refusal says, whoever refused: Nova's lock, Nova's or Neutron's policy.
REASONS = {409: "locked", 403: "policy"}


@dataclasses.dataclass(frozen=True)
class Call:
    """What a member may not do with an instance, or with a port of it.

    :param status: of the refusal, 409 for the lock and 403 for a policy.
    :param version: Nova's microversion.
    """

    name: str
    service: str
    method: str
    path: str
    body: dict[str, Any] | None = None
    status: int = 403
    version: str = MICROVERSION


def harmless(server: Server, port: Port) -> list[Call]:
    """One call for each service's policy, which changes nothing where it is let."""
    own, of_port = f"/servers/{server.id}", f"/ports/{port.id}"
    same = {"port": {"device_id": port.device_id}}
    return [
        Call("rename", "compute", "PUT", own, {"server": {"name": server.name}}),
        Call("port device_id", "network", "PUT", of_port, same),
    ]


def of_instance(server: Server) -> list[Call]:
    """All that its owner may not do with the locked instance, the worst last."""
    own, acts = f"/servers/{server.id}", f"/servers/{server.id}/action"
    backup = {"name": NAME, "backup_type": "daily", "rotation": 1}
    shares, share = f"{own}/shares", {"share": {"share_id": NO_SHARE}}
    return [
        Call("unlock", "compute", "POST", acts, {"unlock": None}),
        Call("tag", "compute", "PUT", f"{own}/tags/{NAME}"),
        Call("tags removed", "compute", "DELETE", f"{own}/tags"),
        Call("share attached", "compute", "POST", shares, share, version=SHARES),
        Call(
            *("share detached", "compute", "DELETE", f"{shares}/{NO_SHARE}"),
            version=SHARES,
        ),
        Call("createImage", "compute", "POST", acts, {"createImage": {"name": NAME}}),
        Call("createBackup", "compute", "POST", acts, {"createBackup": backup}),
        Call("reboot", "compute", "POST", acts, {"reboot": {"type": "HARD"}}, 409),
        Call("delete", "compute", "DELETE", own, None, 409),
    ]


def of_port(port: Port) -> list[Call]:
    """All that its owner may not do with a port of an instance, the worst last."""
    own = f"/ports/{port.id}"
    same: dict[str, Any] = {
        "mac_address": port.mac_address,
        "device_owner": port.device_owner,
        "fixed_ips": port.fixed_ips,
        "allowed_address_pairs": port.allowed_address_pairs or [],
        "binding:vnic_type": port.binding_vnic_type or "normal",
    }
    another = {"network_id": port.network_id, "device_id": port.device_id}
    return [
        *(
            Call(f"port {key}", "network", "PUT", own, {"port": {key: value}})
            for key, value in same.items()
        ),
        Call("port created", "network", "POST", "/ports", {"port": another}),
        Call("port deleted", "network", "DELETE", own),
    ]


def ask(member: Connection, call: Call) -> tuple[int, str]:
    """The status of the answer, and what it says."""
    versions = {"microversion": call.version} if call.service == "compute" else {}
    response = getattr(member, call.service).request(
        call.path, call.method, json=call.body, raise_exc=False, **versions
    )
    return response.status_code, response.text


def fault(member: Connection, call: Call) -> str:
    """Why the member was not refused as is meant; empty where they were."""
    status, words = ask(member, call)
    if status == call.status and REASONS[status] in words.lower():
        return ""
    what = f"{call.service}: a member's {call.name} ({call.method} {call.path})"
    if status < 300:
        return f"{what} was let through in the window"
    said = " ".join(words.split())[:200]
    return (
        f"{what}: expected {call.status} for the {REASONS[call.status]}, found {status}"
        f", another reason: {said}"
    )


def pairs(member: Connection, among: set[str] | None = None) -> list[Any]:
    """The member's instances, of ``among`` if it is given, each with its ports.

    :raises SidewaysError: there is none.
    """
    found = [
        (server, list(member.network.ports(device_id=server.id)))
        for server in member.compute.servers()
        if among is None or server.id in among
    ]
    if not any(ports for _, ports in found):
        raise exceptions.SidewaysError(
            "the member has no instance with a port to probe; name an account that has"
        )
    return found


def everything(member: Connection, locked: set[str], record: Path) -> int:
    """Let a member try all that is forbidden in the window; how many were refused.

    :param locked: the instances that the window holds: another one would really be
        changed and deleted.
    :param record: of the maintenance, which keeps what was refused.
    :raises SidewaysError: something was let through.
    """
    names: list[str] = []
    for server, ports in pairs(member, locked):
        first = [call for port in ports for call in harmless(server, port)]
        rest = [call for port in ports for call in of_port(port)]
        for call in (*first, *of_instance(server), *rest):
            wrong = fault(member, call)
            if wrong:
                raise exceptions.SidewaysError(wrong)
            names.append(call.name)
    keep(record, refused=sorted(set(names)))
    return len(names)


def await_policy(
    member: Connection, timeout: float, record: Path | None, permitted: bool = False
) -> int:
    """Wait until the policies of Nova and Neutron are in force, or no longer are.

    Both usually read their directories again at each request.

    :param timeout: seconds.
    :param record: of the maintenance, which keeps what is let again.
    :raises WaitExpired: they are not after that.
    """
    server, ports = next(pair for pair in pairs(member) if pair[1])
    calls = harmless(server, ports[0])

    def left() -> list[str]:
        if permitted:
            answers = {call.name: ask(member, call) for call in calls}
            return [f"{n}: {a}" for n, a in answers.items() if a[0] != 200]
        return [wrong for call in calls if (wrong := fault(member, call))]

    waits.wait_for(
        left,
        lambda wrong: not wrong,
        "Nova and Neutron to read their policy.d again: zz-maintenance.yaml is to be "
        f"{'gone from' if permitted else 'in'} it on each host",
        timeout,
        seen="; ".join,
    )
    if record:
        keep(record, permitted=sorted(call.name for call in calls))
    return len(calls)


def keep(record: Path, **seen: list[str]) -> None:
    """Add to the record of the maintenance what was ``seen``."""
    undo_file.write(record, {**whole_file.read_json(record), **seen}, mode=None)
