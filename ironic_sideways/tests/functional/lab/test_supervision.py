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

"""A real supervisord with small programs in the place of services."""

import contextlib
import os
import socket
import sys
import xmlrpc.client
from collections.abc import Callable, Iterator
from concurrent import futures
from pathlib import Path

import psutil
import pytest
from supervisor.xmlrpc import Faults

from ironic_sideways import exceptions, waits
from ironic_sideways.lab import checks, files, processes, services, supervision
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.programs import Program
from ironic_sideways.lab.supervision import Supervisor

#: Ignores SIGTERM, and has a child that does the same.
STUBBORN = "trap '' TERM; sleep 1000 & wait; wait"

PROGRAMS = [
    Program("mariadb", ("sleep", "1000")),
    Program("glance", ("sh", "-c", "echo the reason; exit 3")),
    Program("nova-compute", ("sh", "-c", STUBBORN), stop_seconds=1),
    Program(
        "neutron",
        (sys.executable, "-c", "import os; print(os.environ); input()"),
        {"STRANGE": "-a {1,2} %(c)s;d"},
    ),
]


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Supervisor]:
    """A supervisord with PROGRAMS, none of them started."""
    layout = Layout(directory, 7)
    for path in (layout.etc, layout.run, layout.data, layout.logs):
        files.make_private_directory(path)
    supervisor = Supervisor(layout)
    supervisor.write_configuration(PROGRAMS)
    supervisor.start()
    try:
        yield supervisor
    finally:
        known = processes.of_lab(layout.directory)
        supervisor.shutdown()
        processes.kill(known)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    with running(tmp_path_factory.mktemp("lab")) as supervisor:
        yield supervisor


@pytest.fixture
def supervisor(shared: Supervisor) -> Iterator[Supervisor]:
    yield shared
    shared.stop_programs(list(shared.states()), timeout=20)


def test_starting_supervisord_twice_is_starting_it_once(supervisor: Supervisor) -> None:
    before = processes.of_lab(supervisor.layout.directory)
    supervisor.start()

    assert processes.of_lab(supervisor.layout.directory) == before


@pytest.mark.skipif(
    not Path("/proc/self/autogroup").exists() or os.geteuid() != 0,
    reason="needs root and a kernel with autogroups",
)
def test_a_lab_that_was_started_niced_is_it_in_its_own_session(tmp_path: Path) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    os.nice(3)
    try:
        with running(tmp_path) as supervisor:
            (pid,) = (
                one.pid
                for one in processes.of_lab(supervisor.layout.directory)
                if os.getsid(one.pid) == one.pid
            )
            group = Path(f"/proc/{pid}/autogroup").read_text()
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)

    assert group.split()[-1] == str(before + 3)


def test_nothing_runs_before_it_is_started(supervisor: Supervisor) -> None:
    assert not {state.pid for state in supervisor.states().values()} - {0}


def test_a_service_that_dies_shows_the_end_of_its_log(supervisor: Supervisor) -> None:
    supervisor.start_program("glance")

    with pytest.raises(exceptions.SidewaysError, match=r"glance died.*\n.*the reason"):
        checks.wait_ready(supervisor, "glance")


