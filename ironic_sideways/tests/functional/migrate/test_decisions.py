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

"""What an operator's options say wrongly, or say of a part, on real databases."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nova.db.main import models as nova_models
from placement.db.sqlalchemy import models as placement_models
from sqlalchemy.engine import URL

from ironic_sideways.nova_bm import database
from ironic_sideways.tests import console_page, fake_nova, rows
from ironic_sideways.tests.functional import mariadb
from ironic_sideways.tests.functional.conftest import Clouds
from ironic_sideways.tests.functional.migrate.test_increments import beside
from ironic_sideways.tests.functional.migrate.test_questions import QUESTIONS, asked
from ironic_sideways.tests.guide import test_upgrade_guide as guide

__all__ = ["asked", "beside"]

MIGRATE = Path(__file__).parents[4] / "doc/source/admin/migrate.rst"
PROJECT = "8e2d51e41f0c4a3c9d5e0b1d7a2c9c10"
OLD = "0f000000-0000-4000-8000-000000000009"


@pytest.fixture
def two(clouds: Clouds) -> Clouds:
    """A used and a free node."""
    rows.insert(
        clouds.nova_bm,
        rows.used_node(1),
        rows.plugged(1),
        rows.free_node(2),
        rows.interface(2),
    )
    return clouds


#: Nova's resource tracker on a cell's database, as at the start of nova-compute.
TRACKER = """
import sys, unittest.mock
from nova import config, context, exception, objects
from nova.compute import resource_tracker
from nova.db.main import api
import nova.conf
url, host, node = sys.argv[1:]
config.parse_args(["nova"], default_config_files=[], configure_db=False,
                  init_rpc=False)
nova.conf.CONF.set_override("connection", url, "database")
api.configure(nova.conf.CONF)
objects.register_all()
tracker = resource_tracker.ResourceTracker(host, unittest.mock.Mock(),
                                           unittest.mock.Mock())
tracker.service_ref = unittest.mock.Mock(id=1)
tracker.pci_tracker = unittest.mock.Mock()
words = {"hypervisor_hostname": node, "uuid": node, "vcpus": 1, "memory_mb": 1,
         "local_gb": 1, "vcpus_used": 0, "memory_mb_used": 0, "local_gb_used": 0,
         "hypervisor_type": "ironic", "hypervisor_version": 1, "cpu_info": "",
         "host_ip": "10.0.0.1", "disk_available_least": 0, "numa_topology": None}
try:
    made = tracker._init_compute_node(context.get_admin_context(), words)
except exception.InvalidConfiguration as error:
    print(error)
else:
    print("made" if made else "found", tracker.compute_nodes[node].uuid)
"""


def tracker(url: URL, node: str) -> str:
    """What Nova's resource tracker says of ``node``."""
    whole = url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, "-c", TRACKER, whole, "compute-1", node],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def other_uuid(server: mariadb.Server) -> Iterator[tuple[URL, URL]]:
    """Nova's cell and Placement, with node 2 as ``OLD`` and an allocation of it."""
    name, known = rows.node_uuid(2), {"uuid": OLD}
    contents: dict[str, dict[Any, dict[str, Any]]] = {
        "d1_nova": {
            nova_models.ComputeNode: known
            | {"host": "compute-1", "hypervisor_hostname": name, "deleted": 0}
            | {"vcpus": 4, "memory_mb": 1, "local_gb": 1, "hypervisor_version": 1}
            | {"vcpus_used": 0, "memory_mb_used": 0, "local_gb_used": 0, "mapped": 1}
            | {"hypervisor_type": "baremetal", "cpu_info": ""},
        },
        "d1_placement": {
            placement_models.ResourceProvider: known
            | {"id": 1, "name": name, "generation": 1, "root_provider_id": 1},
            placement_models.Allocation: {"resource_provider_id": 1, "used": 4}
            | {"consumer_id": rows.instance_uuid(2), "resource_class_id": 0},
        },
    }
    for database_name, tables in contents.items():
        server.execute(f"CREATE DATABASE {database_name} CHARACTER SET utf8mb3")
        with database.engine(server.url(database_name)).begin() as connection:
            for model, values in tables.items():
                model.__table__.create(connection)
                connection.execute(model.__table__.insert().values(values))
    nova, placement = map(server.url, contents)
    yield nova, placement
    server.execute(*(f"DROP DATABASE {name}" for name in contents))


