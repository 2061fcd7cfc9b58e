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

"""A snapshot of some compute hosts holds what is theirs, and nothing else."""

from ironic_sideways.evidence import snapshot

WHOLE = {
    "taken_at": 1.0,
    "base_driver": "nova_bm",
    "servers": [{"uuid": "a", "host": "one"}, {"uuid": "b", "host": "two"}],
    "providers": [{"uuid": "node-1"}, {"uuid": "node-2"}],
    "machines": [{"uuid": "node-1"}, {"uuid": "node-2"}],
    "services": [{"host": "one"}, {"host": "two"}],
}


def test_one_hosts_servers_and_nodes_are_kept_with_all_services() -> None:
    assert snapshot.of_hosts(WHOLE, ["two"], ["node-2"]) == {
        **WHOLE,
        "servers": [{"uuid": "b", "host": "two"}],
        "providers": [{"uuid": "node-2"}],
        "machines": [{"uuid": "node-2"}],
    }


def test_what_was_not_looked_at_stays_absent() -> None:
    assert "ironic_nodes" not in snapshot.of_hosts(WHOLE, ["one"], ["node-1"])
