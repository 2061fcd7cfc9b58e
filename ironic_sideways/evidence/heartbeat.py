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
boot's stream is a beat that the guest sent and was not recorded: it is lost.
"""

import dataclasses
import functools
import http
import http.server
import ipaddress
import itertools
import json
import os
import re
import socketserver
import threading
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.evidence import documents

#: What each beat tells, and what some do besides.
NEEDED = frozenset({"mac", "boot_id", "seq", "ip"})
OPTIONAL = frozenset({"root", "image", "marker", "ephemeral"})
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclasses.dataclass(frozen=True)
class Beat:
    """One recorded heartbeat.

    :param time: when the collector wrote it, seconds since the epoch.
    :param again: the number had been recorded before; its answer got lost.
    :param root: UUID of the root file system on the disk of a net-booted guest;
        None where it runs from its ramdisk.
    :param image: the mark of the image that the disk was written with; None where
        that image has none.
    :param marker: what the first boot from ``root`` wrote on it: another one is
        another deploy's.
    :param ephemeral: the same of the ephemeral disk; None where there is none.
    """

    time: float
    mac: str
    ip: str
    boot_id: str
    seq: int
    again: bool = False
    root: str | None = None
    image: str | None = None
    marker: str | None = None
    ephemeral: str | None = None


@dataclasses.dataclass(frozen=True)
class Stream:
    """The beats of one boot of one machine.

    :param ips: in the order in which they appeared, each once.
    :param missing: sequence numbers between the first and the last recorded
        that are not there.
    :param times: when each beat was recorded, in order; one that was sent again and
        again until it was acknowledged is late.
    """

    mac: str
    boot_id: str
    ips: tuple[str, ...]
    first_seq: int
    last_seq: int
    times: tuple[float, ...]
    missing: tuple[int, ...]
    root: str | None = None
    image: str | None = None
    marker: str | None = None
    ephemeral: str | None = None

    @property
    def first_time(self) -> float:
        return self.times[0]

    @property
    def last_time(self) -> float:
        return self.times[-1]

    @property
    def longest_silence(self) -> float:
        """Seconds between two recorded beats, at most."""
        pairs = itertools.pairwise(self.times)
        return max((later - earlier for earlier, later in pairs), default=0.0)


def parse(lines: Iterable[str]) -> list[Beat]:
    """The beats in these lines of heartbeat.jsonl.

    A line cut short by the end of a collector is passed over: its beat was not
    acknowledged, so the guest sent it again.
    """
    return [beat for beat in map(_parse_line, lines) if beat is not None]


# A verdict reads each seven times.
@functools.lru_cache(maxsize=2**14)
def _parse_line(line: str) -> Beat | None:
    try:
        return Beat(**json.loads(line))
    except (ValueError, TypeError):
        return None


def read(path: Path) -> list[Beat]:
    """The beats of heartbeat.jsonl.

    :raises SidewaysError: the file is missing: absent evidence is a failure.
    """
    return documents.once(path, _read)


def _read(path: Path) -> list[Beat]:
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return parse(stream)
    except FileNotFoundError as error:
        raise exceptions.SidewaysError(
            f"{path}: expected the collector's record, found no such file"
        ) from error


def between(beats: Iterable[Beat], start: float, end: float) -> list[Beat]:
    """The beats recorded from ``start`` to ``end``, both in seconds since the epoch."""
    return [beat for beat in beats if start <= beat.time <= end]


def streams(beats: Iterable[Beat]) -> list[Stream]:
    """The streams in these beats, by MAC and time of the first beat."""
    grouped: dict[tuple[str, str], list[Beat]] = defaultdict(list)
    for beat in beats:
        grouped[beat.mac, beat.boot_id].append(beat)
    found = [_stream(of_one_boot) for of_one_boot in grouped.values()]
    return sorted(found, key=lambda stream: (stream.mac, stream.first_time))


def read_streams(path: Path) -> list[Stream]:
    """The streams of heartbeat.jsonl.

    :raises SidewaysError: the file is missing.
    """
    return documents.once(path, _read_streams)


def _read_streams(path: Path) -> list[Stream]:
    return streams(read(path))


def _stream(beats: list[Beat]) -> Stream:
    numbers = {beat.seq for beat in beats}
    return Stream(
        mac=beats[0].mac,
        boot_id=beats[0].boot_id,
        ips=tuple(dict.fromkeys(beat.ip for beat in beats)),
        first_seq=min(numbers),
        last_seq=max(numbers),
        times=tuple(sorted(beat.time for beat in beats)),
        missing=tuple(
            number
            for number in range(min(numbers), max(numbers))
            if number not in numbers
        ),
        **{name: getattr(beats[-1], name) for name in sorted(OPTIONAL)},
    )


def newest(path: Path) -> dict[str, Stream]:
    """Each machine's stream that was heard last, by its MAC.

    :raises SidewaysError: heartbeat.jsonl is missing.
    """
    found = sorted(read_streams(path), key=lambda stream: stream.last_time)
    return {stream.mac: stream for stream in found}


def lost(found: Iterable[Stream]) -> int:
    """How many heartbeats were lost: missing numbers, and nothing else."""
    return sum(len(stream.missing) for stream in found)


def beat_from_query(query: str, moment: float) -> Beat:
    """The beat that a guest's query tells.

    :param query: as in ``mac=...&boot_id=...&seq=...&ip=...``, and maybe some of
        ``OPTIONAL``.
    :param moment: seconds since the epoch.
    :raises ValueError: a value is missing, double or malformed, or there are others.
    """
    pairs = urllib.parse.parse_qsl(query, strict_parsing=True, max_num_fields=8)
    values = dict(pairs)
    if len(pairs) != len(values) or set(values) - OPTIONAL != NEEDED:
        raise ValueError(
            "expected mac, boot_id, seq and ip, each once, and maybe "
            f"{', '.join(sorted(OPTIONAL))}"
        )
    if not re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", values["mac"].lower()):
        raise ValueError("mac: expected six hexadecimal pairs with colons")
    for name in ("boot_id", "root", "marker", "ephemeral"):
        if name in values and not re.fullmatch(UUID, values[name]):
            raise ValueError(f"{name}: expected a lower-case UUID")
    if not re.fullmatch(r"[0-9]{1,15}", values["seq"]):
        raise ValueError("seq: expected a number")
    if "image" in values and not re.fullmatch(r"[a-z0-9-]{1,32}", values["image"]):
        raise ValueError("image: expected a short name in lower case")
    return Beat(
        time=moment,
        mac=values["mac"].lower(),
        ip=str(ipaddress.IPv4Address(values["ip"])),
        boot_id=values["boot_id"],
        seq=int(values["seq"]),
        root=values.get("root"),
        image=values.get("image"),
        marker=values.get("marker"),
        ephemeral=values.get("ephemeral"),
    )


class Record:
    """heartbeat.jsonl as the collector appends to it; threads may share one.

    A record that exists is continued: beats in it stay known.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        # A boot's last number, for a guest goes on once one is acknowledged: all of
        # them, of a thousand guests and an hour, would take a gigabyte.
        self._last: dict[tuple[str, str], int] = {}
        for beat in read(path) if path.exists() else ():
            self._note(beat)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            # The last collector ended within a line: ours must not continue it.
            os.write(self._file, b"\n")

    def append(self, beat: Beat) -> None:
        """Write one beat as one line.

        :raises OSError: it was not written, or not whole.
        """
        with self._lock:
            again = beat.seq <= self._last.get((beat.mac, beat.boot_id), -1)
            fields = dataclasses.asdict(dataclasses.replace(beat, again=again))
            for name in ("again", *OPTIONAL):
                if not fields[name]:
                    del fields[name]
            line = json.dumps(fields).encode() + b"\n"
            if os.write(self._file, line) != len(line):
                os.write(self._file, b"\n")
                raise OSError("short write")
            self._note(beat)

    def _note(self, beat: Beat) -> None:
        boot = beat.mac, beat.boot_id
        self._last[boot] = max(beat.seq, self._last.get(boot, beat.seq))

    def close(self) -> None:
        """Close the file; append must not be called any more."""
        os.close(self._file)


