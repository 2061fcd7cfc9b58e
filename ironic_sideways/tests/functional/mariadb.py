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

"""A private, real MariaDB server for the functional tests; about a second."""

import contextlib
import dataclasses
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pymysql
import sqlalchemy as sa
from sqlalchemy.engine import URL

#: Seconds for a program that makes or starts a server: a machine may be busy.
START_TIMEOUT_S = 300
STOP_TIMEOUT_S = 60


@dataclasses.dataclass(frozen=True)
class Server:
    """A running server and how its administrator gets in."""

    socket: Path
    port: int
    password: str = dataclasses.field(repr=False)

    def url(self, database: str = "") -> URL:
        """The administrator's URL of ``database``, over TCP."""
        return URL.create(
            "mysql+pymysql",
            username="tester",
            password=self.password,
            host="127.0.0.1",
            port=self.port,
            database=database or None,
            query={"charset": "utf8mb4"},
        )

    def execute(self, *statements: str, database: str | None = None) -> None:
        """Run statements as the administrator; each is committed."""
        with (
            contextlib.closing(
                pymysql.connect(
                    unix_socket=str(self.socket),
                    user="root",
                    database=database,
                    charset="utf8mb4",
                    autocommit=True,
                )
            ) as connection,
            connection.cursor() as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)

    def client(self, program: str) -> list[str]:
        """The command of a MariaDB client program; no password is needed."""
        return [program, "--no-defaults", f"--socket={self.socket}", "--user=root"]


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now."""
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def running(directory: Path, *settings: str) -> Iterator[Server]:
    """A server under the empty ``directory``, stopped and gone at the end.

    :param settings: of mariadbd, stronger than those here.
    :raises RuntimeError: it did not answer in START_TIMEOUT_S seconds.
    """
    data = directory / "data"
    user = ["--user=root"] if os.geteuid() == 0 else []
    _do(
        [
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={data}",
            # As below: also while it makes its tables.
            f"--tmpdir={directory}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            *user,
        ]
    )
    server = Server(directory / "s", free_port(), secrets.token_urlsafe(12))
    program = shutil.which("mariadbd", path=os.environ["PATH"] + ":/usr/sbin")
    assert program, "mariadbd is not installed"
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                "--no-defaults",
                f"--datadir={data}",
                f"--socket={server.socket}",
                # One that starts deletes what is in a tmpdir that others use.
                f"--tmpdir={directory}",
                "--bind-address=127.0.0.1",
                f"--port={server.port}",
                # Nothing here outlives the test session: no waiting for disks.
                "--innodb-flush-log-at-trx-commit=0",
                "--innodb-flush-method=nosync",
                "--innodb-doublewrite=0",
                "--innodb-buffer-pool-size=128M",
                "--character-set-server=utf8mb4",
                *settings,
                *user,
            ],
            stdout=log,
            stderr=log,
        )
    try:
        _wait(server, process, directory / "log")
        server.execute(
            f"CREATE USER tester@'127.0.0.1' IDENTIFIED BY '{server.password}'",
            "GRANT ALL ON *.* TO tester@'127.0.0.1' WITH GRANT OPTION",
        )
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_TIMEOUT_S)
            raise


def create_ironic(server: Server, name: str, directory: Path) -> URL:
    """A database with the schema that the installed Ironic's own dbsync makes."""
    server.execute(f"CREATE DATABASE {name}")
    url = server.url(name)
    config = directory / "ironic-dbsync.conf"
    text = url.render_as_string(hide_password=False)
    config.touch(mode=0o600)
    config.write_text(f"[database]\nconnection = {text}\n")
    program = Path(sys.executable).with_name("ironic-dbsync")
    _do([str(program), "--config-file", str(config), "create_schema"])
    return url


def _do(words: list[str]) -> None:
    """Run a program; its last words first if it fails, as a summary shows one line.

    :raises RuntimeError: it failed.
    :raises subprocess.TimeoutExpired: it did not end in START_TIMEOUT_S seconds.
    """
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=START_TIMEOUT_S
    )
    if done.returncode:
        said = (done.stderr + done.stdout).strip().splitlines() or ["said nothing"]
        raise RuntimeError(
            f"{words[0]}: exit code {done.returncode}: {said[-1]}\n" + "\n".join(said)
        )


def _wait(server: Server, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            server.execute("SELECT 1")
        except pymysql.err.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"mariadbd: {error}\n{log.read_text()}") from error
            time.sleep(0.05)
        else:
            return


def rows(url: URL, *tables: str) -> dict[str, list[dict]]:
    """All rows of ``tables`` in the order of their ids."""
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        return {
            table: [
                dict(row)
                for row in connection.execute(
                    sa.text(f"SELECT * FROM `{table}` ORDER BY 1")  # noqa: S608
                ).mappings()
            ]
            for table in tables
        }
