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

"""What the run was told to do beyond what every run does: judged then, absent or not.

The run records it before it begins. A phase that began, or evidence that is there, is
judged all the same.
"""

from pathlib import Path

from ironic_sideways.evidence import events
from ironic_sideways.report import exact_match, workers
from ironic_sideways.report.faults import FAULTS

KIND = "added"

#: The evidence of each subject; its phase has the subject's name.
EVIDENCE = {"exact-match": exact_match.FILE, "workers": workers.FILE}


def subjects(directory: Path) -> tuple[str, ...]:
    """What is judged of this run besides what is judged of each."""
    told: set[str] = set()
    try:
        for event in events.read(directory / "events.jsonl"):
            if event.get("kind") == KIND:
                told |= set(event["subjects"])
            elif event.get("kind") == "phase":
                told.add(str(event.get("name")))
    except FAULTS:
        # Other subjects say what is wrong with it.
        pass
    return tuple(
        subject
        for subject, file in EVIDENCE.items()
        if subject in told or (directory / file).exists()
    )
