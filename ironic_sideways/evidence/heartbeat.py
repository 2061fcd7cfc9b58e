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

"""Heartbeats of the machines: the collector, and what its record shows.

A guest sends the same sequence number until it is acknowledged, and the
collector acknowledges what it has written. So a number that is missing from a
boot's stream is a beat that the guest sent and nobody kept: it is lost.
"""

import dataclasses
from collections.abc import Iterable
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class Beat:
    """One recorded heartbeat.

    :param time: when the collector wrote it, seconds since the epoch.
    :param again: the number had been recorded before; its answer got lost.
    """

    time: float
    mac: str
    ip: str
    boot_id: str
    seq: int
    again: bool = False


@dataclasses.dataclass(frozen=True)
class Stream:
    """The beats of one boot of one machine.

    :param missing: sequence numbers between the first and the last recorded
        that are not there.
    :param longest_silence: seconds between two recorded beats, at most.
    """

    mac: str
    boot_id: str
    ips: tuple[str, ...]
    first_seq: int
    last_seq: int
    first_time: float
    last_time: float
    missing: tuple[int, ...]
    longest_silence: float


def parse(lines: Iterable[str]) -> list[Beat]:
    """The beats in these lines of heartbeat.jsonl.

    A line cut short by the end of a collector is passed over: its beat was not
    acknowledged, so the guest sent it again.
    """
    raise NotImplementedError


def read(path: Path) -> list[Beat]:
    """The beats of heartbeat.jsonl.

    :raises SidewaysError: the file is missing: absent evidence is a failure.
    """
    raise NotImplementedError


def between(beats: Iterable[Beat], start: float, end: float) -> list[Beat]:
    """The beats recorded from ``start`` to ``end``, both in seconds since the epoch."""
    return [beat for beat in beats if start <= beat.time <= end]


def streams(beats: Iterable[Beat]) -> list[Stream]:
    """The streams in these beats, by MAC and time of the first beat."""
    raise NotImplementedError


def lost(found: Iterable[Stream]) -> int:
    """How many heartbeats were lost: missing numbers, and nothing else."""
    return sum(len(stream.missing) for stream in found)
