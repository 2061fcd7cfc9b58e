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

"""verify notices whatever is changed in Ironic's database."""

import json
from typing import Any

import pymysql
import pytest
import sqlalchemy as sa

from ironic_sideways.nova_bm import database
from ironic_sideways.tests import rows
from ironic_sideways.tests.functional.conftest import Clouds
from ironic_sideways.tests.unit.migrate.files import test_tftp

#: Columns that Ironic's objects do not give, or that may be anything.
NOT_CHECKED = {"id", "node_id", "chassis_id", "portgroup_id", "allocation_id"}


@pytest.fixture
def moved(clouds: Clouds) -> Clouds:
    """A node with an instance and every column of nova_bm set, moved."""
    rows.insert(
        clouds.nova_bm,
        rows.used_node(1, terminal_port=8001, preserve_ephemeral=1),
        rows.plugged(1, datapath_id="0x1", port_no=3),
    )
    assert clouds.migrate("run", *OPTIONS) == 0
    return clouds


OPTIONS = ("--deploy-kernel", "k", "--deploy-ramdisk", "r", "--owner", "0" * 32)


@pytest.fixture
def netbooted(clouds: Clouds) -> Clouds:
    """A node whose instance boots over the network, with a mapped BMC, moved."""
    rows.insert(clouds.nova_bm, rows.used_node(1), rows.plugged(1))
    test_tftp.write(clouds.directory / "tftp")
    secret = clouds.directory / "bmc.secret"
    secret.touch(mode=0o600)
    secret.write_text("s3cret-mapped")
    (clouds.directory / "bmcs.csv").write_text(
        "node,address,port,user,password_file\n"
        f"{rows.node_uuid(1)},10.9.0.1,6230,root,bmc.secret\n"
    )
    assert clouds.migrate("run", *netboot_options(clouds)) == 0
    return clouds


def netboot_options(clouds: Clouds) -> list[str]:
    """The options that such a move needs."""
    return [
        *("--tftp-root", str(clouds.directory / "tftp")),
        *("--netboot-images", str(clouds.directory / "images")),
        *("--bmc-map", str(clouds.directory / "bmcs.csv")),
    ]


def spoil(value: Any) -> list[str]:
    """SQL expressions for values that are not ``value``."""
    if isinstance(value, str) and value.startswith("{"):
        content = json.loads(value)
        spoiled = [{**content, "spoiled": 1}]
        for key, inner in content.items():
            spoiled.append({k: v for k, v in content.items() if k != key})
            if isinstance(inner, dict):
                spoiled += [
                    {**content, key: {k: v for k, v in inner.items() if k != last}}
                    for last in inner
                    if last not in ("run_id", "tool", "digest", "updated_at")
                ]
        return [f"'{json.dumps(one)}'" for one in spoiled]
    if isinstance(value, int):
        return [str(1 - value) if value in (0, 1) else str(value + 1)]
    if value is None:
        return ["1"]
    if str(value).startswith("20"):
        return ["'2001-01-01 00:00:00'", "NULL"]
    return ["'spoiled'"]


@pytest.mark.parametrize("table", ["nodes", "ports"])
def test_any_change_of_any_column_is_noticed(
    moved: Clouds, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = moved.ironic_rows()[table][0]
    quiet = []
    for column, value in before.items():
        if column in NOT_CHECKED:
            continue
        for other in spoil(value):
            change(moved, table, column, other)
            if moved.migrate("verify", *OPTIONS) != 1:
                quiet.append((column, other))
            restore(moved, table, before)
    assert quiet == []
    assert "s3cret" not in capsys.readouterr().out
    assert moved.migrate("verify", *OPTIONS) == 0


def test_any_change_of_what_boots_over_the_network_is_noticed(
    netbooted: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    before = netbooted.ironic_rows()["nodes"][0]
    options = netboot_options(netbooted)
    quiet = []
    for column in ("driver_info", "driver_internal_info", "extra", "instance_info"):
        for other in spoil(before[column]):
            change(netbooted, "nodes", column, other)
            if netbooted.migrate("verify", *options) != 1:
                quiet.append((column, other))
            restore(netbooted, "nodes", before)
    assert quiet == []
    assert "s3cret" not in capsys.readouterr().out
    assert netbooted.migrate("verify", *options) == 0


def test_what_take_over_writes_beside_the_boot_device_can_be_rolled_back(
    netbooted: Clouds,
) -> None:
    netbooted.sql(
        netbooted.ironic,
        "UPDATE nodes SET driver_internal_info = '{}' WHERE 1",
    )
    assert netbooted.migrate("rollback") == 1
    assert netbooted.migrate("rollback", "--taken-over") == 0
    assert netbooted.ironic_rows() == {"nodes": [], "ports": []}


def change(clouds: Clouds, table: str, column: str, value: str) -> None:
    """Set one column; a column of times, empty so far, gets a time."""
    try:
        clouds.sql(
            clouds.ironic,
            "SET sql_mode = 'TRADITIONAL', foreign_key_checks = 0",
            f"UPDATE {table} SET {column} = {value}",  # noqa: S608
        )
    except pymysql.err.OperationalError:
        time = f"UPDATE {table} SET {column} = '2001-01-01'"  # noqa: S608
        clouds.sql(clouds.ironic, time)


def restore(clouds: Clouds, table: str, before: dict[str, Any]) -> None:
    """Give the row its values back."""
    names = ", ".join(f"{name} = :{name}" for name in before)
    with database.engine(clouds.ironic).begin() as connection:
        connection.execute(sa.text(f"UPDATE {table} SET {names}"), before)  # noqa: S608


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM ports", "is not in Ironic"),
        ("INSERT INTO ports (uuid, address, node_id, version, pxe_enabled) SELECT "
         "UUID(), '02:00:00:00:00:09', id, '1.16', 1 FROM nodes", "is not in nova_bm"),
        ("UPDATE nodes SET version = NULL", "Ironic cannot load it"),
        ("INSERT INTO node_traits (node_id, trait, version) "
         "SELECT id, 'HW_X', '1.0' FROM nodes", "traits: expected none"),
    ],
)  # fmt: skip
def test_missing_and_additional_rows_are_noticed(
    moved: Clouds, capsys: pytest.CaptureFixture[str], statement: str, words: str
) -> None:
    moved.sql(moved.ironic, statement)
    assert moved.migrate("verify", *OPTIONS) == 1
    assert words in capsys.readouterr().out


def test_a_node_that_is_not_there_is_noticed(
    moved: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    rows.insert(moved.nova_bm, rows.free_node(2), rows.interface(2))
    assert moved.migrate("verify", *OPTIONS) == 1
    assert f"{rows.node_uuid(2)} (bm_nodes row 2): is not in Ironic" in (
        capsys.readouterr().out
    )


def test_a_node_that_nova_bm_has_no_more_is_noticed(
    moved: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    moved.sql(moved.nova_bm, "DELETE FROM bm_interfaces", "DELETE FROM bm_nodes")
    assert moved.migrate("verify", *OPTIONS) == 1
    assert "1 nodes of this tool that nova_bm lacks" in capsys.readouterr().out
