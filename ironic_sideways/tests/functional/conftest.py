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

"""Fixtures: a private MariaDB, databases in it, an Ironic schema to fill."""

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ironic.db.sqlalchemy import models
from sqlalchemy.engine import URL
from xdist import scheduler

from ironic_sideways import whole_file
from ironic_sideways.cmd import migrate
from ironic_sideways.nova_bm import database, schema
from ironic_sideways.tests.functional import mariadb

_numbers = itertools.count(1)

#: Where two workers share the tests, one of them has all of a group, one after the
#: other: what changes the host's network and libvirt, and what shares a browser.
GROUPS = {"lab": "host", "hardware": "host", "report": "browser"}
HERE = "ironic_sideways/tests/functional/"


def group(nodeid: str) -> str:
    """The group that a test belongs to, or none."""
    return GROUPS.get(nodeid.removeprefix(HERE).split("/")[0], "")


class ByGroup(scheduler.LoadScopeScheduling):
    """Not xdist's own marks of groups, which pytest 9 does not let it read back."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid) or nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    """Let a group be one worker's."""
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest begin first: the longest group, and the longest test beside it."""
    items.sort(
        key=lambda item: (
            group(item.nodeid) != "host",
            not item.nodeid.startswith(f"{HERE}test_other_debian.py"),
        )
    )


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mariadb.Server]:
    """A MariaDB of this test session's own."""
    with mariadb.running(tmp_path_factory.mktemp("mariadb")) as running:
        yield running


@pytest.fixture
def empty_url(server: mariadb.Server) -> Iterator[URL]:
    """A database without tables."""
    name = f"t{next(_numbers)}"
    server.execute(f"CREATE DATABASE {name}")
    yield server.url(name)
    server.execute(f"DROP DATABASE {name}")


@pytest.fixture
def url_file(empty_url: URL, tmp_path: Path) -> str:
    """The same, as the ``@FILE`` that a command is given."""
    return write_url(empty_url, tmp_path / "nova_bm.url")


def write_url(url: URL, path: Path) -> str:
    """Write ``url`` to ``path``; the option value that names the file.

    A command that reads it meanwhile finds it whole.
    """
    whole_file.write(path, url.render_as_string(hide_password=False), mode=0o600)
    return f"@{path}"


@dataclasses.dataclass
class Clouds:
    """A nova_bm database and an Ironic database, and the command between them.

    :param decisions: what the operator says of instances without files in a TFTP root,
        and of nodes with several NICs.
    """

    server: mariadb.Server
    nova_bm: URL
    ironic: URL
    directory: Path
    decisions: tuple[str, ...] = ("--instances-boot-from-disk", "--vifs-as-recorded")

    def sql(self, url: URL, *statements: str) -> None:
        """Run statements in one of the two databases."""
        self.server.execute(*statements, database=url.database)

    def ironic_rows(self) -> dict[str, list[dict]]:
        """What Ironic holds."""
        return mariadb.rows(self.ironic, "nodes", "ports")

    def source_words(self) -> list[str]:
        """The options that name nova_bm, with no password among them."""
        return ["-b", write_url(self.nova_bm, self.directory / "nova_bm.url")]

    def target_words(self) -> list[str]:
        """The options that name Ironic."""
        return ["-i", write_url(self.ironic, self.directory / "ironic.url")]

    def words(self, command: str, *more: str) -> list[str]:
        """A command line with what every move needs; ``more`` comes last."""
        words = [command, *self.target_words()]
        if command == "rollback":
            return [*words, *more]
        words += [*self.source_words(), "--node-arch", "x86_64", *self.decisions]
        if "--owner" not in more:
            words.append("--no-owner")
        return [*words, *more]

    def migrate(self, command: str, *more: str) -> int:
        """Run the command in this process; its exit code."""
        return migrate.main(self.words(command, *more))


@pytest.fixture(scope="session")
def ironic_schema(
    server: mariadb.Server, tmp_path_factory: pytest.TempPathFactory
) -> URL:
    """A database with the schema that Ironic's own dbsync makes."""
    return mariadb.create_ironic(server, "ironic", tmp_path_factory.mktemp("ironic"))


@pytest.fixture
def ironic_url(server: mariadb.Server, ironic_schema: URL) -> URL:
    """Ironic's schema without any rows."""
    server.execute(
        "SET FOREIGN_KEY_CHECKS = 0",
        *(f"DELETE FROM {table}" for table in models.Base.metadata.tables),  # noqa: S608
        database=ironic_schema.database,
    )
    return ironic_schema


@pytest.fixture
def clouds(
    server: mariadb.Server, empty_url: URL, ironic_url: URL, tmp_path: Path
) -> Clouds:
    """An empty nova_bm at version 10 and an empty Ironic."""
    with database.engine(empty_url).begin() as connection:
        schema.create(connection)
    return Clouds(server, empty_url, ironic_url, tmp_path)
