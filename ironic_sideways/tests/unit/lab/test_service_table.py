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

"""A row and a template make a service: those that the developer's guide shows."""

import contextlib
import socket
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import jinja2
import pytest

from ironic_sideways import exceptions
from ironic_sideways.lab import (
    bridge,
    bring_up,
    checks,
    cloud,
    configuration,
    databases,
    passwords,
    preflight,
    programs,
    schemas,
    service_table,
    should_run,
    supervision,
)
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.record import LabRecord
from ironic_sideways.lab.service_table import Service

GUIDE = Path(__file__).parents[4] / "doc/source/contributor/developer.rst"
LAB = "+++ b/ironic_sideways/lab/"
RECORD = LabRecord.new(7, 8, "nova_bm")


def added() -> dict[str, str]:
    """What the guide's diff adds, by the file's name below lab/."""
    section = GUIDE.read_text().split("\nAdding a lab service\n", 1)[1]
    files: dict[str, list[str]] = {}
    for line in section.split("\nGrenade\n", 1)[0].splitlines():
        line = line.removeprefix("   ")
        if line.startswith(LAB):
            lines = files.setdefault(line.removeprefix(LAB), [])
        elif line.startswith("+"):
            lines.append(line[1:])
    return {name: "\n".join(lines) + "\n" for name, lines in files.items()}


