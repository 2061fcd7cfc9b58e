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

"""``events.jsonl``: phases and figures, one JSON object per line, in order of time.

Nothing slow is imported: the phases call this twice each.
"""

import json
import time
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import documents


def memory_used_mb() -> int:
    """The machine's memory in use, in MiB (MemTotal less MemAvailable)."""
    values = {}
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, rest = line.partition(":")
        values[name] = int(rest.split()[0])
    return (values["MemTotal"] - values["MemAvailable"]) // 1024


def append(path: Path, kind: str, **fields: Any) -> None:
    """Append one event of ``kind`` with the time and the memory in use."""
    event = {"time": round(time.time(), 3), "kind": kind, **fields}
    event["memory_used_mb"] = memory_used_mb()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(event) + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    """All events of ``path``.

    :raises EvidenceAbsent: there is no such file.
    :raises EvidenceMalformed: a line is not an event, by its number.
    """
    return documents.read_lines(path)