class _Handler(http.server.BaseHTTPRequestHandler):
    """``/beat?...``: 200 once it is written; ``/``: 200, to see that one listens."""

    server: "Collector"
    #: Light guests keep a connection; a real one's wget asks for it to be closed.
    protocol_version = "HTTP/1.1"
    #: Seconds; a guest that was switched off in the middle must not hold a thread.
    timeout = 10

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/":
            self._answer(http.HTTPStatus.OK, "heartbeat collector")
        elif url.path != "/beat":
            self._answer(http.HTTPStatus.NOT_FOUND, "expected /beat")
        else:
            self._record(url.query)

    def _record(self, query: str) -> None:
        try:
            beat = beat_from_query(query, time.time())
        except ValueError as error:
            self._answer(http.HTTPStatus.BAD_REQUEST, str(error))
            return
        try:
            self.server.record.append(beat)
        except OSError as error:
            self.log_error("%s", f"not recorded: {error}")
            self._answer(http.HTTPStatus.INSUFFICIENT_STORAGE, "not recorded")
            return
        self._answer(http.HTTPStatus.OK, "recorded")

    def _answer(self, status: http.HTTPStatus, text: str) -> None:
        body = f"{text}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *arguments: Any) -> None:
        """Keep silent: the record says what came, the log what went wrong."""


class Collector(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """The collector; ``serve_forever`` runs it.

    :raises SidewaysError: it cannot listen there.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: str, port: int, record: Record) -> None:
        self.record = record
        try:
            super().__init__((address, port), _Handler)
        except OSError as error:
            raise exceptions.SidewaysError(
                f"heartbeat collector: cannot listen on {address}:{port}: "
                f"{error.strerror}; is the bridge up and the port free?"
            ) from error

    def server_bind(self) -> None:
        """Bind without HTTPServer's look-up of the address's name, which may hang."""
        socketserver.TCPServer.server_bind(self)
        self.server_name = str(self.server_address[0])
        self.server_port = self.server_address[1]
