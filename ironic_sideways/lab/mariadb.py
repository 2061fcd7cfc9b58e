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

"""The lab's MariaDB: a server of its own on a data directory of its own."""

from pathlib import Path

from ironic_sideways import commands, exceptions
from ironic_sideways.lab.layout import Layout

#: Small and quick: nothing of a lab must survive a power failure.
SETTINGS = (
    "--user=root",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=128M",
    "--innodb-log-file-size=16M",
    "--max-connections=500",
    "--performance-schema=OFF",
)


def install(data: Path) -> None:
    """Make an empty data directory; root is authenticated by the Unix socket.

    :raises SidewaysError: mariadb-install-db failed; shows the end of its output.
    """
    done = commands.run(
        [
            "mariadb-install-db",
            "--no-defaults",
            "--user=root",
            f"--datadir={data}",
            f"--tmpdir={data.parent}",
            "--auth-root-authentication-method=socket",
            "--auth-root-socket-user=root",
            "--skip-test-db",
        ],
        timeout=300,
    )
    if done.returncode:
        last = " ".join((done.stderr or done.stdout).split())[-300:]
        raise exceptions.SidewaysError(f"mariadb-install-db in {data} failed: {last}")


def on_socket(socket: Path) -> list[str]:
    """A socket and a tmpdir of the server's own: a server deletes at its start all
    temporary tables in its tmpdir, and by default all servers share one."""
    return [f"--socket={socket}", f"--tmpdir={socket.parent}"]


def private_command(data: Path, socket: Path) -> list[str]:
    """A server that only ``socket`` reaches."""
    return [
        "mariadbd",
        "--no-defaults",
        *SETTINGS,
        f"--datadir={data}",
        *on_socket(socket),
        f"--pid-file={socket}.pid",
        "--skip-networking",
    ]


def command(layout: Layout) -> list[str]:
    """The lab's server, on loopback and a Unix socket."""
    return [
        "mariadbd",
        "--no-defaults",
        *SETTINGS,
        f"--datadir={layout.data / 'mariadb'}",
        *on_socket(layout.database_socket),
        f"--pid-file={layout.run / 'mariadb.pid'}",
        "--bind-address=127.0.0.1",
        f"--port={layout.port('mariadb')}",
    ]