def test_d1_a_compute_node_of_another_uuid_is_refused(
    clouds: Clouds, asked: fake_nova.FakeNova, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.hypervisors[1]["id"] = OLD
    assert clouds.migrate("run", *QUESTIONS) == 1
    assert (
        f"refuse: row 2, node {rows.node_uuid(2)}, host compute-1: Nova's compute node "
        f"of this name has uuid {OLD}, expected the node's"
    ) in capsys.readouterr().out
    assert clouds.ironic_rows()["nodes"] == []


def test_d1_the_pages_repair_lets_nova_find_the_node_with_its_allocation(
    other_uuid: tuple[URL, URL], server: mariadb.Server
) -> None:
    nova, placement = other_uuid
    node = rows.node_uuid(2)
    page = MIGRATE.read_text(encoding="utf-8")
    repair = re.findall(r"^    (UPDATE (nova|placement)\..*);$", page, re.MULTILINE)
    assert [name for _, name in repair] == ["nova", "placement"]
    assert "Duplicate compute node record" in tracker(nova, node)
    for statement, name in repair:
        own = statement.replace(f"{name}.", f"d1_{name}.").replace("OLD", OLD)
        server.execute(own)
    assert tracker(nova, node) == f"found {node}"
    found = mariadb.rows(placement, "resource_providers", "allocations")
    assert [one["uuid"] for one in found["resource_providers"]] == [node]
    assert [one["resource_provider_id"] for one in found["allocations"]] == [1]


def test_d2_retire_judges_each_node_by_its_own_runs_options(
    two: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    """By firmware, as migrate.rst says, and by other windows' deploy images."""
    uefi = ("--node", rows.node_uuid(1), "--boot-mode", "uefi", "--owner", PROJECT)
    images = ("--deploy-kernel", "k", "--deploy-ramdisk", "r")
    assert two.migrate("run", *uefi) == 0
    assert two.migrate("run", "--node", rows.node_uuid(2), *images) == 0
    capsys.readouterr()
    archive = ("--archive", str(two.directory / "a.gz"))
    assert two.migrate("retire", *archive, "--dry-run") == 0
    assert "in Ironic, all 2; Ironic has changed 0" in capsys.readouterr().out
    assert two.migrate("verify") == 1
    two.sql(two.ironic, "UPDATE nodes SET owner = 'x' WHERE owner IS NOT NULL")
    assert two.migrate("retire", *archive, "--dry-run") == 0
    assert "Ironic has changed 1" in capsys.readouterr().out
    two.sql(two.nova_bm, "UPDATE bm_nodes SET cpus = 64 WHERE id = 1")
    assert two.migrate("retire", *archive) == 1
    assert "row 1 " in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "run", "verify"])
@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--node", rows.node_uuid(7)), f"--node {rows.node_uuid(7)}"),
        (("--node", rows.node_uuid(1), "x"), "--node x"),
        (("--node", rows.node_uuid(1).upper()), f"--node {rows.node_uuid(1).upper()}"),
        (("--service-host", "COMPUTE-1"), "--service-host COMPUTE-1"),
        (("--service-host", "compute-1", "--service-host", "c"), "--service-host c"),
        (("--service-host", "compute-3", "--node", rows.node_uuid(1)),
         f"--node {rows.node_uuid(1)}, --service-host compute-3"),
    ],
)  # fmt: skip
def test_d3_a_name_that_selects_no_row_is_refused(
    two: Clouds,
    capsys: pytest.CaptureFixture[str],
    command: str,
    words: tuple[str, ...],
    named: str,
) -> None:
    rows.insert(two.nova_bm, rows.free_node(3, service_host="compute-3", deleted=1))
    assert two.migrate(command, *words) == 2
    said = capsys.readouterr().err
    assert f" {named}: nova_bm has no such live row" in said
    assert len(said.splitlines()) == 1
    assert two.ironic_rows()["nodes"] == []


