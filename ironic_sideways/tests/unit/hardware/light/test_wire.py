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

"""Frames as the kernel takes them, and a line to a real collector."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironic_sideways.evidence import heartbeat
from ironic_sideways.hardware.light import wire

MAC = "52:54:00:07:00:01"
BOOT = "0a1b2c3d-0000-4000-8000-000000000001"


def query(number: int, mac: str = MAC) -> str:
    return f"mac={mac}&boot_id={BOOT}&seq={number}&ip=172.30.7.10"


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[heartbeat.Collector]:
    record = heartbeat.Record(tmp_path / "heartbeat.jsonl")
    made = heartbeat.Collector("127.0.0.1", 0, record)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()
    record.close()


def test_a_frame_is_a_broadcast_of_its_mac_with_a_right_checksum() -> None:
    frame = wire.wrap(MAC, b"message")
    head = frame[14:34]

    assert frame[:14] == b"\xff" * 6 + bytes.fromhex("525400070001") + b"\x08\x00"
    # The sum over a head with its checksum is 0 (RFC 1071).
    assert wire._checksum(head) == 0
    assert frame[34:42] == bytes.fromhex("0044 0043 000f 0000")
    assert frame[42:] == b"message"


def test_what_a_server_sends_to_a_client_is_unwrapped() -> None:
    frame = bytearray(wire.wrap(MAC, b"message"))
    assert wire.unwrap(bytes(frame)) is None
    frame[34:38] = bytes.fromhex("0043 0044")

    assert wire.unwrap(bytes(frame)) == b"message"
    assert wire.unwrap(bytes(frame[:36])) is None


def test_each_beat_of_many_is_acknowledged_by_itself(
    collector: heartbeat.Collector, tmp_path: Path
) -> None:
    line = wire.Line(f"127.0.0.1:{collector.server_port}")
    answers = line.ask([query(1), query(2, "nonsense"), query(3)])
    again = line.ask([query(4)])
    line.close()

    assert (answers, again) == ([True, False, True], [True])
    found = heartbeat.read(tmp_path / "heartbeat.jsonl")
    assert [beat.seq for beat in found] == [1, 3, 4]


def test_a_collector_that_hangs_up_is_called_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = wire.Line(f"127.0.0.1:{server.getsockname()[1]}")

        def one(answer: bytes) -> None:
            caller, _ = server.accept()
            caller.recv(1000)
            caller.sendall(answer)
            caller.close()

        head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
        for answer, expected in (
            (head + b"recorded\n", [True, False]),
            (head + b"rec", [False, False]),
            (b"", [False, False]),
        ):
            thread = threading.Thread(target=one, args=(answer,))
            thread.start()
            assert line.ask([query(1), query(2)]) == expected
            thread.join()


def test_nobody_hears_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    assert wire.Line(f"127.0.0.1:{port}").ask([query(1)]) == [False]
    assert wire.Line("nonsense").ask([query(1)]) == [False]
