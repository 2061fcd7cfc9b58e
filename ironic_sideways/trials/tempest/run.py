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

"""Run Tempest's tests with Tempest's own runner."""

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

from ironic_sideways import commands, exceptions, progress
from ironic_sideways.evidence import documents
from ironic_sideways.trials.tempest import junit, lists, results

TEMPEST = Path(sys.prefix, "bin", "tempest")
#: A class has up to three servers at a time, and a deleted server's node is back
#: in Placement only at nova-compute's next look at its resources.
NODES_EACH = 3
#: At most so many at once: beyond, the machines' emulation is what they wait for.
WORKERS = 4


def workers(free: int) -> int:
    """How many workers fit so many ``free`` nodes: 3 for 8, as for 10."""
    return max(1, min(WORKERS, (free + 1) // NODES_EACH))


def free_nodes(admin: Connection) -> int:
    """How many nodes of the base hold no instance."""
    found = admin.compute.hypervisors(details=True)
    return sum(1 for one in found if not one.vcpus_used)


def environment(workspace: Path) -> dict[str, str]:
    """A home and a scratch directory beside the workspace, with Tempest's register of
    workspaces and its locks: the user's own stay as they are."""
    home = workspace.with_suffix(".home")
    home.mkdir(parents=True, exist_ok=True)
    return {**os.environ, "HOME": str(home), "TMPDIR": str(home)}


def initialise(workspace: Path) -> None:
    """Make a fresh Tempest workspace: an earlier run's results are not ours."""
    shutil.rmtree(workspace, ignore_errors=True)
    # Tempest refuses a name that is in the register.
    workspace.with_suffix(".yaml").unlink(missing_ok=True)
    register = str(workspace.with_suffix(".yaml"))
    commands.run(
        [str(TEMPEST), "init", "--workspace-path", register, str(workspace)],
        check=True,
        timeout=180,
        env=environment(workspace),
    )


def names(workspace: Path) -> list[str]:
    """The ids of all tests that are considered, as Tempest finds them."""
    found = commands.run(
        [str(TEMPEST), "run", "--list-tests"],
        cwd=workspace,
        check=True,
        timeout=300,
        env=environment(workspace),
    )
    lines = found.stdout.splitlines()
    return sorted(line for line in lines if line.startswith(lists.CONSIDERED))


def run(
    workspace: Path,
    config: Path,
    which: lists.Choice,
    concurrency: int,
    timeout: float,
) -> tuple[Path, dict[str, Any]]:
    """Run the tests that are wanted; the subunit stream, and what became of each.

    :param timeout: seconds for all tests together.
    :raises SidewaysError: Tempest ended without its tests' results, or the time
        ran out.
    """
    chosen = workspace / "wanted.txt"
    chosen.write_text("".join(f"{name}\n" for name in which.wanted))
    command = [str(TEMPEST), "run", "--config-file", str(config)]
    command += ["--load-list", str(chosen), "--concurrency", str(concurrency)]
    code = run_group(command, workspace, timeout)
    stream = workspace / "tempest.subunit"
    with stream.open("wb") as file:
        last = [str(TEMPEST.with_name("stestr")), "last", "--subunit"]
        subprocess.run(
            last,
            cwd=workspace,
            stdout=file,
            check=False,
            timeout=180,
            env=environment(workspace),
        )
    found = results.account(results.read(stream), which.wanted, which.excluded)
    if code and not found["counts"]["failed"]:
        raise exceptions.SidewaysError(
            f"Tempest ended with exit code {code} and no failed test; see above"
        )
    return stream, found


def record(output: Path, stream: Path, found: dict[str, Any]) -> None:
    """Write the stream, results.json, JUnit's XML and the text table."""
    output.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(stream, output / "tempest.subunit")
    documents.write(output / "results.json", found)
    junit.write(output / "junit.xml", found)
    (output / "table.txt").write_text(results.text_table(found))


def run_group(command: list[str], workspace: Path, timeout: float) -> int:
    """Run ``command``, and end its workers with it; its exit code.

    What it says is passed on; each test that ends is shown on the terminal.
    """
    with (
        progress.progress("tests done", None) as advance,
        subprocess.Popen(
            command,
            cwd=workspace,
            env=environment(workspace),
            start_new_session=True,
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process,
    ):
        reader = threading.Thread(target=pass_on, args=(process.stdout, advance))
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


def pass_on(lines: Iterable[str], advance: Callable[[int], None]) -> None:
    """Print each line, and count those that stestr writes when a test ends."""
    done = 0
    for line in lines:
        print(line, end="")
        if re.search(r"\.\.\. (ok|FAILED|SKIPPED)", line):
            done += 1
            advance(done)
