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

"""The looks at the whole cloud, before, after and at the end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import documents

Document = dict[str, Any]

#: Seconds, on a busy machine, between what happens and the program that tells of it.
TICK = 15.0


def snapshots(directory: Path) -> Iterator[tuple[str, Document]]:
    for name in ("before.json", "after.json", "ended.json", "restarted.json"):
        if (directory / name).exists():
            yield name, documents.read(directory / name)
