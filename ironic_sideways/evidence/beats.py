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

"""Waiting for a machine's heartbeat: the data plane's proof that it runs."""

from pathlib import Path
from typing import Any

from ironic_sideways import exceptions, waits
from ironic_sideways.evidence import heartbeat

#: What tells a machine's disks from others.
DISKS = ("root", "marker", "ephemeral")


def newest(path: Path, mac: str) -> heartbeat.Stream | None:
    """The newest stream of ``mac``; None when there is none."""
    return heartbeat.newest(path).get(mac)


def boot_ids(path: Path) -> dict[str, str]:
    """Each machine's newest boot id, by its MAC."""
    return {mac: stream.boot_id for mac, stream in heartbeat.newest(path).items()}


def wait_for_boot(path: Path, mac: str, other_than: str | None, timeout: float) -> str:
    """Wait for a heartbeat of ``mac`` with a boot id ``other_than`` this; return it.

    :param timeout: seconds.
    :raises WaitExpired: no such beat came.
    """
    found = waits.wait_for(
        lambda: newest(path, mac),
        lambda stream: stream is not None and stream.boot_id != other_than,
        f"a heartbeat of {mac} with a boot id other than {other_than}",
        timeout,
        interval=1,
        seen=lambda stream: f"boot id {stream.boot_id}" if stream else "no beat",
    )
    assert found is not None
    return found.boot_id


def wait_for_more(path: Path, mac: str, timeout: float) -> int:
    """Wait for one more heartbeat of ``mac`` under its boot id; return its sequence.

    :raises WaitExpired: it did not, or the machine rebooted.
    """
    first = newest(path, mac)

    def goes_on(stream: heartbeat.Stream | None) -> bool:
        return (
            first is not None
            and stream is not None
            and stream.boot_id == first.boot_id
            and stream.last_seq > first.last_seq
        )

    found = waits.wait_for(
        lambda: newest(path, mac),
        goes_on,
        f"the next heartbeat of {mac} after {first.last_seq if first else 'none'}",
        timeout,
        interval=1,
        seen=lambda s: f"boot id {s.boot_id}, sequence {s.last_seq}" if s else "none",
    )
    assert found is not None
    return found.last_seq


def disks_of(path: Path, server: dict[str, Any]) -> dict[str, str | None]:
    """Root file system and markers that the server's newest beats carry.

    :raises SidewaysError: a net-booted one's carry no root, or another one's do.
    """
    stream = newest(path, server["mac"])
    found = {name: getattr(stream, name, None) for name in DISKS}
    if bool(found["root"]) != (server["boot"] == "network"):
        raise exceptions.SidewaysError(
            f"server {server['uuid']} ({server['name']}), which boots from "
            f"{server['boot']}: its heartbeats report root file system {found['root']}"
        )
    return found
