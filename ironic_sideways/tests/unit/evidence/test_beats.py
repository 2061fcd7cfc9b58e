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

"""What a machine's newest heartbeats say."""

import json

import pytest

from ironic_sideways import exceptions
from ironic_sideways.evidence import beats

MAC = "52:54:00:00:00:01"


def record(path, *told):
    """Heartbeats of one machine: boot id, time, sequence number, and what more."""
    lines = [
        {"mac": MAC, "ip": "", "boot_id": boot, "time": time, "seq": seq, **more}
        for boot, time, seq, more in told
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_the_boot_that_was_heard_last_is_the_newest(tmp_path):
    path = record(
        tmp_path / "heartbeat.jsonl",
        ("boot-2", 5.0, 1, {}),
        ("boot-1", 1.0, 1, {}),
        ("boot-1", 2.0, 2, {}),
    )

    newest = beats.newest(path, MAC)
    assert newest is not None and newest.boot_id == "boot-2"
    assert beats.boot_ids(path) == {MAC: "boot-2"}
    assert beats.newest(path, "52:54:00:00:00:02") is None


def test_a_reboot_is_waited_for_until_it_is_another_one(tmp_path):
    path = record(tmp_path / "heartbeat.jsonl", ("boot-1", 1.0, 1, {}))

    assert beats.wait_for_boot(path, MAC, None, 0) == "boot-1"
    with pytest.raises(exceptions.WaitExpired, match="seen last: boot id boot-1"):
        beats.wait_for_boot(path, MAC, "boot-1", 0)


def test_a_machine_that_is_silent_does_not_go_on(tmp_path):
    path = record(tmp_path / "heartbeat.jsonl", ("boot-1", 1.0, 7, {}))

    with pytest.raises(exceptions.WaitExpired, match=r"after 7; .* sequence 7"):
        beats.wait_for_more(path, MAC, 0)


@pytest.mark.parametrize(
    ("boot", "more", "root"),
    [
        ("network", {"root": "uuid-1"}, "uuid-1"),
        ("disk", {}, None),
        ("network", {}, "refused"),
        ("disk", {"root": "uuid-1"}, "refused"),
    ],
)
def test_only_a_net_booted_server_tells_its_root_file_system(
    tmp_path, boot, more, root
):
    path = record(tmp_path / "heartbeat.jsonl", ("boot-1", 1.0, 1, more))
    server = {"uuid": "server-1", "name": "web", "mac": MAC, "boot": boot}

    if root == "refused":
        with pytest.raises(
            exceptions.SidewaysError, match=f"from {boot}: its heartbeats"
        ):
            beats.disks_of(path, server)
    else:
        assert beats.disks_of(path, server)["root"] == root
