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

"""Which of Ironic's interfaces a node was to be moved with, as its window asked."""

import itertools
import shlex
from pathlib import Path

from ironic_sideways.report import places

#: What the window's script asked of the migration.
ASKED = "phases/migration-options.value"

#: What a node is moved with where nothing else is asked for (migrate/mapping.py).
PLAIN = {
    **dict.fromkeys(("management", "power", "vendor"), "ipmitool"),
    **{
        kind: f"no-{kind}"
        for kind in ("bios", "console", "firmware", "inspect", "raid", "rescue")
    },
    "storage": "noop",
}


def words(directory: Path) -> list[str]:
    """The options of the migration, as a shell has them; none where none are noted."""
    return shlex.split(" ".join(places.lines(directory / ASKED)))


def moved_with(directory: Path) -> dict[str, str]:
    """Kind -> interface, but for boot, deploy and network."""
    chosen = [
        value.partition("=")
        for option, value in itertools.pairwise(words(directory))
        if option == "--interface"
    ]
    return PLAIN | {kind: name for kind, _equals, name in chosen}
