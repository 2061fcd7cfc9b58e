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

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from ironic_sideways.tests.functional import mariadb

_numbers = itertools.count(1)


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
    """Write ``url`` to ``path``; the option value that names the file."""
    path.write_text(url.render_as_string(hide_password=False), encoding="utf-8")
    return f"@{path}"
