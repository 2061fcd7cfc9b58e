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

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from ironic.db.sqlalchemy import models

from ironic_sideways import exceptions
from ironic_sideways.migrate import conductors, target

SERVED = models.ConductorHardwareInterfaces.__table__


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[sa.Connection]:
    """Ironic's rows of one node of run-1, and of conductors that are online."""
    engine = sa.create_engine("sqlite://")
    models.Base.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.execute(
            target.nodes.insert().values(
                **{"id": 1, "uuid": "node-1", "driver": "ipmi", "resource_class": "x"},
                **{"extra": {"run": "run-1"}, "power_interface": "ipmitool"},
                instance_info={"deploy_interface": "ramdisk"},
            )
        )
        monkeypatch.setattr(target, "online_conductors", lambda *_: online(connection))
        yield connection


def online(connection: sa.Connection) -> list[target.Conductor]:
    names = connection.execute(sa.select(target.conductors.c.hostname)).scalars()
    return [target.Conductor(name, 1) for name in names]


def add(connection: sa.Connection, number: int, group: str, *served: str) -> None:
    connection.execute(
        target.conductors.insert().values(
            id=number, hostname=f"host-{number}", conductor_group=group, online=True
        )
    )
    for one in served:
        kind, name = one.split("/")
        connection.execute(
            SERVED.insert().values(
                **{"conductor_id": number, "hardware_type": "ipmi", "default": False},
                **{"interface_type": kind, "interface_name": name},
            )
        )


BOTH = ("power/ipmitool", "deploy/ramdisk")


def require(connection: sa.Connection) -> None:
    conductors.require_served(connection, "run-1", 60)


def test_without_a_conductor_online_there_is_nobody_to_ask(connection) -> None:
    require(connection)


def test_conductors_that_serve_all_that_the_rows_name_will_do(connection) -> None:
    add(connection, 1, "", *BOTH)
    add(connection, 2, "another")

    require(connection)


@pytest.mark.parametrize("lacks", BOTH)
def test_an_interface_that_one_has_not_enabled_is_named(connection, lacks) -> None:
    add(connection, 1, "", *BOTH)
    add(connection, 2, "", *(one for one in BOTH if one != lacks))

    kind, name = lacks.split("/")
    with pytest.raises(
        exceptions.SidewaysError,
        match=f"host-2 has not enabled {kind}_interface {name} of hardware type ipmi",
    ):
        require(connection)


def test_conductors_of_other_groups_alone_serve_nobody(connection) -> None:
    add(connection, 1, "another", *BOTH)

    with pytest.raises(
        exceptions.SidewaysError, match="of the default conductor group"
    ):
        require(connection)


def test_rows_of_another_run_are_not_asked_for(connection) -> None:
    connection.execute(target.nodes.update().values(extra={"run": "run-2"}))
    add(connection, 1, "")

    require(connection)
