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

"""What any user of this host may try: acts as nobody, in a process of its own."""

import contextlib
import errno
import fcntl
import multiprocessing
import os
import pwd
import shutil
import signal
import socket
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from pathlib import Path
from typing import Any, TypeVar

import psutil
import zmq

T = TypeVar("T")
NOBODY = pwd.getpwnam("nobody")
#: Seconds for one act.
ACT_S = 60
#: Milliseconds: vbmcd answered both messages at once.
ANSWER_MS = 3000


def as_nobody(act: Callable[..., T], *arguments: object) -> T:
    """What ``act`` returns or raises where nobody does it."""
    fork = multiprocessing.get_context("fork")
    with futures.ProcessPoolExecutor(1, fork, _become_nobody) as process:
        return process.submit(act, *arguments).result()


def _become_nobody() -> None:
    # What hangs is killed: a BrokenProcessPool.
    signal.alarm(ACT_S)
    os.setgroups([])
    os.setgid(NOBODY.pw_gid)
    os.setuid(NOBODY.pw_uid)


def listeners(pids: Iterable[int]) -> list[tuple[str, int]]:
    """The IPv4 addresses and TCP ports where these processes listen."""
    wanted = set(pids)
    return [
        (one.laddr.ip, one.laddr.port)
        for one in psutil.net_connections("tcp4")
        if one.pid in wanted and one.status == psutil.CONN_LISTEN
    ]


class Attack:
    """The two messages by which any user ran a program as root, or removed a tree.

    They are virtualbmc's, for its control socket: a libvirt URI that names a program,
    and a domain's name that leads out of the directory of BMCs.

    :param vbmc: the directory of BMCs, beside which there is something precious.
    """

    def __init__(self, vbmc: Path) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="isw-nobody-"))
        # libvirt's client takes root's capabilities from a program that it runs.
        self.directory.chmod(0o777)
        self.program = self.directory / "program"
        self.program.write_text(f"#!/bin/sh\nid -u >{self.directory}/ran\n")
        self.program.chmod(0o755)
        self.precious = vbmc.parent / "precious"
        self.precious.mkdir()

    @property
    def messages(self) -> list[dict[str, Any]]:
        add = {
            **dict.fromkeys(("username", "password", "domain_name"), "x"),
            **dict.fromkeys(("libvirt_sasl_username", "libvirt_sasl_password")),
            "libvirt_uri": f"qemu+ext:///system?command={self.program}",
            "address": "127.0.0.1",
            "port": 6230,
        }
        return [
            {"command": "add", **add},
            {"command": "delete", "domain_names": [f"../{self.precious.name}"]},
        ]

    def send(self, places: Iterable[tuple[str, int]]) -> list[Any]:
        """Send both to each place as nobody; the answers."""
        return as_nobody(_answers, list(places), self.messages)

    @property
    def done(self) -> list[str]:
        """What came of it."""
        ran = self.directory / "ran"
        found = [f"a program ran as uid {ran.read_text()}"] if ran.exists() else []
        return found if self.precious.exists() else [*found, "a directory is gone"]

    def clean_up(self) -> None:
        shutil.rmtree(self.precious, ignore_errors=True)
        shutil.rmtree(self.directory)


def attack(vbmc: Path) -> Iterator[Attack]:
    """For a fixture."""
    made = Attack(vbmc)
    yield made
    made.clean_up()


def _answers(places: list[tuple[str, int]], messages: list[dict[str, Any]]) -> list:
    context, poller = zmq.Context(), zmq.Poller()
    for address, port in places:
        for message in messages:
            asker = context.socket(zmq.REQ)
            asker.setsockopt(zmq.LINGER, 0)
            # Once is enough: MariaDB shuts out who fails again and again.
            asker.setsockopt(zmq.RECONNECT_IVL, -1)
            asker.setsockopt(zmq.SNDTIMEO, ANSWER_MS)
            asker.connect(f"tcp://{address}:{port}")
            # What is no such socket hangs up: there is nobody to send to then.
            with contextlib.suppress(zmq.Again):
                asker.send_json(message)
                poller.register(asker, zmq.POLLIN)
    answers = []
    while found := poller.poll(ANSWER_MS):
        for asker, _ in found:
            answers.append(asker.recv_json())
            poller.unregister(asker)
    context.destroy()
    return answers


def sockets(directory: Path) -> list[Path]:
    """The Unix sockets below a directory."""
    return [path for path in directory.rglob("*") if path.is_socket()]


def reached(paths: Iterable[Path]) -> list[Path]:
    """Those of the Unix sockets to which nobody can connect."""
    return as_nobody(_reached, list(paths))


def _reached(paths: list[Path]) -> list[Path]:
    found = []
    for path in paths:
        with socket.socket(socket.AF_UNIX) as caller:
            code = caller.connect_ex(str(path))
        if code != errno.EACCES:
            found.append(path)
    return found


def may(directory: Path, mode: int) -> list[Path]:
    """What nobody may read (os.R_OK), or write (os.W_OK), of all below a directory."""
    return as_nobody(_may, sorted(directory.rglob("*")), mode)


def _may(paths: list[Path], mode: int) -> list[Path]:
    return [path for path in paths if os.access(path, mode)]


def status(url: str) -> int:
    """What an API answers without a token."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def hold(path: Path) -> None:
    """Take the lock that is this file."""
    with path.open() as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
