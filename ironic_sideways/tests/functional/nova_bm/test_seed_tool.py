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

"""tools/seed_nova_bm.py against libvirt's test driver and a real MariaDB."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import URL

from ironic_sideways.hardware import machines
from ironic_sideways.tests.functional import mariadb

ROOT = Path(__file__).parents[4]
UUIDS = (
    "6695eb01-f6a4-8304-79aa-97f2502e193f",
    "0a95eb01-f6a4-8304-79aa-97f2502e1940",
)
SEEDED = (
    "uuid",
    "cpus",
    "memory_mb",
    "local_gb",
    "pm_address",
    "pm_user",
    "pm_password",
    "service_host",
    "deleted",
    "task_state",
    "preserve_ephemeral",
    "instance_uuid",
)
DOMAIN = """
<domain type='test'>
  <name>node-{i}</name><uuid>{uuid}</uuid>
  <memory>262144</memory><vcpu>{cpus}</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices>
    <disk type='file' device='disk'>
      <source file='{disk}'/><target dev='vda'/>
    </disk>
    <interface type='bridge'>
      <mac address='52:54:00:AA:00:0{i}'/><source bridge='x'/>
    </interface>
  </devices>
</domain>
"""


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location(
        "seed_nova_bm", ROOT / "tools" / "seed_nova_bm.py"
    )
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Lane:
    """Two machines, their BMCs and the command line that seeds them."""

    def __init__(self, directory: Path, tool: ModuleType, url_file: str) -> None:
        self.directory = directory
        self.tool = tool
        self.vbmc = directory / "vbmc"
        disk = directory / "disk"
        disk.touch()
        self.nodes = directory / "node.xml"
        self.nodes.write_text(
            "<node>"
            + "".join(
                DOMAIN.format(i=i, uuid=uuid, cpus=i + 1, disk=disk)
                for i, uuid in enumerate(UUIDS)
            )
            + "</node>"
        )
        for i in range(2):
            self.bmc(i)
        self.words = ["--nova-bm-db", url_file, "--vbmc-config", str(self.vbmc)]
        self.words += ["--libvirt-uri", f"test://{self.nodes}"]
        self.words += ["--service-host", "isw5"]

    def bmc(self, i: int, **changed: str) -> None:
        """Write virtualbmc's file of machine ``i``."""
        values = {
            "username": "admin",
            "password": f"secret-{i}",
            "address": f"127.0.105.{10 + i}",
            "port": "623",
            "domain_name": f"node-{i}",
            "libvirt_uri": "qemu:///system",
        } | changed
        path = self.vbmc / f"node-{i}" / "config"
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"{key} = {value}" for key, value in values.items()]
        path.write_text("\n".join(["[VirtualBMC]", *lines]) + "\n")

    def seed(self, *more: str) -> int:
        """Run the tool."""
        return int(self.tool.main([*self.words, *more]))


@pytest.fixture
def lane(tmp_path: Path, tool: ModuleType, url_file: str) -> Lane:
    return Lane(tmp_path, tool, url_file)


def contents(url: URL) -> dict[str, list[dict]]:
    return mariadb.rows(url, "bm_nodes", "bm_interfaces", "migrate_version")


def test_j2_a_free_row_per_machine_is_written_with_nothing_left_null(
    lane: Lane, empty_url: URL
) -> None:
    assert lane.seed() == 0
    found = contents(empty_url)
    assert found["migrate_version"][0]["version"] == 10
    assert [{key: row[key] for key in SEEDED} for row in found["bm_nodes"]] == [
        {
            "uuid": UUIDS[i],
            "cpus": i + 1,
            "memory_mb": 256,
            "local_gb": 1023,  # what the test driver says of any disk
            "pm_address": f"127.0.105.{10 + i}",
            "pm_user": "admin",
            "pm_password": f"secret-{i}",
            "service_host": "isw5",
            "deleted": 0,
            "task_state": None,
            "preserve_ephemeral": None,
            "instance_uuid": None,
        }
        for i in range(2)
    ]
    assert [
        (row["bm_node_id"], row["address"], row["deleted"])
        for row in found["bm_interfaces"]
    ] == [(found["bm_nodes"][i]["id"], f"52:54:00:aa:00:0{i}", 0) for i in range(2)]


def test_t5_an_empty_password_is_seeded(lane: Lane, empty_url: URL) -> None:
    lane.bmc(1, password="")
    assert lane.seed() == 0
    assert contents(empty_url)["bm_nodes"][1]["pm_password"] == ""


