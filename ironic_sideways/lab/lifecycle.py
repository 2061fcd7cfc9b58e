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

"""Bringing a lab up and taking it down."""

import contextlib
import dataclasses
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.lab import (
    bare_metal,
    bridge,
    files,
    preflight,
    processes,
    status,
)
from ironic_sideways.lab.bring_up import BringUp
from ironic_sideways.lab.console import Steps
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.record import LabRecord, find
from ironic_sideways.lab.supervision import Supervisor

#: Kept by ``down``; the next ``up`` moves them to ``previous``.
KEPT = ("evidence", "logs")
#: Held by tools/run_upgrade.sh and grenade/upgrade-ironic, which call ``down``: a
#: lock that is unlinked while it is held excludes nobody.
RUN_LOCK = "run.lock"
#: What tools/run_upgrade.sh marks a lab with, before it makes it.
RUN_MARK = "left-by-run"
STAYING = (*KEPT, "previous", "lock", RUN_LOCK)


@contextlib.contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """Hold the lab's lock, so that two commands do not change it at once.

    :raises SidewaysError: another command holds it.
    """
    layout.directory.mkdir(parents=True, exist_ok=True)
    # Whoever can open it can hold it.
    layout.lock.touch(files.PRIVATE_FILE)
    layout.lock.chmod(files.PRIVATE_FILE)
    with layout.lock.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise exceptions.SidewaysError(
                f"{layout.directory}: another `ironic-sideways lab` command is "
                f"changing this lab (it holds {layout.lock}); wait until it ends"
            ) from error
        yield


def up(
    layout: Layout, record: LabRecord, cache: Path, steps: Steps, keep: bool
) -> None:
    """Make the lab, or start what is down in the one that is there.

    :param keep: leave a lab that failed to come up as it is.
    :raises SidewaysError: the host or a service refused; a new lab is taken
        down again.
    :raises FollowUpNeeded: what is there of it stays, or the next ``up`` removes
        what an earlier lab left.
    """
    present = find(layout.directory)
    if present is None:
        _refuse_foreign(layout)
        preflight.check_host(layout, record)
        preflight.check_free(layout, record)
    else:
        _refuse_change(layout, present, record)
        record = present
    stays = keep or present is not None
    follow_up = "`ironic-sideways lab up` again goes on, `lab down` takes it away"
    with locked(layout):
        if present is not None and status.all_ready(layout):
            steps.say("every service is ready already")
            return
        left = [] if layout.record.exists() else _left(layout)
        if not stays:
            follow_up = (
                f"move {layout.previous} elsewhere to keep what the lab before left "
                f"({', '.join(left)}): the next `ironic-sideways lab up` removes it"
            )
        with exceptions.after_change(stays or bool(left), follow_up):
            try:
                _set_aside(layout, left)
                _up(layout, record, cache, steps)
            except BaseException:
                if not stays:
                    steps.tell("not up: taking it down again")
                    _down(layout, steps)
                raise


def _refuse_change(layout: Layout, present: LabRecord, asked: LabRecord) -> None:
    for name, expected in dataclasses.asdict(asked).items():
        found = getattr(present, name)
        if name != "created_at" and found != expected:
            raise exceptions.SidewaysError(
                f"{layout.directory}: a lab is here with {name} {found}, asked for "
                f"{expected}; `ironic-sideways lab down` first, or another --directory"
            )


def _refuse_foreign(layout: Layout) -> None:
    """See that ``down`` will remove nothing but what the lab has made.

    :raises SidewaysError: the directory holds other files, and never held a lab.
    """
    own = (*STAYING, RUN_MARK)
    if layout.lock.is_file() or not layout.directory.is_dir():
        return
    if found := sorted({one.name for one in layout.directory.iterdir()} - {*own}):
        raise exceptions.SidewaysError(
            f"{layout.directory}: expected a new or empty directory, found "
            f"{', '.join(found[:3])}, which `ironic-sideways lab down` would remove; "
            "choose another --directory"
        )


def _up(layout: Layout, record: LabRecord, cache: Path, steps: Steps) -> None:
    if not layout.record.exists():
        record.save(layout.record)
    BringUp(layout, record, cache, steps).run()


def _left(layout: Layout) -> list[str]:
    """What an earlier lab has left of KEPT."""
    return [name for name in KEPT if (layout.directory / name).exists()]


def _set_aside(layout: Layout, left: list[str]) -> None:
    """Keep what an earlier lab has ``left`` apart from what the new one makes."""
    if left:
        shutil.rmtree(layout.previous, ignore_errors=True)
        layout.previous.mkdir()
    for name in left:
        (layout.directory / name).rename(layout.previous / name)


def layout_for_down(directory: Path) -> Layout:
    """The layout of the lab in ``directory``, even an incomplete one."""
    # A record that cannot be read asks for `lab down` itself.
    with contextlib.suppress(exceptions.SidewaysError):
        if present := find(directory):
            return present.layout(directory)
    return Layout(directory)


def down(layout: Layout, steps: Steps) -> None:
    """Take the lab down; logs and evidence stay.

    :raises FollowUpNeeded: something of the lab is still there afterwards.
    """
    with locked(layout):
        _down(layout, steps)


@exceptions.after_change(True, "run `ironic-sideways lab down` again")
def _down(layout: Layout, steps: Steps) -> None:
    supervisor = Supervisor(layout)
    # The machines first: without libvirtd nobody could switch them off properly.
    bare_metal.remove(layout, supervisor.states().get("libvirtd"))
    steps.tell("machines and BMCs gone")
    # Found before: a child whose parent was killed is harder to recognise.
    known = processes.of_lab(layout.directory)
    supervisor.shutdown()
    processes.kill({*known, *processes.of_lab(layout.directory)})
    steps.tell("services stopped")
    bridge.remove(layout)
    for path in list(layout.directory.iterdir()):
        if path.name not in STAYING:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    verify_gone(layout)
    steps.tell("nothing left: no process, mount, bridge, domain or BMC")


def verify_gone(layout: Layout) -> None:
    """Look for everything that a lab makes on a host.

    :raises SidewaysError: something is left, by name.
    """
    left = [
        f"process {process.pid} ({process.name()})"
        for process in processes.of_lab(layout.directory)
    ]
    left += [f"bridge {name}" for name in bridge.of_lab(layout)]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    left += [
        f"mount {line.split()[1]}" for line in mounts if f"{layout.directory}/" in line
    ]
    if left:
        raise exceptions.FollowUpNeeded(
            f"{layout.directory}: still there: {', '.join(left)}; "
            "run `ironic-sideways lab down` again"
        )
