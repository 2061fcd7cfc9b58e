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

"""Events are appended, each with its time and the memory in use."""

import time

import psutil

from ironic_sideways.evidence import events


def test_events_are_kept_in_their_order_with_time_and_memory(tmp_path):
    path = tmp_path / "new" / "events.jsonl"
    begin = round(time.time(), 3)

    events.append(path, "begin", phase="migrate")
    events.append(path, "end", phase="migrate", seconds=1.5)

    first, second = events.read(path)
    assert (first["kind"], first["phase"]) == ("begin", "migrate")
    assert (second["kind"], second["seconds"]) == ("end", 1.5)
    assert begin <= first["time"] <= second["time"]
    total = psutil.virtual_memory().total >> 20
    assert 0 < first["memory_used_mb"] < total
