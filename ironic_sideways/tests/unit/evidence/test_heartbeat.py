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

"""What the collector records, and what its record shows."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.evidence import heartbeat

MAC = "52:54:00:02:00:01"
BOOT = "cca46331-fdf6-4e8e-8a51-8a257f959730"
OTHER_BOOT = "437f08af-ee27-471f-b1a4-d8c94ca8c1aa"


def beat(
    seq: int,
    time: float = 0.0,
    mac: str = MAC,
    ip: str = "172.30.2.10",
    boot_id: str = BOOT,
) -> heartbeat.Beat:
    return heartbeat.Beat(time, mac, ip, boot_id, seq)


def test_an_unbroken_stream_has_lost_nothing() -> None:
    (stream,) = heartbeat.streams([beat(7, 10.0), beat(8, 11.0), beat(9, 14.5)])

    assert (stream.first_seq, stream.last_seq, stream.missing) == (7, 9, ())
    assert (stream.first_time, stream.last_time) == (10.0, 14.5)
    assert stream.longest_silence == 3.5
    assert heartbeat.lost([stream]) == 0


def test_a_missing_number_is_a_lost_heartbeat() -> None:
    found = heartbeat.streams([beat(1), beat(2), beat(5), beat(7)])

    assert found[0].missing == (3, 4, 6)
    assert heartbeat.lost(found) == 3


def test_a_number_that_came_twice_or_late_is_not_lost() -> None:
    found = heartbeat.streams([beat(1), beat(1), beat(3), beat(2)])

    assert heartbeat.lost(found) == 0


def test_silence_alone_loses_nothing() -> None:
    found = heartbeat.streams([beat(1, 0.0), beat(2, 600.0)])

    assert heartbeat.lost(found) == 0
    assert found[0].longest_silence == 600.0


def test_each_boot_of_each_machine_is_a_stream_in_order_of_time() -> None:
    found = heartbeat.streams(
        [
            beat(90, 5.0),
            beat(1, 7.0, boot_id=OTHER_BOOT),
            beat(1, 6.0, mac="52:54:00:02:00:00"),
            beat(91, 6.0),
        ]
    )

    assert [(one.mac[-1], one.boot_id) for one in found] == [
        ("0", BOOT),
        ("1", BOOT),
        ("1", OTHER_BOOT),
    ]
    assert heartbeat.lost(found) == 0


def test_every_address_of_a_stream_is_told_once_in_order() -> None:
    found = heartbeat.streams([beat(1), beat(2, ip="172.30.2.99"), beat(3)])

    assert found[0].ips == ("172.30.2.10", "172.30.2.99")


def test_a_window_has_the_beats_recorded_in_it() -> None:
    beats = [beat(number, float(number)) for number in range(1, 6)]

    assert heartbeat.between(beats, 2.0, 4.0) == beats[1:4]


def test_no_beats_are_no_streams() -> None:
    assert heartbeat.streams([]) == []


def test_a_line_cut_short_is_passed_over() -> None:
    line = json.dumps({"time": 1.0, "mac": MAC, "ip": "", "boot_id": BOOT, "seq": 4})

    assert [one.seq for one in heartbeat.parse([line, line[:40]])] == [4]
    assert heartbeat.parse([f"{line[:40]}\n", f"{line}\n", "17\n"])[0].seq == 4


def test_a_missing_record_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(exceptions.SidewaysError, match="no such file"):
        heartbeat.read(tmp_path / "heartbeat.jsonl")


class Collector:
    """A collector on a free port, with its record."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = heartbeat.Record(path)
        self.server = heartbeat.Collector("127.0.0.1", 0, self.record)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def get(self, path: str) -> int:
        url = f"http://127.0.0.1:{self.server.server_port}{path}"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        self.record.close()


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    made = Collector(tmp_path / "heartbeat.jsonl")
    yield made
    made.stop()


def query(seq: int | str, mac: str = MAC) -> str:
    return f"/beat?mac={mac}&boot_id={BOOT}&seq={seq}&ip=172.30.2.10"


def test_an_acknowledged_beat_stands_in_the_record(collector: Collector) -> None:
    assert collector.get(query(1)) == 200

    (line,) = collector.path.read_text().splitlines()
    written = json.loads(line)
    assert written.pop("time") > 0
    assert written == {"mac": MAC, "ip": "172.30.2.10", "boot_id": BOOT, "seq": 1}