def test_a_second_run_changes_nothing(
    lane: Lane, empty_url: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    lane.seed()
    before = contents(empty_url)
    assert lane.seed() == 0
    assert contents(empty_url) == before
    assert "0 rows added, 0 updated, 2 unchanged" in capsys.readouterr().out


def test_a_changed_password_reaches_free_rows_and_no_others(
    lane: Lane, empty_url: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    lane.seed()
    with sa.create_engine(empty_url).begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE bm_nodes SET task_state='active', instance_uuid='i' WHERE id=1"
            )
        )
    lane.bmc(0, password="new-0")
    lane.bmc(1, password="new-1")
    assert lane.seed() == 0
    passwords = [row["pm_password"] for row in contents(empty_url)["bm_nodes"]]
    assert passwords == ["secret-0", "new-1"]
    assert "node-0: its row differs but holds an instance" in capsys.readouterr().out


def test_named_domains_alone_are_seeded(lane: Lane, empty_url: URL) -> None:
    assert lane.seed("--domain", "node-1") == 0
    assert [row["uuid"] for row in contents(empty_url)["bm_nodes"]] == [UUIDS[1]]


def test_light_machines_are_read_from_their_own_file(
    lane: Lane, empty_url: URL
) -> None:
    known = lane.directory / "machines.json"
    planned = [
        machines.Machine(f"node-{i}", uuid, i, machines.macs(5, i), "127.1.0.1")
        for i, uuid in enumerate(UUIDS)
    ]
    machines.write(known, planned)

    assert lane.seed("--machines", str(known), "--domain", "node-1") == 0
    found = contents(empty_url)
    (row,) = found["bm_nodes"]
    assert (row["uuid"], row["memory_mb"], row["local_gb"]) == (UUIDS[1], 256, 2)
    assert (row["pm_address"], row["pm_password"]) == ("127.0.105.11", "secret-1")
    assert [one["address"] for one in found["bm_interfaces"]] == list(planned[1].macs)

    lane.words.append("isw5-2")
    assert lane.seed("--machines", str(known)) == 0
    assert {
        row["uuid"]: row["service_host"] for row in contents(empty_url)["bm_nodes"]
    } == {UUIDS[0]: "isw5", UUIDS[1]: "isw5-2"}


def test_each_of_several_hosts_gets_a_node_in_turn(lane: Lane, empty_url: URL) -> None:
    lane.words.append("isw5-2")
    assert lane.seed("--domain", "node-1", "node-0") == 0
    assert [
        (row["uuid"], row["service_host"]) for row in contents(empty_url)["bm_nodes"]
    ] == [(UUIDS[1], "isw5"), (UUIDS[0], "isw5-2")]


