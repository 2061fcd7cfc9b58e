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

"""The console scripts as processes: whatever ends one is one line and its exit code.

A fake cloud does to the process, at a request that a test names, what may happen to it
at that moment.
"""

import dataclasses
import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import webob
import webob.dec

from ironic_sideways.cloud import flavors
from ironic_sideways.tests import fake_cloud, http_server
from ironic_sideways.tests.functional.cmd.test_convert_allocations import HOST
from ironic_sideways.tests.placement_service import Service, placement_service

__all__ = ["placement_service"]

TIMEOUT_S = 180

FLAVORS, BINDINGS, OPTIONS, ALLOCATIONS = CHANGING = (
    "nova-bm-update-flavors",
    "nova-bm-bind-ports",
    "nova-bm-clear-dhcp-options",
    "nova-bm-convert-allocations",
)
RESHAPE = "POST /reshaper"
#: Requests that change the cloud: the first and the last of each script.
REQUESTS = (
    (FLAVORS, "POST /compute/v2.1/flavors/id-of-one"),
    (FLAVORS, "POST /compute/v2.1/flavors/id-of-two"),
    (BINDINGS, "PUT /network/v2.0/ports/a"),
    (BINDINGS, "PUT /network/v2.0/ports/b"),
    (OPTIONS, "PUT /network/v2.0/ports/a"),
    (OPTIONS, "PUT /network/v2.0/ports/b"),
    (ALLOCATIONS, RESHAPE),
)
#: Each port, and its instance, which a node of the same uuid holds.
PORTS = {name: name * 32 for name in "ab"}
ROW = {"outcome": "migrate", "service_host": HOST}
MIGRATION = json.dumps(
    {
        "rows": [
            {**ROW, "uuid": instance, "instance_uuid": instance, "vifs": [port]}
            for port, instance in PORTS.items()
        ]
    }
)

Happens = Callable[[int], object]


