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


"""A part moves beside running conductors, and comes back by its run id."""

import json

import pytest

from ironic_sideways.migrate import mapping
from ironic_sideways.tests import rows
from ironic_sideways.tests.functional.conftest import Clouds

CANARY = ("--node", rows.node_uuid(1))
INTERFACES = {
    **mapping.PLAIN_INTERFACES,
    "boot": "ipxe",
    "deploy": "direct",
    "network": "flat",
}


@pytest.fixture
def beside(clouds: Clouds) -> Clouds:
    """Two nodes to move, and a conductor that serves IPMI."""
    rows.insert(
        clouds.nova_bm,
        rows.used_node(1),
        rows.plugged(1),
        rows.free_node(2, service_host="compute-2"),
        rows.interface(2),
    )
    clouds.sql(
        clouds.ironic,
        "DELETE FROM conductor_hardware_interfaces",
        "INSERT INTO conductors (id, hostname, drivers, online, updated_at, "
        "conductor_group) VALUES (5, 'ironic-1', '[]', 1, UTC_TIMESTAMP(), '')",
        *(
            "INSERT INTO conductor_hardware_interfaces (`default`, conductor_id, "  # noqa: S608
            "hardware_type, interface_type, interface_name) "
            f"VALUES (0, 5, 'ipmi', '{kind}', '{name}')"
            for kind, name in INTERFACES.items()
        ),
    )
    return clouds


def uuids(clouds: Clouds) -> list[str]:
    return [row["uuid"] for row in clouds.ironic_rows()["nodes"]]


def run_id(clouds: Clouds, *words: str) -> str:
    """Run an increment; the id of the run."""
    record = clouds.directory / "run.json"
    assert clouds.migrate("run", "--output", str(record), *words) == 0
    return json.loads(record.read_text())["run_id"]


@pytest.mark.parametrize(
    ("words", "node"), [(CANARY, 1), (("--service-host", "compute-2"), 2)]
)
def test_an_increment_moves_beside_a_conductor(
    beside: Clouds, words: tuple[str, ...], node: int
) -> None:
    assert beside.migrate("run") == 1
    assert beside.migrate("run", *words) == 0
    assert uuids(beside) == [rows.node_uuid(node)]
    assert beside.migrate("run", *words) == 0


def test_what_the_conductor_has_done_before_the_verification_is_no_difference(
    beside: Clouds,
) -> None:
    """A trigger stands for a conductor that is quicker than the verification."""
    beside.sql(
        beside.ironic,
        "CREATE TRIGGER quick BEFORE INSERT ON nodes FOR EACH ROW SET "
        "NEW.power_state = 'power on', NEW.conductor_affinity = 5, "
        "NEW.reservation = 'ironic-1'",
    )
    try:
        assert beside.migrate("run", *CANARY) == 0
    finally:
        beside.sql(beside.ironic, "DROP TRIGGER quick")
    assert beside.migrate("verify", *CANARY) == 1
    assert beside.migrate("verify", "--taken-over", *CANARY) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DELETE FROM conductor_hardware_interfaces WHERE interface_name = 'direct'",
         "ironic-1 has not enabled deploy_interface direct of hardware type ipmi"),
        ("UPDATE conductors SET conductor_group = 'racks'",
         "none of them is of the default conductor group"),
    ],
)  # fmt: skip
def test_nodes_that_no_conductor_would_serve_are_refused(
    beside: Clouds, capsys: pytest.CaptureFixture[str], change: str, words: str
) -> None:
    beside.sql(beside.ironic, change)
    assert beside.migrate("run", *CANARY) == 1
    said = capsys.readouterr().err
    assert words in said
    assert "nothing was written" in said
    assert uuids(beside) == []


def test_an_instance_that_boots_over_the_network_needs_its_own_deploy_interface(
    beside: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    """A trigger stands for the mapping of a net-booted instance."""
    beside.sql(
        beside.ironic,
        "CREATE TRIGGER netboot BEFORE INSERT ON nodes FOR EACH ROW SET "
        'NEW.instance_info = \'{"deploy_interface": "ramdisk"}\'',
    )
    try:
        assert beside.migrate("run", *CANARY) == 1
    finally:
        beside.sql(beside.ironic, "DROP TRIGGER netboot")
    assert "has not enabled deploy_interface ramdisk" in capsys.readouterr().err
    assert uuids(beside) == []


def test_the_conductor_can_heartbeat_while_an_increment_is_loaded(
    beside: Clouds, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ironic_sideways.migrate import load

    sound = load.Loader.write

    def beating(*given: object) -> None:
        sound(*given)  # type: ignore[arg-type]
        beside.sql(
            beside.ironic,
            "SET innodb_lock_wait_timeout = 1",
            "UPDATE conductors SET updated_at = UTC_TIMESTAMP()",
        )

    monkeypatch.setattr(load.Loader, "write", beating)
    # The default since MariaDB 11.6, and known to 10.11.
    isolation = "SET GLOBAL innodb_snapshot_isolation ="
    beside.server.execute(f"{isolation} ON")
    try:
        assert beside.migrate("run", *CANARY) == 0
    finally:
        beside.server.execute(f"{isolation} DEFAULT")


def test_one_run_of_several_is_rolled_back_beside_the_conductor(
    beside: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run_id(beside, *CANARY)
    second = run_id(beside, "--service-host", "compute-2")
    beside.sql(
        beside.ironic,
        "UPDATE nodes SET power_state = 'power on', conductor_affinity = 5",
    )
    assert beside.migrate("rollback", "--taken-over") == 1
    assert "is online" in capsys.readouterr().err
    assert beside.migrate("rollback", "--run-id", second) == 1
    assert beside.migrate("rollback", "--run-id", second, "--taken-over") == 0
    assert uuids(beside) == [rows.node_uuid(1)]
    assert beside.migrate("rollback", "--run-id", first, "--taken-over") == 0
    assert beside.ironic_rows() == {"nodes": [], "ports": []}


def test_a_compute_hosts_nodes_are_rolled_back_beside_the_conductor(
    beside: Clouds, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of both runs that moved them; the other host's stay."""
    rows.insert(beside.nova_bm, rows.free_node(3), rows.interface(3))
    run_id(beside, *CANARY)
    run_id(beside, "--service-host", "compute-1")
    run_id(beside, "--service-host", "compute-2")
    whole = beside.ironic_rows()
    back = ("rollback", "--taken-over", "--service-host")
    assert beside.migrate(*back, "compute-3") == 0
    assert "no rows of compute host compute-3" in capsys.readouterr().out
    assert beside.ironic_rows() == whole
    assert beside.migrate(*back, "compute-1") == 0
    assert uuids(beside) == [rows.node_uuid(2)]
    assert beside.migrate(*back, "compute-2") == 0
    assert beside.ironic_rows() == {"nodes": [], "ports": []}