def refusal(lane: Lane, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that the tool says instead of seeding."""
    assert lane.seed() == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "secret" not in lines[0]
    return lines[0]


def test_foreign_tables_are_refused(
    lane: Lane, empty_url: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    with sa.create_engine(empty_url).begin() as connection:
        connection.execute(sa.text("CREATE TABLE wordpress (id INT)"))
    assert "wordpress" in refusal(lane, capsys)
    with sa.create_engine(empty_url).connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["wordpress"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"address": "127.0.105.10"}, "each BMC needs an address of its own"),
        ({"port": "6230"}, "nova_bm has no column for a port"),
        ({"address": "::"}, "expected a concrete one"),
    ],
)
def test_a_bmc_that_nova_bm_cannot_express_is_refused(
    lane: Lane,
    empty_url: URL,
    capsys: pytest.CaptureFixture[str],
    changed: dict[str, str],
    words: str,
) -> None:
    lane.bmc(1, **changed)
    assert words in refusal(lane, capsys)
    with sa.create_engine(empty_url).connect() as connection:
        assert sa.inspect(connection).get_table_names() == []


def test_a_domain_without_bmc_is_refused(
    lane: Lane, capsys: pytest.CaptureFixture[str]
) -> None:
    (lane.vbmc / "node-1" / "config").unlink()
    assert "domain node-1: has no BMC" in refusal(lane, capsys)


def test_an_unreachable_database_is_one_line(
    lane: Lane, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "mysql+pymysql://root:secret@127.0.0.1:1/nova_bm"
    monkeypatch.setenv("NOVA_BM_URL", url)
    lane.words[1] = "$NOVA_BM_URL"
    assert "root:***@127.0.0.1:1" in refusal(lane, capsys)


REAL = ROOT / "ironic_sideways" / "tests" / "data" / "nova-2014.2.4" / "rows.sql"


@pytest.fixture
def real_lane(lane: Lane, empty_url: URL) -> Lane:
    """The two machines, each of another host, are those of the real rows 1 and 7."""
    text = lane.nodes.read_text()
    for mine, theirs in zip(
        UUIDS,
        (
            "d5133d8e-30c6-4e28-ad6e-6b7f0525e00e",
            "ef503b09-5aec-42e5-80ca-4bda77f6a9a6",
        ),
        strict=True,
    ):
        text = text.replace(mine, theirs)
    lane.nodes.write_text(text)
    lane.words += ["isw5-2", "--rows", str(REAL)]
    return lane


def test_rows_that_the_real_nova_wrote_are_seeded_with_what_is_said(
    real_lane: Lane, empty_url: URL, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        real_lane.seed(
            "--in-place",
            "5456f122-6d9b-4d27-8499-e8d550e94c2a=15000000-0000-4000-8000-000000000001",
            "ab2587fb-91f5-4dab-b387-d2979bd35f0d=f1000000-0000-4000-8000-000000000001",
            "/tftpboot=/srv/tftp",
            "/var/lib/nova/instances/=/srv/instances/",
        )
        == 0
    )
    assert "2 rows of" in (said := capsys.readouterr().out)
    assert "15 without a domain left out" in said
    found = contents(empty_url)
    first, deleted, freed = found["bm_nodes"]
    assert {key: first[key] for key in SEEDED if key != "local_gb"} == {
        "uuid": "d5133d8e-30c6-4e28-ad6e-6b7f0525e00e",
        "cpus": 2,
        "memory_mb": 2048,
        "pm_address": "127.0.105.10",
        "pm_user": "admin",
        "pm_password": "secret-0",
        "service_host": "isw5",
        "deleted": 0,
        "task_state": "active",
        "preserve_ephemeral": 0,
        "instance_uuid": "15000000-0000-4000-8000-000000000001",
    }
    assert first["instance_name"] == "active"
    assert first["deploy_key"] == "TZWIDRXLFHCUN4G7OCH5Z8AVKLNFAURB"
    assert first["image_path"] == "/srv/instances/instance-00000001/disk"
    assert (
        first["pxe_config_path"]
        == "/srv/tftp/15000000-0000-4000-8000-000000000001/config"
    )
    assert (deleted["id"], deleted["deleted"]) == (6, 1)
    assert (freed["id"], freed["task_state"]) == (7, "deleted")
    assert freed["service_host"] == "isw5-2"
    assert [(card["address"], card["vif_uuid"]) for card in found["bm_interfaces"]] == [
        ("52:54:00:aa:00:00", "f1000000-0000-4000-8000-000000000001"),
        ("52:54:00:aa:00:01", None),
    ]


def test_rows_are_refused_that_do_not_fit(
    real_lane: Lane, empty_url: URL, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert real_lane.seed("--in-place", "/tftpboot") == 2
    assert "--in-place /tftpboot: expected OLD=NEW" in capsys.readouterr().err
    whole = real_lane.nodes.read_text()
    real_lane.nodes.write_text(whole.replace("d5133d8e", "00000000"))
    assert "no live row of the file has its uuid 00000000-" in refusal(
        real_lane, capsys
    )
    real_lane.nodes.write_text(
        whole.replace(
            "d5133d8e-30c6-4e28-ad6e-6b7f0525e00e",
            "17345602-a3a9-490d-8ff9-b1b2d657e7d8",
        )
    )
    assert "has 1 NICs, and bm_nodes row 10 with its uuid 2" in refusal(
        real_lane, capsys
    )
    assert contents(empty_url)["bm_nodes"] == []
    real_lane.nodes.write_text(whole)
    foreign = tmp_path / "foreign.sql"
    foreign.write_text("DROP TABLE bm_nodes;\n")
    real_lane.words[-1] = str(foreign)
    assert "found DROP TABLE bm_nodes, expected only INSERTs" in refusal(
        real_lane, capsys
    )
    real_lane.words[-1] = str(REAL)
    assert real_lane.seed() == 0
    assert "expected a nova_bm without rows" in refusal(real_lane, capsys)
