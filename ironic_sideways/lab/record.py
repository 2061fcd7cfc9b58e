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

"""What a lab was made with, so that later commands need its directory alone."""

import dataclasses
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.lab import files
from ironic_sideways.lab.layout import NETWORK, Layout

#: The drivers that the base deployment can have.
BASE_DRIVERS = ("nova_bm", "fake")


@dataclasses.dataclass(frozen=True)
class LabRecord:
    """The content of ``lab.json``; no secrets.

    :param hardware_only: machines, BMCs and what they boot from, for a cloud that
        somebody else deployed (DevStack).
    :param owner: the user whose services and commands use that hardware.
    :param network: the first two numbers of its addresses.
    :param light: light machines: BMCs and guests without QEMU (hardware/light).
    """

    number: int
    nodes: int
    base_driver: str
    created_at: str
    compute_hosts: int = 1
    hardware_only: bool = False
    owner: str = "root"
    network: str = NETWORK
    light: bool = False

    @classmethod
    def new(
        cls,
        number: int,
        nodes: int,
        base_driver: str,
        compute_hosts: int = 1,
        hardware_only: bool = False,
        owner: str = "root",
        network: str = NETWORK,
        light: bool = False,
    ) -> "LabRecord":
        """A record for a lab made now."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(
            *(number, nodes, base_driver, now),
            compute_hosts=compute_hosts,
            hardware_only=hardware_only,
            owner=owner,
            network=network,
            light=light,
        )

    def layout(self, directory: Path) -> Layout:
        """Where everything of this lab is."""
        return Layout(
            directory, self.number, self.compute_hosts, self.network, self.light
        )

    def save(self, path: Path) -> None:
        """Write ``lab.json``."""
        files.write_public(path, json.dumps(dataclasses.asdict(self), indent=2) + "\n")


def default_directory() -> Path:
    """$IRONIC_SIDEWAYS_LAB, or ``.lab`` in the current directory."""
    return Path(os.environ.get("IRONIC_SIDEWAYS_LAB") or ".lab").absolute()


def find(directory: Path) -> LabRecord | None:
    """The record of the lab in ``directory``, or None where there is no lab.

    :raises SidewaysError: when lab.json does not hold a record.
    """
    path = directory / "lab.json"
    try:
        return LabRecord(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise exceptions.SidewaysError(
            f"{path}: expected number, nodes, base_driver, created_at and perhaps "
            f"compute_hosts; {error}; "
            f"remove the directory {directory} after `ironic-sideways lab down`"
        ) from error


def open_lab(directory: Path) -> tuple[Layout, LabRecord]:
    """The layout and record of the lab in ``directory``.

    :raises UsageError: when there is no lab.
    """
    directory = directory.absolute()
    record = find(directory)
    if record is None:
        raise exceptions.UsageError(
            f"{directory}: no lab here (no lab.json); make one with "
            f"`ironic-sideways lab up --directory {directory}`"
        )
    return record.layout(directory), record