@dataclasses.dataclass
class Scene:
    """A cloud, and what happens to the process ``pid`` before it answers ``when``."""

    directory: Path
    node: str
    writes: list[str]
    pid: int = 0
    when: str = ""
    happens: Happens = os.getpgid

    def sees(self, request: webob.Request) -> None:
        said = f"{request.method} {request.path}"
        if asks_for_rights(request):
            return
        if request.method != "GET":
            self.writes.append(said)
        if self.pid and self.when and self.when in said:
            self.happens(self.pid)
            self.when = ""

    def words(self, script: str) -> tuple[str, ...]:
        """The options of a change by ``script``."""
        undo = ("--undo-file", str(self.directory / "undo.json"))
        images = ("--deploy-kernel", "kernel", "--deploy-ramdisk", "ramdisk")
        migration = str(self.directory / "migration.json")
        return {
            FLAVORS: (*images, "--resource-class", "baremetal", *undo),
            BINDINGS: ("--migration", migration, *undo),
            OPTIONS: ("--migration", migration, *undo),
            ALLOCATIONS: ("--node", self.node, "--resource-class", "baremetal", *undo),
        }[script]

    def change(
        self, script: str, *more: str, **named: Any
    ) -> subprocess.CompletedProcess[str]:
        """Change by ``script`` what it is to change."""
        return self.run(script, *self.words(script), *more, **named)

    def run(
        self, script: str, *more: str, stdout: int = subprocess.PIPE, **named: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run ``script`` to its end, which must come."""
        words = [program(script), *more]
        with subprocess.Popen(
            words, stdout=stdout, stderr=subprocess.PIPE, text=True, **named
        ) as process:
            self.pid = process.pid
            try:
                said, errors = process.communicate(timeout=TIMEOUT_S)
            finally:
                process.kill()
        return subprocess.CompletedProcess(words, process.returncode, said, errors)


def asks_for_rights(request: webob.Request) -> bool:
    """Whether Placement refuses it from everybody: it changes nothing."""
    path = request.path
    nobody = f"/{uuid.UUID(int=0)}/" in path or path.endswith("/NOT_CUSTOM")
    return nobody or (path.endswith("/reshaper") and request.body == b"{}")


def program(name: str) -> str:
    """The console script ``name`` of this environment."""
    return str(Path(sys.executable).with_name(name))


@pytest.fixture
def scene(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, placement_service: Service
) -> Iterator[Scene]:
    """Two flavors, a node with an instance, and a port: all to be changed."""
    node = placement_service.add_node(instance=True)
    fake = fake_cloud.FakeCloud()
    old = {flavors.KERNEL_KEY: "old", flavors.RAMDISK_KEY: "old"}
    for name in ("kernel", "ramdisk"):
        fake.add_image(name)
    for name in ("one", "two"):
        fake.add_flavor(name, specs=old)
    for port, instance in PORTS.items():
        fake.add_port(
            port, instance, bootfile_name="pxelinux.0", tftp_server="192.0.2.1"
        )
        fake.bind_port(port, HOST)
    (tmp_path / "migration.json").write_text(MIGRATION)
    fake.servers.update(placement_service.held(node))
    scene = Scene(tmp_path, node, [])

    @webob.dec.wsgify
    def cloud(request: webob.Request) -> Any:
        scene.sees(request)
        return fake

    @webob.dec.wsgify
    def placement(request: webob.Request) -> Any:
        scene.sees(request)
        request.headers["X-Roles"] = "admin,service"
        return placement_service.application

    with http_server.serve(cloud) as url, http_server.serve(placement) as placement_url:
        file = fake_cloud.clouds_yaml(tmp_path, url, placement_url)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
        monkeypatch.setenv("OS_CLOUD", fake_cloud.CLOUD)
        # Python loses what a full pipe does not take, and says nothing of it.
        monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
        yield scene


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """What was said of the end."""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("script", CHANGING)
def test_an_output_that_is_full_after_a_change_is_a_follow_up(
    scene: Scene, script: str
) -> None:
    with Path("/dev/full").open("w") as full:
        done = scene.change(script, stdout=full.fileno())

    assert (done.returncode, scene.writes != []) == (3, True)
    assert "; then: cannot go on: No space left on device; " in one_line(done)


@pytest.mark.parametrize("script", CHANGING)
def test_a_pipe_that_nobody_reads_after_a_change_is_a_follow_up(
    scene: Scene, script: str
) -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    os.write(write, b"x" * fcntl.fcntl(write, fcntl.F_GETPIPE_SZ))
    done = scene.change(script, stdout=write)
    os.close(write)
    os.close(read)

    assert done.returncode == 3
    assert "; then: cannot go on: " in one_line(done)


def test_a_pipe_that_nobody_reads_ends_a_conversion_before_any_change(
    scene: Scene,
) -> None:
    os.mkfifo(scene.directory / "output")
    done = scene.change(ALLOCATIONS, "--output", str(scene.directory / "output"))

    assert (done.returncode, scene.writes) == (1, [])
    assert "output: cannot be written: No such device or address" in one_line(done)


def fill_the_disk(pid: int) -> None:
    """No file of the process grows any more."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, 0))


def test_a_disk_that_fills_while_a_conversion_runs_is_a_follow_up(
    scene: Scene,
) -> None:
    output = scene.directory / "output.json"
    scene.when, scene.happens = RESHAPE, fill_the_disk
    done = scene.change(ALLOCATIONS, "--output", str(output))

    assert done.returncode == 3
    said = one_line(done)
    assert f"1 nodes are as asked for; then: {output}: cannot be written: " in said
    assert not json.loads(output.read_text())["finished"]


@pytest.mark.parametrize("kind", ["dumb", "xterm"])
def test_a_conversion_goes_on_where_its_terminal_has_gone(
    scene: Scene, kind: str
) -> None:
    """A bar is drawn all the time, or, on a dumb terminal, at the end."""
    ours, theirs = os.openpty()
    scene.when, scene.happens = RESHAPE, lambda pid: os.close(ours)
    terminal = {"IRONIC_SIDEWAYS_TERMINAL": str(theirs), "TERM": kind}
    done = scene.change(ALLOCATIONS, pass_fds=[theirs], env={**os.environ, **terminal})
    os.close(theirs)

    assert (done.returncode, done.stderr, scene.when) == (0, "", "")


@pytest.mark.parametrize("script", CHANGING)
def test_a_hangup_before_any_change_has_changed_nothing(
    scene: Scene, script: str
) -> None:
    scene.when, scene.happens = "GET", hang_up
    done = scene.change(script)

    assert (done.returncode, scene.writes) == (129, [])
    assert one_line(done) == (f"{script}: interrupted by SIGHUP; nothing was changed\n")


@pytest.mark.parametrize(("script", "when"), REQUESTS)
def test_a_hangup_amid_the_changes_is_a_follow_up(
    scene: Scene, script: str, when: str
) -> None:
    scene.when, scene.happens = when, hang_up
    done = scene.change(script)

    assert done.returncode == 3
    assert "interrupted" in one_line(done) and "again" in done.stderr


def hang_up(pid: int) -> None:
    os.kill(pid, signal.SIGHUP)


def test_a_hangup_ends_a_wait_for_a_service(scene: Scene) -> None:
    scene.when, scene.happens = "os-services", hang_up
    service = ("--binary", "nova-compute", "--host", HOST, "--os-cloud", "fake")
    done = scene.run("ironic-sideways", "wait-service", *service)

    assert (done.returncode, done.stderr) == (
        129,
        "ironic-sideways: interrupted by SIGHUP\n",
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_verdict_of_which_ten_bytes_are_read_is_no_red_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unbuffered: str
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    read, write = os.pipe()
    # One page, which is full: what comes next waits for the reader, or finds it gone.
    os.write(write, b"x" * fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096))
    with subprocess.Popen(["head", "-c", "10"], stdin=read, stdout=-1) as head:
        os.close(read)
        done = subprocess.run(
            [program("ironic-sideways"), "verdict", str(tmp_path)],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT_S,
        )
        os.close(write)
        assert head.communicate(timeout=TIMEOUT_S)[0] == b"x" * 10
    assert (done.returncode, done.stderr) == (
        141,
        "ironic-sideways: its output is no longer read\n",
    )