@pytest.fixture
def depot(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> service_table.Service:
    """The guide's made-up service, in the table and among the templates."""
    (_, row_text), (name, template) = added().items()
    (row,) = eval(f"({row_text})", {"Service": Service})  # noqa: S307 - our own page
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(template)
    before = list(service_table.SERVICES)
    at = next(n for n, one in enumerate(before) if one.name == "neutron") + 1
    table = (*before[:at], row, *before[at:])
    monkeypatch.setattr(service_table, "SERVICES", table)
    usual = configuration.environment()
    ours = jinja2.FileSystemLoader(tmp_path / "templates")
    both = usual.overlay(loader=jinja2.ChoiceLoader([usual.loader, ours]))
    monkeypatch.setattr(configuration, "environment", lambda: both)
    layout.directory.mkdir()
    assert isinstance(row, Service)
    return row


def test_the_guide_adds_a_service_by_two_files() -> None:
    assert list(added()) == ["service_table.py", "templates/depot/depot.conf.j2"]


def test_its_port_is_its_own_and_the_others_stay(
    layout: Layout, depot: Service
) -> None:
    ports = service_table.listeners()

    assert layout.port("depot") == 21363
    assert list(ports.values()).count(ports["depot"]) == 1
    assert layout.port("nova-metadata") == 21362


def test_its_taken_port_refuses_a_lab(
    layout: Layout, depot: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "find", lambda name: None)
    monkeypatch.setattr(bridge, "taken_networks", list)
    with (
        socket.create_server(("127.0.0.1", layout.port("depot"))),
        pytest.raises(exceptions.SidewaysError, match=r"\(depot\): taken by"),
    ):
        preflight.check_free(layout, RECORD)


def test_its_database_is_created_with_its_owner(
    layout: Layout, depot: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = mock.MagicMock()
    monkeypatch.setattr(databases, "connect", lambda layout: connection)
    databases.create_all(layout)

    cursor = connection.__enter__().cursor().__enter__()
    told = [" ".join(map(str, call.args)) for call in cursor.execute.mock_calls]
    password = passwords.load(layout)["database-depot"]
    assert [one for one in told if "depot" in one] == [
        "CREATE USER IF NOT EXISTS %s@'127.0.0.1' IDENTIFIED BY %s "
        f"('depot', '{password}')",
        "CREATE DATABASE IF NOT EXISTS `depot` CHARACTER SET utf8mb3",
        "GRANT ALL ON `depot`.* TO %s@'127.0.0.1' ('depot',)",
    ]
    assert password in layout.database_url_file("depot").read_text()


def test_its_schema_is_made_with_the_others(
    depot: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[list[str]] = []

    def run(words: list[str], *_: object, **__: object) -> SimpleNamespace:
        ran.append(words)
        return SimpleNamespace(returncode=0, stdout="")

    monkeypatch.setattr(schemas, "_connect", lambda socket: mock.MagicMock())
    monkeypatch.setattr(schemas.commands, "run", run)
    schemas._create_schemas(tmp_path, tmp_path / "socket")

    (ours,) = (words for words in ran if words[0].endswith("/depot-manage"))
    assert ours[1:] == ["--config-file", str(tmp_path / "depot.conf"), "db", "sync"]
    assert "/depot?unix_socket" in (tmp_path / "depot.conf").read_text()


def test_its_configuration_is_rendered_and_known_to_the_phases(
    layout: Layout, depot: Service
) -> None:
    configuration.write(layout, RECORD, "api")
    text = configuration.path_of(layout, "depot").read_text()

    assert f"connection = {databases.url(layout, 'depot')}\n" in text
    assert f"password = {passwords.load(layout)['user-depot']}\n" in text


def test_its_program_listens_on_its_port(layout: Layout, depot: Service) -> None:
    supervisor = supervision.Supervisor(layout)
    supervisor.write_configuration(programs.all_programs(layout))
    program = supervisor.config.read_text().split("[program:depot]\n")[1]

    command, environment = program.splitlines()[:2]
    assert "--http-socket=127.0.0.1:21363 --module depot.wsgi.api:appl" in command
    assert environment == f'environment = OS_DEPOT_CONFIG_DIR="{layout.etc}/depot"'


def test_it_is_ready_once_it_answers_the_admin(
    layout: Layout, depot: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = mock.MagicMock()
    monkeypatch.setattr(checks, "admin_session", lambda layout: session)
    state = supervision.State("depot", "RUNNING", 0, 1, "")

    assert checks.look(layout, state) == checks.READY
    assert session.get.call_args.args == ("http://127.0.0.1:21363/v1/parts",)
    session.get.return_value.ok = False
    assert checks.look(layout, state).startswith("/v1/parts: HTTP")


def test_it_comes_up_and_is_registered_with_the_others(
    layout: Layout, depot: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    connection = mock.MagicMock()
    connection.identity.find_user.return_value = None
    connection.identity.services.return_value = []
    connection.identity.endpoints.return_value = []
    monkeypatch.setattr(cloud, "is_bootstrapped", lambda layout: True)
    monkeypatch.setattr(cloud, "connect", lambda layout: connection)
    monkeypatch.setattr(checks, "wait_ready", lambda _, name: told.append(f"{name}?"))
    steps = mock.MagicMock()
    steps.step = lambda text: contextlib.nullcontext()
    up = bring_up.BringUp(layout, RECORD, Path("/cache"), steps)
    monkeypatch.setattr(up.supervisor, "start_program", told.append)
    up._identity()
    up._base_services()

    assert "depot" in should_run.base(layout)
    started = ["rabbitmq", "keystone", "placement", "glance", "neutron", "depot"]
    assert told[:7] == [*started, "keystone?"]
    assert told.index("neutron?") < told.index("depot?") < told.index("nova-scheduler?")
    identity = connection.identity
    users = [call.kwargs["name"] for call in identity.create_user.call_args_list]
    assert users == ["demo", "placement", "glance", "neutron", "depot", "nova"]
    identity.create_service.assert_any_call(type="parts", name="depot")
    urls = [call.kwargs["url"] for call in identity.create_endpoint.call_args_list]
    assert "http://127.0.0.1:21363" in urls


def test_no_name_port_database_or_file_stands_in_two_rows() -> None:
    rows = service_table.SERVICES
    for kind in (
        [row.name for row in rows],
        [name for row in rows for name in row.ports],
        [position for row in rows for position in row.ports.values()],
        [name for row in rows for name in row.databases],
        [path for row in rows for path, _ in configuration.files_of(row)],
    ):
        assert len(set(kind)) == len(kind)


@pytest.mark.parametrize("row", service_table.SERVICES, ids=lambda row: row.name)
def test_every_row_has_a_program_and_what_proves_it(row: Service) -> None:
    assert bool(row.command) + bool(row.wsgi) + (row.name in programs.OWN) == 1
    assert row.name in checks.OWN or row.path or row.topic or row.ports


def test_ports_keep_their_positions() -> None:
    """A lab that is up is found again by a later version."""
    assert service_table.listeners() == {
        **{"mariadb": 0, "rabbitmq": 1, "epmd": 2, "rabbitmq-dist": 3, "keystone": 4},
        **{"glance": 5, "placement": 6, "neutron": 7, "nova-api": 8, "ironic": 9},
        **{"heartbeat": 10, "http-boot": 11, "nova-metadata": 12},
    }
