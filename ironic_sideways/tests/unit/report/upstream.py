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

"""What upstream's own judges say of a good move, for the evidence of the tests."""

import json
from pathlib import Path
from typing import Any

from ironic_sideways.report import judges, window

Document = dict[str, Any]

#: Seen of 2026.2's programs.
IRONIC = ("Object versions", "Database Index Status", "MySQL UTF8MB4 Encoding Check")
NOVA = ("Cells v2", "Placement API", "Older than N-1 computes")
OLD_WARNING = (
    "Warning: Instances found without hw_machine_type set. This warning can be ignored "
    "if your environment does not contain libvirt based compute hosts. For more "
    "details see the following: https://docs.openstack.org/nova/latest/admin/hw- "
    "machine-type.html"
)
NO_IMAGE = (
    "Node {} failed to validate deploy image info. Some parameters were missing. "
    "Missing are: ['instance_info.image_source']"
)
NO_KERNEL = (
    "Cannot validate image information for node {} because one or more parameters are "
    "missing from its instance_info and insufficient information is present to boot "
    "from a remote volume. Missing are: ['kernel', 'ramdisk']"
)


def lay_down(directory: Path) -> None:
    """Write both documents, as the migration and the operations let expect them."""
    operations = json.loads((directory / "operations.json").read_text())
    for file, done in ((judges.FIRST, []), (judges.AGAIN, operations)):
        begin, end = window.tries(directory)[judges.PHASE[file]][-1]
        document = {
            "taken_at": end - 2 if done else begin + 0.5,
            "programs": programs(judges.held(directory, done)),
            "nodes": [
                node(uuid, kind)
                for uuid, kind in judges.on_nodes(directory, done).items()
            ],
        }
        (directory / file).write_text(json.dumps(document))


def programs(instances: dict[str, str]) -> list[Document]:
    nova = [*dict.fromkeys(NOVA, "Success").items()]
    if instances:
        nova.append(("hw_machine_type unset", OLD_WARNING))
    told = {
        judges.IRONIC: (0, [*dict.fromkeys(IRONIC, "Success").items()]),
        judges.NOVA: (1 if instances else 0, nova),
        judges.AUDIT: (0, []),
        judges.HEAL: (4, [*dict.fromkeys(instances, "up-to-date").items()]),
    }
    return [
        {
            **{"name": name, "code": code, "seconds": 0.3},
            "told": [{"of": of, "said": said} for of, said in answers],
        }
        for name, (code, answers) in told.items()
    ]


def node(uuid: str, kind: str) -> Document:
    """A free one deploys by network boot, as the lab's."""
    found = dict.fromkeys(sorted(judges.INTERFACES), "")
    if kind == "disk":
        found["deploy"] = NO_IMAGE.format(uuid)
    if kind == "free":
        found |= dict.fromkeys(("boot", "deploy"), NO_KERNEL.format(uuid))
    return {"uuid": uuid, "interfaces": found}
