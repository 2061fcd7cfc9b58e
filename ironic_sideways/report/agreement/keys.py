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

"""Which keys a document has: those of its like, and all that are told at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ironic_sideways.evidence import documents
from ironic_sideways.report.agreement.looks import Document

#: Of these, what one record tells each record tells, and the document all or nothing.
ALIKE: dict[str, tuple[str, ...]] = {
    "before.json": ("machines", "providers", "servers", "services"),
    "after.json": ("ironic_nodes", "machines", "providers", "servers", "services"),
    "ended.json": ("machines", "providers", "servers", "services"),
    "restarted.json": ("ironic_nodes", "machines", "providers", "servers", "services"),
    "maintenance.json": ("rows", "services"),
    "migration.json": ("rows",),
    "resources.json": ("nodes",),
    "takeover.json": ("nodes",),
    "last-look.json": ("nodes",),
    "judges.json": ("programs",),
    "judges-again.json": ("programs",),
    "workload.json": ("servers",),
    "tempest/results.json": ("tests",),
    "tempest-base/results.json": ("tests",),
}


def alike(directory: Path, before: Document) -> Iterator[str]:
    """Records of one kind have the same keys: one that lacks a key is cut."""
    for file, lists in ALIKE.items():
        if not (directory / file).exists():
            continue
        document = documents.read(directory / file)
        for name in lists:
            found = document.get(name, ())
            keys = {key for record in found for key in record}
            for record in found:
                if lacks := sorted(keys - record.keys()):
                    yield f"{file}: {name}: one without {', '.join(lacks)}"


#: What a document tells at once or, of an earlier version, not at all.
TOGETHER: dict[str, tuple[tuple[str, ...], ...]] = {
    "environment.json": (
        ("commit",),
        ("distributions",),
        *(("host", key) for key in ("architecture", "cpu", "cpus", "kernel")),
        *(("host", key) for key in ("memory_mb", "system")),
        *(("packages",), ("python",)),
    ),
    "maintenance.json": (("ended",), ("ending",)),
    "migration.json": (
        *(("command",), ("finished_at",), ("load_seconds",), ("source",)),
        *(("tables",), ("target",), ("tool",)),
        *(("counts", key) for key in ("interfaces_skipped", "migrate", "skip")),
        ("counts", "ports_written"),
        *(("options", key) for key in ("architectures", "boot_interface")),
        *(("options", key) for key in ("boot_mode", "capabilities")),
        *(("options", key) for key in ("deploy_interface", "free_deploy_interface")),
        *(("options", key) for key in ("free_state", "node_arch", "resource_class")),
    ),
    "secrets.json": (("hits",), ("sought",), ("too_short",)),
}


def together(directory: Path, before: Document) -> Iterator[str]:
    """A document that lacks one of what it tells at once is cut."""
    for file, paths in TOGETHER.items():
        if not (directory / file).exists():
            continue
        document = documents.read(directory / file)
        lacks = [path for path in paths if not has(document, path)]
        if lacks and len(lacks) < len(paths):
            yield f"{file}: without {', '.join('.'.join(path) for path in lacks)}"


def has(document: Any, path: tuple[str, ...]) -> bool:
    for step in path:
        if not isinstance(document, dict) or step not in document:
            return False
        document = document[step]
    return True
