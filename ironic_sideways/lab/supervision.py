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

"""supervisord of the lab: its configuration, and driving it over its socket."""

import contextlib
import dataclasses
import http.client
import os
import socket
import sys
import xmlrpc.client
from collections.abc import Sequence
from pathlib import Path

import psutil
from supervisor.xmlrpc import Faults, SupervisorTransport

from ironic_sideways import commands, exceptions, waits
from ironic_sideways.lab import configuration, files, processes
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.programs import BINARIES, Program

#: Kept of the caller's environment: services must not see the rest, such as a
#: proxy or OS_* credentials.
KEPT_ENVIRONMENT = ("PYTHONPATH", "LANG", "TZ")

RUNNING = "RUNNING"
ALIVE = (RUNNING, "STARTING", "STOPPING")

#: Seconds for an answer of supervisord, which does nothing slow in a call.
ANSWER_TIMEOUT = 60


@dataclasses.dataclass(frozen=True)
class State:
    """A program as supervisord sees it; ``since`` in seconds since the epoch."""

    name: str
    state: str
    since: int
    pid: int
    spawn_error: str


def keep_nice(pid: int) -> None:
    """Give the session of process ``pid`` the nice value of this process.

    Linux shares the processor among sessions first, and supervisord makes one of its
    own: the nice values of its processes count among themselves alone (sched(7), "The
    autogroup feature"). Root alone may write it at any time.
    """
    group = Path(f"/proc/{pid}/autogroup")
    if group.exists() and os.geteuid() == 0:
        group.write_text(str(os.getpriority(os.PRIO_PROCESS, 0)))


class Supervisor:
    """The lab's supervisord."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.config = layout.etc / "supervisor" / "supervisord.conf"

    def write_configuration(self, programs: Sequence[Program]) -> None:
        """Write supervisord.conf for ``programs``."""
        template = configuration.environment().get_template(
            "supervisor/supervisord.conf.j2"
        )
        text = template.render(
            layout=self.layout,
            programs=programs,
            # supervisord expands %(...)s in every value.
            escape=lambda value: str(value).replace("%", "%%"),
        )
        files.write_private(self.config, text)

    def environment(self) -> dict[str, str]:
        """What every service of the lab has in its environment."""
        kept = {
            name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ
        }
        system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return {
            "LANG": "C.UTF-8",
            **kept,
            "PATH": f"{BINARIES}:{system}",
            "HOME": str(self.layout.data),
            "PYTHONUNBUFFERED": "1",
            "IRONIC_SIDEWAYS_LAB": str(self.layout.directory),
        }

    def start(self) -> None:
        """Start supervisord, which runs nothing yet; one that runs stays.

        :raises SidewaysError: when it does not start.
        """
        if self.states():
            return
        self._wait_gone(timeout=60)
        done = commands.run(
            [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.config)],
            env=self.environment(),
            timeout=60,
        )
        if done.returncode:
            raise exceptions.SidewaysError(
                f"supervisord did not start (exit code {done.returncode}): "
                f"{(done.stderr or done.stdout).strip()}"
            )
        waits.wait_for(self.running, bool, "supervisord", timeout=20, interval=0.1)
        keep_nice(int(str(self._call("getPID"))))

    def running(self) -> bool:
        """Whether supervisord runs, even if it is shutting down."""
        try:
            self._call("getState")
        except (http.client.HTTPException, ConnectionResetError, BrokenPipeError):
            # The connection broke in the middle of an answer: it is shutting down.
            return True
        except OSError:
            return False
        except xmlrpc.client.Fault as fault:
            return fault.faultCode == Faults.SHUTDOWN_STATE
        return True

    def _wait_gone(self, timeout: float) -> None:
        waits.wait_for(
            self.running, lambda seen: not seen, "supervisord to end", timeout, 0.2
        )

    def _call(self, method: str, *arguments: object) -> object:
        path = self.layout.supervisor_socket
        transport = SupervisorTransport(None, None, f"unix://{path}")
        transport._get_connection = lambda: _Connection(path)
        proxy = xmlrpc.client.ServerProxy("http://localhost", transport=transport)
        try:
            with proxy:
                return getattr(proxy.supervisor, method)(*arguments)
        except TimeoutError as error:
            raise exceptions.SidewaysError(
                f"supervisord ({path}): no answer to {method} within {ANSWER_TIMEOUT} s"
            ) from error

    def states(self) -> dict[str, State]:
        """Every program by name; none when supervisord does not run."""
        try:
            found = self._call("getAllProcessInfo")
        except (OSError, http.client.HTTPException, xmlrpc.client.Fault):
            return {}
        assert isinstance(found, list)
        return {
            one["name"]: State(
                name=one["name"],
                state=one["statename"],
                since=one["start"] if one["statename"] in ALIVE else one["stop"],
                pid=one["pid"],
                spawn_error=one["spawnerr"],
            )
            for one in found
        }

    def state(self, name: str) -> State:
        """One program.

        :raises UsageError: there is no such service, or the lab is not up.
        """
        states = self.states()
        if not states:
            raise exceptions.UsageError(
                f"{self.layout.directory}: the lab is not up (supervisord does not "
                "answer); run `ironic-sideways lab up`"
            )
        if name not in states:
            raise exceptions.UsageError(
                f"service {name!r}: expected one of {', '.join(sorted(states))}"
            )
        return states[name]

    def start_program(self, name: str) -> None:
        """Start a program and return at once; one that runs stays.

        One that died at once is not told here, but by whoever waits for it, who has its
        log: supervisord itself sees it now or a moment later.
        """
        if self.state(name).state in ALIVE:
            return
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode not in (Faults.ALREADY_STARTED, Faults.SPAWN_ERROR):
                raise exceptions.SidewaysError(
                    f"{name} did not start: {fault.faultString}; "
                    f"see {self.layout.log(name)}"
                ) from fault

    def stop_programs(self, names: Sequence[str], timeout: float) -> None:
        """Stop programs in parallel; return when their processes are gone.

        :param timeout: seconds; supervisord sends SIGKILL before.
        :raises WaitExpired: a process is still there.
        """
        states = [self.state(name) for name in names]
        alive = [state for state in states if state.state in ALIVE]
        ending = [one for state in alive for one in _process_tree(state.pid)]
        for state in alive:
            try:
                self._call("stopProcess", state.name, False)
            except xmlrpc.client.Fault as fault:
                if fault.faultCode != Faults.NOT_RUNNING:
                    raise
        waits.wait_for(
            lambda: [name for name in names if self.state(name).state in ALIVE],
            lambda left: not left,
            f"{', '.join(names)} to stop",
            timeout,
            interval=0.1,
        )
        processes.wait_gone(ending, timeout=5)

    def shutdown(self, timeout: float = 60) -> None:
        """Kill every program, and end supervisord.

        For a lab that is removed: no state is kept, so that no service needs a
        graceful stop.

        :param timeout: seconds, for all programs together.
        """
        # It may be gone, or end before its answer does.
        with contextlib.suppress(
            OSError, http.client.HTTPException, xmlrpc.client.Fault
        ):
            self._call("signalAllProcesses", "KILL")
            self._call("shutdown")
        self._wait_gone(timeout)


class _Connection(http.client.HTTPConnection):
    """To a Unix socket; supervisor's own has no bound."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=ANSWER_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _process_tree(pid: int) -> list[psutil.Process]:
    try:
        leader = psutil.Process(pid)
        return [leader, *leader.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def log_excerpt(path: Path) -> str:
    """The end of a log, indented, for an error message."""
    text = "\n".join(f"    {line}" for line in files.last_lines(path, 15))
    return text or "    (the log is empty)"
