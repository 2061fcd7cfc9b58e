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

"""Finding and ending what a lab left running, and nothing else."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

import psutil

from ironic_sideways import waits

#: supervisord sets it in the environment of each program that it starts, so
#: that a person's shell with IRONIC_SIDEWAYS_LAB in it is not taken for one.
SUPERVISED = "SUPERVISOR_PROCESS_NAME"


def of_lab(directory: Path) -> list[psutil.Process]:
    """The processes of the lab in ``directory``: supervisord, services, machines.

    This process and its ancestors are never among them.
    """
    own = psutil.Process()
    spared = {own, *own.parents()}
    found = {one for one in psutil.process_iter() if _belongs(one, directory)}
    for process in tuple(found):
        with contextlib.suppress(psutil.NoSuchProcess):
            found.update(process.children(recursive=True))
    return sorted(found - spared, key=lambda process: process.pid)


def _belongs(process: psutil.Process, directory: Path) -> bool:
    try:
        command = process.cmdline()
        if not command:
            return False
        # libvirtd gives QEMU an environment of its own.
        if Path(command[0]).name.startswith("qemu-system-"):
            return _names(command, f"{directory}/")
        if "supervisor.supervisord" in command:
            return f"{directory}/etc/supervisor/supervisord.conf" in command
        # A service that sets its process title overwrites its environment.
        if process.cwd() == str(directory) and _names(command, f"{directory}/etc/"):
            return True
        environment = process.environ()
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
        return False
    return SUPERVISED in environment and (
        environment.get("IRONIC_SIDEWAYS_LAB") == str(directory)
    )


def _names(command: list[str], path: str) -> bool:
    return any(path in word for word in command)


def kill(processes: Iterable[psutil.Process], timeout: float = 20) -> None:
    """Kill ``processes`` and wait until they are gone.

    :param timeout: seconds, for all of them.
    :raises WaitExpired: one is still there.
    """
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    wait_gone(processes, timeout)


def wait_gone(processes: Iterable[psutil.Process], timeout: float) -> None:
    """Wait until ``processes`` are gone.

    Not psutil.wait_procs: its pidfd_open fails on some kernels with ENOENT where
    a process ends just then.

    :param timeout: seconds, for all of them.
    :raises WaitExpired: one is still there.
    """
    watched = list(processes)
    waits.wait_for(
        lambda: [process.pid for process in watched if _alive(process)],
        lambda left: not left,
        "the end of processes",
        timeout,
        interval=0.1,
    )


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def listeners() -> dict[int, int | None]:
    """TCP port -> process id, for every listener that can be seen."""
    return {
        one.laddr.port: one.pid
        for one in psutil.net_connections("tcp")
        if one.status == psutil.CONN_LISTEN
    }


def receivers() -> dict[tuple[str, int], int | None]:
    """UDP IPv4 address and port -> process id, for every receiver."""
    return {
        (one.laddr.ip, one.laddr.port): one.pid
        for one in psutil.net_connections("udp4")
        if one.laddr
    }


def tell(pid: int | None) -> str:
    """A process in words: "name (pid)"."""
    if pid is None:
        return "an unknown process"
    try:
        return f"{psutil.Process(pid).name()} (pid {pid})"
    except psutil.NoSuchProcess:
        return f"pid {pid}"
