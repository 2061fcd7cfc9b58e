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

"""Which services should run: what a person or a phase stopped stays stopped."""

import json
from collections.abc import Iterable

from ironic_sideways.lab import files
from ironic_sideways.lab.layout import Layout


def base(layout: Layout) -> list[str]:
    """Every service of the base deployment, in the order of its start."""
    later = ("on demand", "ironic")
    return [row.name for row in layout.services if row.group not in later]


def known(layout: Layout) -> list[str]:
    """Every service that there can be."""
    return [row.name for row in layout.services]


def load(layout: Layout) -> list[str]:
    """The services that should run, in the order of their start."""
    try:
        names = set(json.loads((layout.directory / "wanted.json").read_text()))
    except FileNotFoundError:
        return base(layout)
    return [name for name in known(layout) if name in names]


def change(layout: Layout, name: str, runs: bool) -> None:
    """Record that ``name`` should run, or should not."""
    names = set(load(layout))
    save(layout, names | {name} if runs else names - {name})


def save(layout: Layout, names: Iterable[str]) -> None:
    """Record that these services should run, and no others."""
    text = json.dumps(sorted(names), indent=2) + "\n"
    files.write_public(layout.directory / "wanted.json", text)
