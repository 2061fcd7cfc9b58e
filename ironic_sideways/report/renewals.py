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

"""Survivors' leases: each is renewed once Neutron's DHCP serves what Ironic told it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.evidence import documents, leases
from ironic_sideways.evidence.compare import Check
from ironic_sideways.report import beats, window
from ironic_sideways.report.findings import Finding, clock, in_one


def running_ports(directory: Path) -> list[dict[str, Any]]:
    """The ports of the instances that ran before."""
    return [
        port
        for server in documents.read(directory / "before.json")["servers"]
        for port in (server["ports"] if server["status"] == "ACTIVE" else ())
    ]


def served_since(directory: Path) -> float:
    """When Neutron's DHCP served what Ironic told it: the end of ``dhcp-options``.

    A renewal before proves the old cloud's DHCP alone.

    :raises EvidenceAbsent: that phase never ended well.
    """
    path = directory / "events.jsonl"
    event = window.phases(directory).get("dhcp-options")
    if event is None or event["result"] != "ok":
        raise exceptions.EvidenceAbsent(path, "phase dhcp-options never ended well")
    return float(event["time"])


def without_renewal(directory: Path, end: float) -> dict[str, str]:
    """Survivors that ran and did not renew their lease: MAC -> why.

    :param end: seconds since the epoch; counted is from when Ironic's DHCP serves.
    """
    ports = running_ports(directory)
    if not ports:
        return {}
    begin = served_since(directory)
    found = leases.read(directory / "leases.jsonl")
    wrong = {}
    for port in ports:
        ip = leases.renewed(found, port["mac"], begin, end)
        if ip not in port["fixed_ips"]:
            since = f"renewed {ip} since {clock(begin)} UTC"
            wrong[port["mac"]] = f"{since}, fixed IPs {port['fixed_ips']}"
    return wrong


def lapsed(mine: list[leases.Lease], begin: float, end: float) -> str:
    """Why a lease did not hold between two moments; empty when it did.

    :param mine: what was given to one MAC, in order of time.
    """
    expires = max((one.expires for one in mine if one.time <= begin), default=0.0)
    if expires < begin:
        return "it had none when maintenance began"
    for one in mine:
        if one.time <= expires:
            expires = max(expires, one.expires)
    return "" if expires >= end else f"it ran out at {clock(expires)} UTC"


def held(directory: Path, moments: window.Bounds) -> Iterator[Check]:
    """Each running survivor had its lease without a break, until it was operated on."""
    if not (ports := running_ports(directory)):
        return
    until = beats.own_operations(directory, moments)
    machines = documents.read(directory / "before.json")["machines"]
    names = {mac: machine["name"] for machine in machines for mac in machine["macs"]}
    found = leases.read(directory / "leases.jsonl")
    for port in ports:
        mac, ips = port["mac"], port["fixed_ips"]
        mine = [one for one in found if one.mac == mac and one.ip in ips]
        given = [one for one in mine if one.event in ("add", "old")]
        wrong = lapsed(given, moments.begin, until(names[mac]))
        yield Check(f"lease of {mac} without a break", not wrong, wrong)


def check_leases(directory: Path) -> Finding:
    """Every running survivor renewed its fixed IP before it was operated on."""
    moments = window.bounds(directory)
    wrong = without_renewal(directory, moments.operated)
    # The run waits for renewals once maintenance has ended.
    checks = [
        Check(f"lease of {mac}", False, why, absent=not moments.ended)
        for mac, why in wrong.items()
    ]
    number = len(running_ports(directory))
    figure = f"{number - len(wrong)} of {number} running survivors renewed their lease"
    checks.insert(0, Check("leases.jsonl", True, figure))
    checks += in_one("leases without a break", held(directory, moments))
    return Finding("leases", checks, figure, nothing=not number)
