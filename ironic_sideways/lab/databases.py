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

"""The lab's databases in its own MariaDB: names, owners, URLs."""

import pymysql
import pymysql.cursors

from ironic_sideways import exceptions
from ironic_sideways.lab import files, passwords, service_table
from ironic_sideways.lab.layout import Layout


def url(layout: Layout, name: str) -> str:
    """The SQLAlchemy URL of database ``name``, with its owner's password."""
    owner = service_table.databases()[name].owner
    password = passwords.load(layout)[f"database-{owner}"]
    return (
        f"mysql+pymysql://{owner}:{password}@127.0.0.1:{layout.port('mariadb')}"
        f"/{name}?charset=utf8mb4"
    )


#: Seconds: to connect, and for the server's answers.
TIMEOUTS = {"connect_timeout": 5, "read_timeout": 120, "write_timeout": 120}


def connect(layout: Layout) -> "pymysql.Connection[pymysql.cursors.Cursor]":
    """A connection as MariaDB's root, authenticated by the Unix socket."""
    return pymysql.connect(
        unix_socket=str(layout.database_socket),
        user="root",
        autocommit=True,
        **TIMEOUTS,
    )


def create(cursor: pymysql.cursors.Cursor, name: str) -> None:
    """Create database ``name`` where it is not there."""
    characters = service_table.databases()[name].character_set
    cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET {characters}")


def create_all(layout: Layout) -> None:
    """Create the databases that are missing, their users and their URL files."""
    secrets = passwords.load(layout)
    with connect(layout) as connection, connection.cursor() as cursor:
        for row in (row for row in service_table.SERVICES if row.databases):
            cursor.execute(
                "CREATE USER IF NOT EXISTS %s@'127.0.0.1' IDENTIFIED BY %s",
                (row.owner, secrets[f"database-{row.owner}"]),
            )
            for name in row.databases:
                create(cursor, name)
                grant = f"GRANT ALL ON `{name}`.* TO %s@'127.0.0.1'"
                cursor.execute(grant, (row.owner,))
    files.make_private_directory(layout.etc / "database")
    for name in service_table.databases():
        files.write_private(layout.database_url_file(name), url(layout, name) + "\n")


def tables(layout: Layout, name: str) -> list[str]:
    """The tables of database ``name``."""
    with connect(layout) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = %s ORDER BY table_name",
            (name,),
        )
        return [str(row[0]) for row in cursor.fetchall()]


def refuse_rows(layout: Layout, name: str, disposable: frozenset[str]) -> None:
    """See that no row would be lost with database ``name``.

    :param disposable: tables whose rows may be lost.
    :raises SidewaysError: another table holds rows.
    """
    with connect(layout) as connection, connection.cursor() as cursor:
        for table in tables(layout, name):
            cursor.execute(f"SELECT 1 FROM `{name}`.`{table}` LIMIT 1")  # noqa: S608
            if cursor.fetchone() and table not in disposable:
                raise exceptions.SidewaysError(
                    f"database {name}: expected no rows, found some in {table}; roll "
                    "the move back, or drop the database if nothing in it is needed"
                )


def recreate(layout: Layout, name: str) -> None:
    """Drop and create database ``name``."""
    with connect(layout) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
        create(cursor, name)
