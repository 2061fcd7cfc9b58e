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

"""What Ironic's agent did, judged from its nodes' states and their heartbeats."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import events, heartbeat
from ironic_sideways.evidence.compare import Check

#: Of a base with survivors: what must have been deployed by the agent.
DEPLOYED = ("rebuild", "net-booted rebuild")
#: What the phase ``deploys`` adds, in its order, the last two at the same time.
CLEANED = "cleaning"
AFTER_CLEANING = "deploy after cleaning"
BESIDE = "direct deploy"
ADDED = (CLEANED, AFTER_CLEANING, BESIDE)
PHASE = "deploys"

#: Seconds: what is told is rounded.
TICK = 1.0

INTERFACE = "direct"
#: Ironic waits for the agent (ironic.common.states); the agent does the step.
WAITED = {"deploy": "wait call-back", "clean": "clean wait"}
LAST = {"deploy": "active", "clean": "available"}
STEP = {"deploy": "write_image", "clean": "erase_devices_metadata"}


def check(directory: Path, found: list[dict[str, Any]]) -> Iterator[Check]:
    """One check for each act of the agent; a missing act is a failure.

    :param found: operations.json, of a base with survivors.
    """
    by_name = {operation["name"]: operation for operation in found}
    streams = heartbeat.read_streams(directory / "heartbeat.jsonl")
    more = ADDED if was_begun(directory) else ()
    for name in (*DEPLOYED, *more):
        operation = by_name.get(name)
        if operation is None:
            yield Check(f"agent, {name}", False, "was never done")
        elif operation["ok"]:
            kind = "clean" if name == CLEANED else "deploy"
            wrong = fault(operation.get(kind), kind, streams)
            yield Check(f"agent, {name}", not wrong, wrong or told(operation[kind]))
    if more and all(name in by_name for name in more):
        yield at_once(by_name[AFTER_CLEANING], by_name[BESIDE])
        yield same_node(by_name[CLEANED], by_name[AFTER_CLEANING])


def was_begun(directory: Path) -> bool:
    """Whether the run was told to clean and deploy again."""
    return any(
        event.get("kind") == "phase" and event.get("name") == PHASE
        for event in events.read(directory / "events.jsonl")
    )


def fault(
    record: dict[str, Any] | None, kind: str, streams: list[heartbeat.Stream]
) -> str:
    """Why ``record`` does not prove that the agent did it; empty when it does.

    :param kind: "deploy" or "clean".
    """
    if record is None:
        return "no record of its node's states"
    states = [change["state"] for change in record["changes"]]
    steps = {change["step"] for change in record["changes"]}
    if record["interface"] != INTERFACE:
        return f"deploy interface {record['interface']}, expected {INTERFACE}"
    if WAITED[kind] not in states or states[-1] != LAST[kind]:
        return f"node {record['node']} was {', '.join(states)}"
    if not record["agent"]:
        return f"node {record['node']}: no agent sent a heartbeat"
    if STEP[kind] not in steps:
        return f"node {record['node']}: the agent's step {STEP[kind]} was not seen"
    return written(record, streams) if kind == "deploy" else ""


def written(record: dict[str, Any], streams: list[heartbeat.Stream]) -> str:
    """Why the guest's own beats contradict the deploy; empty when they do not."""
    mac, boot_id = record["mac"], record["boot_id"]
    stream = next((s for s in streams if (s.mac, s.boot_id) == (mac, boot_id)), None)
    if stream is None or stream.first_time < record["begin"]:
        return f"no heartbeat of {mac} under boot id {boot_id} since"
    came, told_of = stream.first_time - record["begin"], record.get("beating")
    if told_of is not None and abs(came - told_of) > TICK:
        return f"the first heartbeat of {mac} came after {came:.1f} s, not {told_of:g}"
    if not stream.image or stream.image != record["image"]:
        return (
            f"heartbeats of {mac} name image {stream.image}, expected {record['image']}"
        )
    if stream.ips != (record["fixed_ip"],) or record["answered"] != "refused":
        return (
            f"heartbeats of {mac} came from {', '.join(stream.ips)}; its fixed IP is "
            f"{record['fixed_ip']}, which answered: {record['answered']}"
        )
    return ""


def told(record: dict[str, Any]) -> str:
    """A record that is in order, in short."""
    agent = record["agent"]
    beating = record.get("beating")
    return (
        f"node {record['node']}: agent {agent['version']} seen after "
        f"{agent['after']:g} s, {record['changes'][-1]['state']} after "
        f"{record['changes'][-1]['after']:g} s"
        + (f", heartbeat after {beating:g} s" if beating is not None else "")
    )


def span(record: dict[str, Any] | None) -> tuple[float, float]:
    """Begin and end of the agent's deploy; an empty span without a record."""
    if record is None:
        return float("inf"), float("-inf")
    waits = [c for c in record["changes"] if c["state"] == WAITED["deploy"]]
    if not waits:
        return float("inf"), float("-inf")
    begin = record["begin"]
    return begin + waits[0]["after"], begin + record["changes"][-1]["after"]


def at_once(one: dict[str, Any], other: dict[str, Any]) -> Check:
    """Both nodes were in a deploy by the agent at the same time."""
    times = [span(operation.get("deploy")) for operation in (one, other)]
    begin, end = max(t[0] for t in times), min(t[1] for t in times)
    detail = f"{end - begin:.0f} s overlap"
    return Check("two deploys at once", end > begin, detail)


def same_node(cleaned: dict[str, Any], again: dict[str, Any]) -> Check:
    """The node that was cleaned is the one that was then deployed."""
    first = cleaned.get("clean", {}).get("node")
    second = again.get("deploy", {}).get("node")
    same = first is not None and first == second
    detail = f"cleaned {first}, deployed {second}"
    return Check("cleaned node deployed again", same, detail)
