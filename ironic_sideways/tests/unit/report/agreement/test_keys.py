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

import json
from pathlib import Path

from ironic_sideways.report.agreement import keys


def test_a_record_that_lacks_what_another_tells_is_cut(tmp_path: Path) -> None:
    nodes = [{"uuid": "1", "driver": "ipmi"}, {"uuid": "2"}]
    (tmp_path / "takeover.json").write_text(json.dumps({"nodes": nodes}))

    assert list(keys.alike(tmp_path, {})) == [
        "takeover.json: nodes: one without driver"
    ]


def test_a_document_tells_all_of_what_it_tells_at_once_or_nothing(tmp_path) -> None:
    file = tmp_path / "secrets.json"
    nothing: dict[str, list[str]] = {}
    for found, told in (
        (nothing, []),
        ({"hits": [], "sought": [], "too_short": []}, []),
        ({"hits": []}, ["secrets.json: without sought, too_short"]),
    ):
        file.write_text(json.dumps(found))
        assert list(keys.together(tmp_path, {})) == told


def test_a_key_may_be_inside_another() -> None:
    assert keys.has({"host": {"cpu": None}}, ("host", "cpu"))
    assert not keys.has({"host": {}}, ("host", "cpu"))
    assert not keys.has({"host": "cpu"}, ("host", "cpu"))
