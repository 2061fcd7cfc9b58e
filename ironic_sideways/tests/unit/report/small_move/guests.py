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

"""What the guests of a small move sent: heartbeats and leases, boot by boot."""

from collections.abc import Iterable

from ironic_sideways.tests.unit.report.small_move import phases, small_cloud
from ironic_sideways.tests.unit.report.small_move.files import Document
from ironic_sideways.tests.unit.report.small_move.phases import OPERATED
from ironic_sideways.tests.unit.report.small_move.small_cloud import DISKS, mac


def beats(
    sequence: Iterable[int],
    number: int = 1,
    boot_id: str = "boot-1",
    first: float = phases.BEGIN - 5,
) -> list[Document]:
    """A beat a second of machine ``number``; the one of ``first`` has sequence 0."""
    return [
        {
            **{"time": first + seq, "mac": mac(number), "boot_id": boot_id},
            **{"ip": f"172.30.0.{number}", "seq": seq},
        }
        for seq in sequence
    ]


def lease(time: float, event: str = "old") -> Document:
    """An event of the running survivor's lease of two minutes."""
    return {
        **{"time": time, "event": event, "mac": mac(1), "ip": "172.30.0.1"},
        "expires": time + 120,
    }


#: The boots of the running survivor that operations end in, two from a disk that the
#: agent wrote, and the one of a new server on its node: when each began, in seconds
#: from OPERATED; a beat comes one and two seconds later.
AGAIN = "boot-25"

BOOTS = {
    **{
        f"boot-{n}": 5.0 + 1.75 * at
        for at, n in enumerate((2, *range(5, 12), *range(20, 25)))
    },
    **{"boot-3": 30.0, "boot-4": 34.0, AGAIN: 36.5},
}


def booted() -> list[Document]:
    """The heartbeats after OPERATED: the survivor's, and those of what was free."""
    last = [number for number, *_ in small_cloud.NODES.values()][-1]
    marked = {"image": "marked"}
    found = [
        {**beat, **({} if boot_id == AGAIN else marked if at >= 30.0 else DISKS)}
        for boot_id, at in BOOTS.items()
        for beat in beats((1, 2), 1, boot_id, OPERATED + at)
    ]
    return found + [
        beat
        for number in sorted({3, last})
        for beat in beats(range(1, 9), number, "boot-3", OPERATED + 30)
    ]


def switched_on() -> list[Document]:
    """The command before each of these boots, in order of time."""
    last = [number for number, *_ in small_cloud.NODES.values()][-1]
    of_one = [(at, 1) for at in BOOTS.values()]
    others = [(5.0, number) for number in {3, last}]
    on = [(at, number, "on") for at, number in (*of_one, *others)]
    soft = [(BOOTS[boot] - 0.5, 1, "soft") for boot in ("boot-20", "boot-21")]
    return [
        {"time": OPERATED + at, "domain": f"machine-{number}", "command": command}
        for at, number, command in sorted([*on, *soft])
    ]
