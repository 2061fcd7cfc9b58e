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

"""What the other steps read of migration.json."""

import datetime
import json

import pytest

from ironic_sideways.evidence import migration


@pytest.fixture
def path(tmp_path):
    rows = [
        {"uuid": outcome, "instance_uuid": instance, "resource_class": "baremetal"}
        | {"outcome": outcome}
        for outcome, instance in (
            *(("migrate", "server-1"), ("present", None)),
            *(("skip", "server-2"), ("refuse", "server-3")),
        )
    ]
    told = {"started_at": "2026-11-29T10:00:00+00:00", "rows": rows}
    path = tmp_path / "migration.json"
    path.write_text(json.dumps(told))
    return path


def test_only_nodes_that_moved_are_told(path):
    assert migration.nodes(path) == {"migrate": "server-1", "present": None}
    assert set(migration.classes(path)) == {"migrate", "present"}


def test_the_begin_is_a_time_with_its_zone(path):
    begin = datetime.datetime(2026, 11, 29, 10, tzinfo=datetime.UTC)
    assert migration.started(path) == begin
