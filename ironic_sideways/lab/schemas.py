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

"""Every schema of the base control plane, made once per set of versions.

Making them costs 38 s on two cores, so that a data directory with all of them
and no user, password or row of a lab in it is kept in the cache.
"""

import concurrent.futures
import contextlib
import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pymysql

from ironic_sideways import commands, exceptions, waits
from ironic_sideways.lab import databases, files, mariadb, service_table

#: Changes when this module makes different schemas of the same packages.
FORMAT = "1"

#: One configuration for every tool here; each reads the sections it knows.
CONFIGURATION = """\
[DEFAULT]
transport_url = rabbit://nobody:nothing@127.0.0.1:5672/
core_plugin = ml2
[database]
connection = {main}
[api_database]
connection = {api}
[placement_database]
connection = {main}
"""


#: Seconds for one schema tool; nova's takes 24 on two free cores.
SCHEMA_TIMEOUT = 900


def _rows() -> list[service_table.Service]:
    """The rows with a schema, by port: an order that keeps the key."""
    rows = (row for row in service_table.SERVICES if row.schema)
    return sorted(rows, key=lambda row: row.ports[row.listener])


def key() -> str:
    """What the snapshot depends on, as a short hash."""
    server = commands.run(["mariadbd", "--no-defaults", "--version"], 60, check=True)
    packages = [row.package or row.name for row in _rows()]
    versions = [f"{name}={importlib.metadata.version(name)}" for name in packages]
    text = "\n".join([FORMAT, server.stdout.strip(), *versions, *mariadb.SETTINGS])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def snapshot(cache: Path) -> Path:
    """The data directory with every schema, made at the first call.

    :param cache: directory for ``databases-<key>/``; shared by labs.
    :raises SidewaysError: a schema tool failed; shows the end of its output.
    """
    place = cache / f"databases-{key()}"
    if place.exists():
        return place
    cache.mkdir(parents=True, exist_ok=True)
    # Short: a Unix socket's path has room for 107 bytes.
    with tempfile.TemporaryDirectory(prefix=".databases-", dir=cache) as scratch:
        data = Path(scratch, "data")
        mariadb.install(data)
        with _server(data) as socket:
            _create_schemas(Path(scratch), socket)
        # Another lab's `up` may have been faster.
        with contextlib.suppress(OSError):
            data.rename(place)
    return place


def restore(cache: Path, data: Path) -> None:
    """Copy the snapshot to ``data``, a new MariaDB data directory."""
    part = data.with_name(data.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(snapshot(cache), part)
    part.rename(data)


@contextlib.contextmanager
def _server(data: Path) -> Iterator[Path]:
    """A MariaDB on ``data`` that only root on this host reaches; its socket."""
    with tempfile.TemporaryDirectory(prefix="isw-db-") as run:
        socket = Path(run, "db.sock")
        log = Path(run, "log")
        with log.open("wb") as stream:
            server = subprocess.Popen(
                mariadb.private_command(data, socket), stdout=stream, stderr=stream
            )
        try:
            waits.wait_for(
                lambda: _answers(socket, server),
                lambda seen: seen == "ready",
                "MariaDB for the schemas",
                timeout=60,
                interval=0.1,
            )
            yield socket
        finally:
            server.terminate()
            server.wait(timeout=60)


def _connect(socket: Path) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    return pymysql.connect(unix_socket=str(socket), user="root", **databases.TIMEOUTS)


def _answers(socket: Path, server: "subprocess.Popen[bytes]") -> str:
    if server.poll() is not None:
        raise exceptions.SidewaysError(
            f"MariaDB for the schemas ended with exit code {server.returncode}"
        )
    try:
        _connect(socket).close()
    except pymysql.Error as error:
        return str(error)
    return "ready"


def _create_schemas(scratch: Path, socket: Path) -> None:
    with (
        _connect(socket) as connection,
        connection.cursor() as cursor,
    ):
        for row in _rows():
            for name in row.databases:
                databases.create(cursor, name)
    # Nova's take longest, and are the last ones.
    rows = [(row, _configuration(scratch, row, socket)) for row in reversed(_rows())]
    with concurrent.futures.ThreadPoolExecutor(max(2, os.cpu_count() or 2)) as pool:
        for done in [
            pool.submit(_run_chain, chain, config)
            for row, config in rows
            for chain in row.schema
        ]:
            done.result()
    _copy_schema(socket, "nova", "nova_cell0")


def _copy_schema(socket: Path, source: str, target: str) -> None:
    """Copy a database: cell0's schema is every cell's, and a sync costs 15 s."""
    client = ["--no-defaults", "--user=root", f"--socket={socket}"]
    words = ["mariadb-dump", *client, source]
    dump = commands.run(words, SCHEMA_TIMEOUT, check=True)
    words = ["mariadb", *client, target]
    commands.run(words, SCHEMA_TIMEOUT, input=dump.stdout, check=True)


def _configuration(scratch: Path, row: service_table.Service, socket: Path) -> str:
    def url(database: str) -> str:
        return f"mysql+pymysql://root@/{database}?unix_socket={socket}&charset=utf8mb4"

    path = scratch / f"{row.owner}.conf"
    text = CONFIGURATION.format(main=url(row.owner), api=url("nova_api"))
    files.write_private(path, text)
    return str(path)


def _run_chain(chain: Iterable[str], config: str) -> None:
    for command in chain:
        binary, *words = command.split()
        tool = str(Path(sys.prefix, "bin", binary))
        done = commands.run([tool, "--config-file", config, *words], SCHEMA_TIMEOUT)
        if done.returncode:
            last = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
            raise exceptions.SidewaysError(
                f"{command}: exit code {done.returncode}\n{last}"
            )