def test_one_that_died_before_supervisord_answered_is_no_other_failure(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = supervisor._call

    def too_late(method: str, *arguments: object) -> object:
        answer = call(method, *arguments)
        if method == "startProcess":
            raise xmlrpc.client.Fault(Faults.SPAWN_ERROR, "SPAWN_ERROR: glance")
        return answer

    monkeypatch.setattr(supervisor, "_call", too_late)
    supervisor.start_program("glance")

    with pytest.raises(exceptions.SidewaysError, match=r"glance died.*\n.*the reason"):
        checks.wait_ready(supervisor, "glance")


def test_a_service_that_lives_and_does_nothing_is_not_ready(
    supervisor: Supervisor,
) -> None:
    supervisor.start_program("mariadb")

    with pytest.raises(exceptions.WaitExpired, match="mariadb to be ready; seen last"):
        checks.wait_ready(supervisor, "mariadb", timeout=1)


def test_a_stop_is_over_when_the_children_are_gone_too(supervisor: Supervisor) -> None:
    supervisor.start_program("nova-compute")
    pid = supervisor.state("nova-compute").pid
    supervisor.stop_programs(["nova-compute"], timeout=20)

    assert supervisor.state("nova-compute").state not in ("RUNNING", "STOPPING")
    assert not psutil.pid_exists(pid)


def test_the_environment_is_the_labs_own(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.example")
    environment = supervisor.environment()

    assert "http_proxy" not in environment
    assert environment["IRONIC_SIDEWAYS_LAB"] == str(supervisor.layout.directory)


def test_values_pass_supervisors_syntax_unharmed(supervisor: Supervisor) -> None:
    supervisor.start_program("neutron")
    process = psutil.Process(supervisor.state("neutron").pid)

    # Until exec, the new process is supervisord itself.
    waits.wait_for(
        lambda: process.environ().get("STRANGE"),
        lambda seen: seen == "-a {1,2} %(c)s;d",
        "the program's environment",
        timeout=10,
    )


def test_an_unknown_service_is_refused_with_the_known_ones(
    supervisor: Supervisor,
) -> None:
    with pytest.raises(exceptions.UsageError, match="expected one of glance, mariadb"):
        supervisor.state("cinder")


def test_a_lab_that_is_down_says_so(layout: Layout) -> None:
    with pytest.raises(exceptions.UsageError, match=r"not up.*lab up"):
        Supervisor(layout).state("mariadb")


def test_every_process_of_a_lab_is_found_and_nobody_elses(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = supervisor.layout.directory
    supervisor.start_program("mariadb")
    # As in the shell of a person who works with the lab.
    monkeypatch.setenv("IRONIC_SIDEWAYS_LAB", str(directory))
    stranger = psutil.Popen(["sleep", "1000"], cwd=directory)
    try:
        found = {process.pid for process in processes.of_lab(directory)}
    finally:
        stranger.kill()
        stranger.wait()

    assert supervisor.state("mariadb").pid in found
    assert not {stranger.pid, os.getpid()} & found


def test_shutdown_does_not_wait_for_the_stubborn(tmp_path: Path) -> None:
    with running(tmp_path) as supervisor:
        supervisor.start_program("nova-compute")
        pid = supervisor.state("nova-compute").pid
        supervisor.shutdown(timeout=10)

        assert not psutil.pid_exists(pid)
        assert not supervisor.running()


def test_a_supervisord_that_hangs_is_an_error_and_no_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "ANSWER_TIMEOUT", 0.2)
    layout = Layout(tmp_path, 7)
    layout.run.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(layout.supervisor_socket))
        listener.listen()

        with pytest.raises(exceptions.SidewaysError, match=r"no answer to getState"):
            Supervisor(layout).running()


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<?xml", b"HT", b""]
)
def test_a_supervisord_that_ends_in_its_answer_is_ending(
    tmp_path: Path, answer: bytes
) -> None:
    layout = Layout(tmp_path, 7)
    layout.run.mkdir(parents=True)
    calls = 3

    def answer_and_end(listener: socket.socket) -> None:
        with listener:
            for _ in range(calls):
                connection, _address = listener.accept()
                with connection:
                    # With some of it unread, as here, the connection is reset.
                    connection.recv(1 if not answer else 1 << 16)
                    connection.sendall(answer)
        layout.supervisor_socket.unlink()

    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(layout.supervisor_socket))
    listener.listen()
    listener.settimeout(10)
    with futures.ThreadPoolExecutor(1) as pool:
        ended = pool.submit(answer_and_end, listener)
        supervisor = Supervisor(layout)
        assert supervisor.running()
        assert supervisor.states() == {}
        supervisor.shutdown(timeout=10)
        ended.result(timeout=10)

    assert not supervisor.running()


def test_a_service_that_dies_at_its_start_is_a_change_to_follow_up(
    supervisor: Supervisor,
) -> None:
    with pytest.raises(exceptions.FollowUpNeeded, match=r"reason\nsee .* lab status"):
        services.start(supervisor.layout, ["glance"])


@pytest.mark.parametrize("act", [services.start, services.stop, services.restart])
def test_of_services_with_an_unknown_one_none_is_touched(
    supervisor: Supervisor, act: Callable[[Layout, list[str]], None]
) -> None:
    supervisor.start_program("nova-compute")
    before = supervisor.states()

    with pytest.raises(exceptions.UsageError, match="'cinder': expected one of"):
        act(supervisor.layout, ["mariadb", "nova-compute", "cinder"])
    assert {one: s.pid for one, s in supervisor.states().items()} == {
        one: s.pid for one, s in before.items()
    }
