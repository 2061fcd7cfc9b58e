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

from ironic_sideways.report.agreement import looks


def test_the_looks_that_are_there_come_in_their_order(tmp_path: Path) -> None:
    for name in ("restarted.json", "before.json", "base-before.json"):
        (tmp_path / name).write_text(json.dumps({"name": name}))

    assert list(looks.snapshots(tmp_path)) == [
        (name, {"name": name}) for name in ("before.json", "restarted.json")
    ]