def test_d4_a_canary_and_then_the_rest_go_as_the_guide_says(
    beside: Clouds,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One of a host's two nodes first, and a conductor that runs from the beginning."""
    beside.sql(beside.nova_bm, "UPDATE bm_nodes SET service_host = 'compute-1'")
    rows.insert(beside.nova_bm, rows.free_node(3, service_host="compute-2"))
    monkeypatch.chdir(beside.directory)
    assert beside.migrate("run") == 1
    assert "or name a part with --service-host" in capsys.readouterr().err
    section = guide.GUIDE.read_text(encoding="utf-8").split(guide.CANARY)[1]
    loads = [
        one.text.partition('"${options[@]}"')[2].replace("UUID", rows.node_uuid(2))
        for one in console_page.parse(section)
        if "migrate run" in one.text
    ]
    for number, load in zip((1, 3), loads, strict=True):
        # There is no Neutron here; the rows decide (Clouds).
        assert "--os-cloud admin" in load
        words = shlex.split(load.replace("--os-cloud admin", "").replace("\\\n", ""))
        assert beside.migrate("run", *words) == 0
        assert len(beside.ironic_rows()["nodes"]) == number
    outcomes = json.loads(Path("migration.json").read_text())["rows"]
    assert [row["outcome"] for row in outcomes] == ["migrate", "present", "migrate"]


def test_d4_the_guides_test_loads_the_canary_first_and_the_rest_beside_ironic() -> None:
    text = guide.GUIDE.read_text(encoding="utf-8")
    window, end = text.split(guide.BEGIN)[1].split(guide.END)
    canary = console_page.parse(end.split(guide.CANARY)[1])
    both = guide.with_canary(console_page.parse(window), canary)
    marks = ("migrate run", "--now ironic-cond", "evidence takeover", "evidence proxy")
    found = [mark for one in both for mark in marks if mark in one.text]
    load, start, seen, proxy = marks
    assert found == [load, start, seen, load, seen, proxy]


@pytest.fixture
def slow(two: Clouds) -> tuple[Clouds, tuple[str, str]]:
    """A conductor whose last word is 90 s old, and an ironic.conf that allows 300."""
    two.sql(
        two.ironic,
        "INSERT INTO conductors (hostname, drivers, online, updated_at, "
        "conductor_group) VALUES ('ironic-1', '[]', 1, UTC_TIMESTAMP() - INTERVAL 90 "
        "SECOND, '')",
    )
    config = two.directory / "ironic.conf"
    config.write_text("[conductor]\nheartbeat_timeout = 300\n")
    return two, ("--ironic-config", str(config))


def test_d6_ironics_own_heartbeat_timeout_says_who_is_online(
    slow: tuple[Clouds, tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    clouds, config = slow
    assert clouds.migrate("check", *config) == 0
    assert "ironic-conductor ironic-1 is online" in capsys.readouterr().out
    assert clouds.migrate("run", *config) == 1
    assert "counts as online for 300 s" in capsys.readouterr().err
    # Beside it, it is asked whether it serves the node, which it does not.
    assert clouds.migrate("run", *config, "--node", rows.node_uuid(1)) == 1
    assert "ironic-conductor online (ironic-1) would not" in capsys.readouterr().err
    assert clouds.migrate("run") == 0
    assert clouds.migrate("rollback", *config) == 1
    assert "counts as online for 300 s" in capsys.readouterr().err
    assert clouds.migrate("rollback") == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--owner", ""),
        ("--owner", "admin"),
        ("--deploy-kernel", "image"),
        ("--deploy-kernel", "", "--deploy-ramdisk", "image"),
        ("--node-arch", "banana"),
        ("--node", rows.node_uuid(1), ""),
        ("--service-host", ""),
        ("--os-cloud", ""),
        ("--output", ""),
    ],
)
def test_d8_what_cannot_be_is_refused_by_name(
    two: Clouds, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert two.migrate("run", *words) == 2
    said = capsys.readouterr().err
    assert words[0] in said
    assert len(said.splitlines()) == 1
    assert two.ironic_rows()["nodes"] == []


def test_d8_a_rollback_of_an_empty_name_is_no_rollback_of_all(two: Clouds) -> None:
    assert two.migrate("run") == 0
    for words in (("--run-id", ""), ("--service-host", "")):
        assert two.migrate("rollback", *words) == 2
    assert len(two.ironic_rows()["nodes"]) == 2


def test_d9_a_record_overwrites_no_file_that_an_option_names(
    two: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    config = two.directory / "ironic.conf"
    config.write_text("[DEFAULT]\n")
    for path in (config, two.directory / "nova_bm.url"):
        words = ("--ironic-config", str(config), "--output", str(path))
        assert two.migrate("check", *words) == 2
        assert f"--output {path}: would overwrite" in capsys.readouterr().err
    assert config.read_text() == "[DEFAULT]\n"
