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

"""The rows that the real Nova 2014.2.4 wrote, and what its README says is right.

tests/data/nova-2014.2.4 is that Nova's own: rows, PXE configurations, Neutron's ports
and nova.conf, as they came. What is expected is read from the table of its README.
"""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.nova_bm import database, rows_file
from ironic_sideways.tests import fake_cloud, fake_nova, http_server
from ironic_sideways.tests.functional import mariadb
from ironic_sideways.tests.functional.conftest import Clouds

DATA = Path(__file__).parents[2] / "data" / "nova-2014.2.4"
PORTS: dict[str, dict[str, str]] = json.loads((DATA / "ports.json").read_text())
#: A row that the table does not name has the life of this one.
UNNAMED = {17: 7}
DECISION = "--stale-states-free"


def table() -> dict[str, str]:
    """First column -> last column of the README's table."""
    found = {}
    for line in (DATA / "README.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3:
            found[cells[0]] = cells[2]
    del found["instance_name"], found["---"]
    return found


def right(row: dict[str, Any]) -> str:
    """What the table says of a bm_nodes row, by its instance's name or its id."""
    number = UNNAMED.get(row["id"], row["id"])
    for name, said in table().items():
        if name.startswith("(row"):
            matches = str(number) in re.findall(r"\d+", name)
        else:
            pattern = re.escape(name).replace("N", r"\d+")
            matches = re.fullmatch(pattern, row["instance_name"] or "") is not None
        if matches:
            return said
    raise AssertionError(f"the table has no row {row['id']}")


def kind(row: dict[str, Any]) -> str:
    """skipped, refused, free or used."""
    said = right(row)
    if said in ("skipped",) or said.startswith("refused"):
        return said.split(",")[0]
    return "free" if re.search("free", said, re.IGNORECASE) else "used"


@pytest.fixture
def real(
    clouds: Clouds, monkeypatch: pytest.MonkeyPatch
) -> Iterator[fake_nova.FakeNova]:
    """That cloud: its rows, its TFTP directory, and a Nova and Neutron that agree."""
    with database.engine(clouds.nova_bm).begin() as connection:
        rows_file.load(connection, DATA / "rows.sql")
    root = shutil.copytree(DATA / "tftpboot", clouds.directory / "tftpboot")
    for config in root.glob("*/config"):
        for name in ("kernel", "ramdisk"):
            config.with_name(name).write_text(f"{name} of {config.parent.name}")
    clouds.decisions = ()
    fake = fake_nova.FakeNova()
    for row in source(clouds):
        fake.add_hypervisor(row["uuid"], row["service_host"])
        if row["instance_uuid"]:
            of = (row["instance_uuid"], row["uuid"], row["service_host"])
            state = {"error": "error"}.get(row["task_state"], "active")
            fake.add_instance(*of, **{"OS-EXT-STS:vm_state": state})
    for port, told in PORTS.items():
        fake.ports[fake.add_port(port, told["instance"])]["mac_address"] = told["mac"]
    with http_server.serve(fake) as url:
        path = fake_cloud.clouds_yaml(clouds.directory, url)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
        yield fake


def source(clouds: Clouds) -> list[dict[str, Any]]:
    return mariadb.rows(clouds.nova_bm, "bm_nodes")["bm_nodes"]


def words(clouds: Clouds, *more: str, cloud: bool = True) -> list[str]:
    """The options of this move."""
    return [
        *("--nova-config", str(DATA / "nova.conf")),
        *("--tftp-root", str(clouds.directory / "tftpboot")),
        *("--netboot-images", str(clouds.directory / "images")),
        *(("--os-cloud", fake_cloud.CLOUD) if cloud else ()),
        *more,
    ]


def outcomes(
    clouds: Clouds, command: str, *more: str
) -> tuple[int, dict[int, dict[str, Any]]]:
    """The exit code, and what the record says of each row."""
    record = clouds.directory / "record.json"
    code = clouds.migrate(command, *words(clouds, *more), "--output", str(record))
    return code, {
        row["bm_node_id"]: row for row in json.loads(record.read_text())["rows"]
    }


def test_the_table_names_every_row() -> None:
    assert len(table()) == 13
    assert {said for said in table().values() if said.startswith("refused")} == {
        "refused, with what to do"
    }


def test_check_gives_the_table(clouds: Clouds, real: fake_nova.FakeNova) -> None:
    rows = source(clouds)
    expected = {
        row["id"]: {"skipped": "skip", "refused": "refuse"}.get(kind(row), "migrate")
        for row in rows
    }
    code, found = outcomes(clouds, "check", DECISION)
    assert code == 1
    assert {number: row["outcome"] for number, row in found.items()} == expected
    (refused,) = (row for row in found.values() if row["outcome"] == "refuse")
    assert "see that the BMC answers, and delete or rebuild" in refused["reasons"][0]
    # Without the operator's word, the helper's late words are refused by name.
    code, found = outcomes(clouds, "check")
    late = {n for n, row in found.items() if DECISION in "".join(row["reasons"])}
    assert late == {8, 9}
    assert clouds.migrate("run", *words(clouds, DECISION)) == 1
    assert clouds.ironic_rows() == {"nodes": [], "ports": []}


def test_without_neutron_the_nodes_with_two_nics_are_named(
    clouds: Clouds,
    real: fake_nova.FakeNova,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert clouds.migrate("check", *words(clouds, DECISION, cloud=False)) == 1
    said = capsys.readouterr().out
    named = {int(n) for n in re.findall(r"refuse: row (\d+)", said)}
    two = {row["id"] for row in source(clouds) if "NIC" in right(row)}
    assert named == two | {19}


def test_the_rows_move_there_and_back(
    clouds: Clouds, real: fake_nova.FakeNova, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = source(clouds)
    moving = [row for row in rows if kind(row) in ("free", "used")]
    part = ("--node", *(row["uuid"] for row in moving))
    run = words(clouds, DECISION, *part)
    assert clouds.migrate("check", *run) == 0
    assert clouds.migrate("run", *run) == 0
    compare(clouds, moving)
    # Needs no cloud: each node has with it what Neutron told.
    assert clouds.migrate("verify", *words(clouds, DECISION, *part, cloud=False)) == 0
    before = clouds.ironic_rows()
    capsys.readouterr()
    assert clouds.migrate("run", *run) == 0
    assert "run: nothing left to write" in capsys.readouterr().out
    assert clouds.ironic_rows() == before
    assert clouds.migrate("rollback") == 0
    assert clouds.ironic_rows() == {"nodes": [], "ports": []}
    assert clouds.migrate("run", *run) == 0
    compare(clouds, moving)


def compare(clouds: Clouds, moving: list[dict[str, Any]]) -> None:
    """Every claim of the table on what Ironic holds now."""
    there = clouds.ironic_rows()
    nodes = {node["uuid"]: node for node in there["nodes"]}
    assert nodes.keys() == {row["uuid"] for row in moving}
    claims = dict.fromkeys(CLAIMS, 0)
    for row in moving:
        node = nodes[row["uuid"]]
        ports = {
            port["address"]: json.loads(port["internal_info"])
            for port in there["ports"]
            if port["node_id"] == node["id"]
        }
        used = kind(row) == "used"
        assert node["provision_state"] == ("active" if used else "available")
        assert node["instance_uuid"] == row["instance_uuid"]
        info = json.loads(node["instance_info"])
        assert bool(info) is used
        access = json.loads(node["driver_info"])
        assert access["ipmi_password"] == row["pm_password"]
        if used:
            compare_boot(clouds, row["instance_uuid"], info)
            compare_vifs(row["instance_uuid"], ports)
        else:
            assert not any(ports.values())
        for claim, holds in CLAIMS.items():
            if claim in right(row):
                claims[claim] += 1
                assert holds(node, info, ports), (row["id"], claim)
    assert all(claims.values()), claims


#: Words of the table -> what they mean of Ironic's node, its instance_info and ports.
CLAIMS: dict[str, Any] = {
    "net-booted": lambda _node, info, _ports: info["deploy_interface"] == "ramdisk",
    # A conductor enforces any power state but NULL.
    "its machine stays off": lambda node, _info, _ports: node["power_state"] is None,
    "nothing stale": lambda _node, info, _ports: info == {},
    "preserve_ephemeral kept": lambda _node, info, _ports: (
        info["preserve_ephemeral"] == "True"
    ),
    "no port": lambda _node, _info, ports: ports == {},
}


def compare_boot(clouds: Clouds, instance: str, info: dict[str, Any]) -> None:
    """Kernel, ramdisk and arguments are those of the configuration's label boot."""
    text = (DATA / "tftpboot" / instance / "config").read_text()
    append = re.search(r"(?ms)^label boot$.*?^append initrd=\S+ (.*?)\s*$", text)
    assert append is not None
    assert info["ramdisk_kernel_arguments"] == append[1]
    for name in ("kernel", "ramdisk"):
        kept = Path(info[name].removeprefix("file://"))
        assert kept.parent == clouds.directory / "images"
        assert kept.read_text() == f"{name} of {instance}"


def compare_vifs(instance: str, ports: dict[str, dict[str, str]]) -> None:
    """Each VIF is on the NIC whose address is its Neutron port's."""
    expected = {
        told["mac"].lower(): vif
        for vif, told in PORTS.items()
        if told["instance"] == instance
    }
    found = {mac: info.get("tenant_vif_port_id") for mac, info in ports.items()}
    assert {mac: vif for mac, vif in found.items() if vif} == expected
