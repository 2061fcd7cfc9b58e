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

"""Gather what lies outside the evidence directory: logs, and BMC commands."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.evidence import documents, secrets
from ironic_sideways.hardware import vbmc_log


def power_commands(log: Path) -> list[dict[str, Any]]:
    """Those that vbmcd's ``log`` tells, in its order."""
    with log.open(errors="replace") as lines:
        return [dataclasses.asdict(c) for c in vbmc_log.power_commands(lines)]


def collect(
    logs: Path, output: Path, secret_files: Sequence[Path]
) -> list[dict[str, Any]]:
    """Copy the service logs to ``output``/logs; write bmc.json and secrets.json.

    :param logs: a directory of one ``<service>.log`` each, vbmcd.log among them.
    :param secret_files: secrets that must not be in any of it (evidence/secrets.py).
    :returns: the power commands that reached a BMC, in order of time.
    :raises SidewaysError: vbmcd.log is absent.
    """
    log = logs / "vbmcd.log"
    if not log.exists():
        raise exceptions.SidewaysError(
            f"{log}: absent; without it nothing proves that no machine was switched"
        )
    commands = power_commands(log)
    documents.write(output / "bmc.json", {"commands": commands})
    target = output / "logs"
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(logs.glob("*.log")):
        shutil.copyfile(path, target / path.name)
    known: dict[str, str] = {}
    for path in secret_files:
        known |= secrets.known(path)
    documents.write(output / "secrets.json", secrets.seek(output, known))
    return commands
