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

"""Run a selection of tempest.api.compute with Tempest's own runner."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from openstack.connection import Connection

from ironic_sideways import commands, exceptions
from ironic_sideways.compute_tests import results
from ironic_sideways.evidence import terminal

SELECTION = Path(__file__).with_name("selection.txt")
TEMPEST = Path(sys.prefix, "bin", "tempest")


def boot_from_the_network(ironic: Connection) -> int:
    """Let every free node deploy by network boot; how many were changed.

    A node that held a survivor was imported with deploy interface ``direct``:
    its next instance would want the agent, and more memory than API tests need.
    """
    changed = 0
    for node in ironic.baremetal.nodes(provision_state="available", details=True):
        if node.deploy_interface != "ramdisk":
            ironic.baremetal.update_node(node, deploy_interface="ramdisk")
            changed += 1
    return changed


def initialise(workspace: Path) -> None:
    """Make a fresh Tempest workspace: an earlier run's results are not ours."""
    shutil.rmtree(workspace, ignore_errors=True)
    commands.run(
        [
            *(str(TEMPEST), "init"),
            *("--workspace-path", str(workspace.with_suffix(".yaml"))),
            str(workspace),
        ],
        check=True,
        timeout=60,
    )


def run(
    workspace: Path, config: Path, output: Path, concurrency: int, timeout: float
) -> dict[str, Any]:
    """Run the selection; results.json and the subunit stream go to ``output``.

    :param timeout: seconds for all tests together.
    :raises SidewaysError: Tempest ended without its tests' results, a line of
        the selection matched no test, or the time ran out.
    """
    output.mkdir(parents=True, exist_ok=True)
    command = [
        *(str(TEMPEST), "run", "--config-file", str(config)),
        *("--include-list", str(SELECTION), "--concurrency", str(concurrency)),
    ]
    code = run_group(command, workspace, timeout)
    stream = output / "tempest.subunit"
    with stream.open("wb") as file:
        last = [str(TEMPEST.with_name("stestr")), "last", "--subunit"]
        subprocess.run(last, cwd=workspace, stdout=file, check=False, timeout=60)
    found = results.read(stream)
    if code and not found["counts"]["failed"]:
        raise exceptions.SidewaysError(
            f"Tempest ended with exit code {code} and no failed test; see above"
        )
    for line in unmatched([test["name"] for test in found["tests"]]):
        raise exceptions.SidewaysError(f"{SELECTION}: no test matches {line}")
    (output / "results.json").write_text(json.dumps(found, indent=2) + "\n")
    return found


def run_group(command: list[str], workspace: Path, timeout: float) -> int:
    """Run ``command``, and end its workers with it; its exit code.

    What it says is passed on; each test that ends is shown on the terminal.
    """
    with (
        terminal.progress("tests done", None) as progress,
        subprocess.Popen(
            command,
            cwd=workspace,
            start_new_session=True,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        reader = threading.Thread(target=pass_on, args=(process.stdout, progress))
        reader.start()
        try:
            code = process.wait(timeout)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGTERM)
            if isinstance(error, subprocess.TimeoutExpired):
                raise exceptions.SidewaysError(
                    f"Tempest did not end within {timeout:g} s; see its output above"
                ) from None
            raise
        reader.join(timeout=30)
        return code


def pass_on(lines: Iterable[str], progress: Callable[[int], None]) -> None:
    """Print each line, and count those that stestr writes when a test ends."""
    done = 0
    for line in lines:
        print(line, end="")
        if re.search(r"\.\.\. (ok|FAILED|SKIPPED)", line):
            done += 1
            progress(done)


def unmatched(names: list[str]) -> list[str]:
    """The lines of the selection that match none of the tests that ran."""
    lines = SELECTION.read_text().split()
    return [line for line in lines if not any(re.search(line, n) for n in names)]