def test_a_net_booted_guests_beats_carry_its_root_file_system(
    collector: Collector,
) -> None:
    collector.get(f"{query(1)}&root={BOOT}")

    beats = heartbeat.read(collector.path)
    assert [stream.root for stream in heartbeat.streams(beats)] == [BOOT]


def test_t10_beats_tell_what_the_first_boot_wrote_on_root_and_ephemeral_disk(
    collector: Collector,
) -> None:
    other = BOOT[::-1].replace("-", "")
    other = f"{other[:8]}-{other[8:12]}-{other[12:16]}-{other[16:20]}-{other[20:]}"
    disks = f"&root={BOOT}&marker={BOOT}&ephemeral={other}"
    assert collector.get(f"{query(1)}{disks}&image=guest") == 200
    assert collector.get(f"{query(2)}&marker=1") == 400

    (stream,) = heartbeat.streams(heartbeat.read(collector.path))
    assert (stream.marker, stream.ephemeral) == (BOOT, other)


def test_beats_carry_the_mark_of_the_image_that_the_disk_was_written_with(
    collector: Collector,
) -> None:
    collector.get(f"{query(1)}&image=written-by-the-agent")

    beats = heartbeat.read(collector.path)
    assert [s.image for s in heartbeat.streams(beats)] == ["written-by-the-agent"]


def test_a_beat_sent_again_is_marked_so(collector: Collector) -> None:
    for number in (1, 1, 2):
        collector.get(query(number))

    found = heartbeat.read(collector.path)
    assert [(one.seq, one.again) for one in found] == [
        (1, False),
        (1, True),
        (2, False),
    ]


def test_a_mac_is_the_same_in_either_case(collector: Collector) -> None:
    collector.get(query(1, mac=MAC.upper()))

    assert heartbeat.read(collector.path)[0].mac == MAC


@pytest.mark.parametrize(
    "path",
    [
        "/beat",
        "/beat?",
        f"/beat?mac={MAC}",
        query("x"),
        f"{query(1)}&root=/dev/vda",
        f"{query(1)}&image=../x",
        query("-1"),
        query(""),
        query("9" * 40),
        query(1, mac="nonsense"),
        query(1) + "&seq=2",
        query(1) + "&extra=1",
        query(1).replace("172.30.2.10", "%0a"),
        query(1).replace(BOOT, "..%2f"),
    ],
)
def test_a_malformed_beat_is_refused_and_not_recorded(
    collector: Collector, path: str
) -> None:
    assert collector.get(path) == 400
    assert collector.path.read_text() == ""


def test_the_root_answers_and_another_path_does_not(collector: Collector) -> None:
    assert collector.get("/") == 200
    assert collector.get("/other") == 404


def test_what_was_not_written_is_not_acknowledged(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(collector.record, "_file", full.fileno())
        assert collector.get(query(1)) == 507
        monkeypatch.undo()

    collector.get(query(1))
    (found,) = heartbeat.read(collector.path)
    assert found.again is False


def test_machines_that_beat_at_once_get_a_line_each(collector: Collector) -> None:
    macs = [f"52:54:00:02:00:{number:02x}" for number in range(16)]
    threads = [
        threading.Thread(target=collector.get, args=(query(number, mac),))
        for mac in macs
        for number in (1, 2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = heartbeat.streams(heartbeat.read(collector.path))
    assert [one.mac for one in found] == macs
    assert heartbeat.lost(found) == 0
    assert all((one.first_seq, one.last_seq) == (1, 2) for one in found)


def test_a_new_collector_continues_a_record_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat.jsonl"
    first = Collector(path)
    first.get(query(1))
    first.stop()
    with path.open("a") as stream:
        stream.write('{"time": 17')

    second = Collector(path)
    second.get(query(1))
    second.get(query(2))
    second.stop()

    found = heartbeat.read(path)
    assert [(one.seq, one.again) for one in found] == [
        (1, False),
        (1, True),
        (2, False),
    ]


def test_a_port_in_use_is_told(collector: Collector) -> None:
    with pytest.raises(exceptions.SidewaysError, match="cannot listen on 127"):
        heartbeat.Collector("127.0.0.1", collector.server.server_port, collector.record)
