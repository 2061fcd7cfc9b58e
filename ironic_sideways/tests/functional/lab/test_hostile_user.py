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

"""What another user of the host can do to a lab: nothing that its services forbid.

Named so that it comes before test_lab.py, which takes the lab down.
"""

import http.client
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from ironic_sideways.evidence import secrets
from ironic_sideways.lab import processes, service_table
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.supervision import Supervisor
from ironic_sideways.tests.functional import local_user
from ironic_sideways.tests.functional.local_user import Attack, as_nobody

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a lab needs root")


@pytest.fixture
def attack(lab: Layout) -> Iterator[Attack]:
    yield from local_user.attack(lab.vbmc)


def listeners(lab: Layout) -> list[tuple[str, int]]:
    return local_user.listeners(one.pid for one in processes.of_lab(lab.directory))


def test_no_port_takes_his_commands(lab: Layout, attack: Attack) -> None:
    answers = attack.send(listeners(lab))

    assert attack.done == []
    assert answers == []


def test_nothing_listens_that_has_no_name(lab: Layout) -> None:
    known = {lab.port(name) for name in service_table.listeners()}

    assert {port for _, port in listeners(lab)} - known == set()


def test_no_socket_of_the_lab_lets_him_in(lab: Layout) -> None:
    sockets = local_user.sockets(lab.directory)

    names = {path.name for path in sockets}
    assert names >= {"libvirt-sock", "supervisor.sock", "mariadb.sock"}
    assert local_user.reached(sockets) == []


def connect(**options: object) -> None:
    pymysql.connect(connect_timeout=5, **options).close()


@pytest.mark.parametrize("user", ["root", "nobody", "nova", ""])
def test_mariadb_does_not_take_him_for(lab: Layout, user: str) -> None:
    with pytest.raises(pymysql.OperationalError, match="denied"):
        as_nobody(tcp, lab.port("mariadb"), user)
    # Not the directory alone keeps them out.
    lab.run.chmod(0o711)
    try:
        with pytest.raises(pymysql.OperationalError, match="denied"):
            as_nobody(unix, str(lab.database_socket), user)
    finally:
        lab.run.chmod(0o700)


def tcp(port: int, user: str) -> None:
    connect(host="127.0.0.1", port=port, user=user)


def unix(path: str, user: str) -> None:
    connect(unix_socket=path, user=user)


def erlang(lab: Layout, *words: str) -> str:
    """What they are told by a program of Erlang's."""
    done = as_nobody(run_erlang, lab.port("epmd"), words)
    return done.stdout + done.stderr


def run_erlang(port: int, words: tuple[str, ...]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        words,
        env={"ERL_EPMD_PORT": str(port), "PATH": "/usr/bin:/bin", "HOME": "/"},
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_he_cannot_end_epmd(lab: Layout) -> None:
    before = Supervisor(lab).state("epmd").pid

    assert "not allowed" in erlang(lab, "epmd", "-kill")
    erlang(lab, "epmd", "-stop", lab.bridge)
    assert f"name {lab.bridge} at port" in erlang(lab, "epmd", "-names")
    assert Supervisor(lab).state("epmd").pid == before


def test_rabbitmqs_node_does_not_know_him(lab: Layout) -> None:
    ping = f"io:format('~p', [net_adm:ping('{lab.bridge}@localhost')]), halt()."
    node = ("-noinput", "-sname", "x@localhost", "-setcookie", "guessed")

    assert erlang(lab, "erl", *node, "-eval", ping) == "pang"


PATHS = {
    "keystone": "/v3/users",
    "glance": "/v2/images",
    "placement": "/resource_providers",
    "neutron": "/v2.0/networks",
    "nova-api": "/v2.1/servers",
}


@pytest.mark.parametrize("name", PATHS)
def test_no_api_knows_him(lab: Layout, name: str) -> None:
    assert as_nobody(local_user.status, lab.url(name) + PATHS[name]) == 401


def raw_status(address: str, port: int, path: str) -> int:
    """Without what urllib would make of the path."""
    connection = http.client.HTTPConnection(address, port, timeout=10)
    connection.request("GET", path)
    return connection.getresponse().status


@pytest.mark.parametrize(
    "path", ["/", "/../../etc/secrets.json", "/%2e%2e/%2e%2e/etc/secrets.json"]
)
def test_http_boot_has_its_files_and_no_list_of_them(lab: Layout, path: str) -> None:
    place = (lab.gateway, lab.port("http-boot"))

    assert as_nobody(raw_status, *place, "/fallback.ipxe") == 200
    assert as_nobody(raw_status, *place, path) in (400, 403, 404)


def tftp(address: str, path: str) -> bytes:
    """The first answer to a read request (RFC 1350)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(10)
        asker.sendto(b"\0\1" + path.encode() + b"\0octet\0", (address, 69))
        return asker.recv(600)


def test_tftp_has_its_files_and_no_others(lab: Layout) -> None:
    error, data = b"\0\5", b"\0\3"

    assert as_nobody(tftp, lab.gateway, "pxelinux.0")[:2] == data
    assert as_nobody(tftp, lab.gateway, "../../etc/secrets.json")[:2] == error
    assert as_nobody(tftp, lab.gateway, str(lab.secrets))[:2] == error


def test_he_reads_logs_and_evidence_and_no_secret_in_them(lab: Layout) -> None:
    known = {**secrets.known(lab.secrets), **secrets.known(lab.vbmc)}
    keys = [path for path in (lab.etc / "keystone").rglob("*") if path.is_file()]
    texts = [secret.encode() for secret in known.values()]
    texts += [path.read_bytes() for path in keys if path.parent.name.endswith("-keys")]

    readable = local_user.may(lab.directory, os.R_OK)
    files = [path for path in readable if path.is_file()]
    shown = {path for path in files if path.parent not in (lab.logs, lab.evidence)}
    assert {path.name for path in shown} <= {"lab.json", "machines.json", "wanted.json"}
    assert lab.log("nova-api") in files
    leaks = [path for path in files for text in texts if text in path.read_bytes()]
    assert leaks == []


def test_he_writes_nothing_in_it(lab: Layout) -> None:
    assert local_user.may(lab.directory, os.W_OK) == []


def test_he_cannot_keep_its_owner_from_it(lab: Layout) -> None:
    with pytest.raises(PermissionError):
        as_nobody(local_user.hold, lab.lock)


def test_nobody_is_who_he_is(lab: Layout) -> None:
    """Or all of the above would prove nothing."""
    assert as_nobody(os.getresuid) == (local_user.NOBODY.pw_uid,) * 3
    assert as_nobody(Path.exists, lab.logs)
