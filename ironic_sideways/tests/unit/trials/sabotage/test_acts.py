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

"""Each act: seen as evidence, named, and taken back; on Ironic's own schema."""

import contextlib
import dataclasses
import json
import re
from typing import NoReturn

import pytest
import sqlalchemy as sa
from ironic.db.sqlalchemy import models

from ironic_sideways import exceptions, ipmi
from ironic_sideways.cloud import allocations, undo_file
from ironic_sideways.evidence import secrets, takeover
from ironic_sideways.hardware import vbmc_log
from ironic_sideways.lab import configuration, services
from ironic_sideways.lab.layout import Layout
from ironic_sideways.report.takeover import check_takeover
from ironic_sideways.tests.unit.report.small_move import (
    files,
    looks,
    records,
    small_cloud,
)
from ironic_sideways.trials.sabotage import acts, windows

#: Node: number, instance, status, power; more than the smallest move has.
NODES = {
    "node-a": (1, "server-a", "ACTIVE", "on"),
    "node-b": (2, "server-b", "ACTIVE", "on"),
    "node-c": (3, "server-c", "ACTIVE", "on"),
    "node-d": (4, "server-d", "SHUTOFF", "off"),
    "node-e": (5, None, None, "off"),
    **{f"node-{name}": (6 + n, None, None, "off") for n, name in enumerate("fgh")},
}


@pytest.fixture
def scene(tmp_path, monkeypatch):
    """What a good migration and take-over leave, in Ironic's tables."""
    monkeypatch.setattr(small_cloud, "NODES", NODES)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'ironic.db'}")
    tables = [t.__table__ for t in (models.Conductor, models.Node, models.Port)]
    models.Base.metadata.create_all(engine, tables=tables)
    before = looks.snapshot(1, {"VCPU": 1}, False, 1)
    for machine in before["machines"]:
        machine["bmc"] = f"127.0.0.{machine['name'][-1]}"
    (tmp_path / "evidence").mkdir()
    files.write(tmp_path / "evidence" / "before.json", before)
    moved = {**records.migration(), "run_id": "run"}
    files.write(tmp_path / "evidence" / "migration.json", moved)
    with engine.begin() as connection:
        connection.execute(
            sa.insert(models.Conductor.__table__),
            {"id": 1, "hostname": "host", "online": True, "drivers": ["ipmi"]},
        )
        for uuid, (number, server, _status, power) in NODES.items():
            connection.execute(
                sa.insert(models.Node.__table__),
                {
                    **{"id": number, "uuid": uuid, "instance_uuid": server},
                    "provision_state": "active" if server else "available",
                    "power_state": f"power {power}",
                    "maintenance": False,
                    "driver": "ipmi",
                    "driver_info": {"ipmi_address": f"127.0.0.{number}"},
                    "extra": {takeover.PROVENANCE: {"run_id": "run"}},
                    "conductor_affinity": 1 if server else None,
                },
            )
            vif = {"tenant_vif_port_id": f"port-{number}"} if server else {}
            connection.execute(
                sa.insert(models.Port.__table__),
                [
                    {
                        **{"uuid": f"ironic-{mac}", "node_id": number},
                        **{"address": mac, "internal_info": info},
                    }
                    for mac, info in zip(
                        small_cloud.macs(number), ({}, vif), strict=True
                    )
                ],
            )
    return acts.Scene(lambda name: engine, Layout(tmp_path), nobody, nobody)


def nobody() -> NoReturn:
    raise AssertionError("nobody is asked")


def failed(scene: acts.Scene) -> list[tuple[str, str]]:
    """The take-over's failed checks on what is in the tables now, and why."""
    found: dict = {"forbidden": []}
    with contextlib.suppress(takeover.exceptions.WaitExpired):
        takeover.observe(scene.engine("ironic"), list(NODES), 0, record=found.update)
    files.write(scene.evidence / "takeover.json", found)
    failures = check_takeover(scene.evidence).failures
    return [(check.name, check.detail) for check in failures]


def dump(scene: acts.Scene) -> str:
    with scene.engine("ironic").connect() as connection:
        rows = [
            [dict(row) for row in connection.execute(sa.text(query)).mappings()]
            for query in ("SELECT * FROM nodes", "SELECT * FROM ports")
        ]
    return json.dumps(rows, default=str)


def test_what_was_not_broken_is_not_named(scene):
    assert failed(scene) == []


@pytest.mark.parametrize(
    ("name", "checks_failed"),
    [
        ("bmc-addresses", {"row of node-a", "row of node-e"}),
        ("macs", {"row of node-b", "row of node-f"}),
        ("vif", {"row of node-c"}),
        ("deleted-row", {"no other nodes"}),
        ("power-off", {"take-over of node-c"}),
        ("node-locked", {"take-over of node-a"}),
        ("extra-port", {"row of node-g"}),
        ("stale-vif", {"row of node-h"}),
    ],
)
def test_a_sabotage_is_named_and_can_be_taken_back(scene, name, checks_failed):
    sabotage = windows.find(name)
    whole_before = dump(scene)

    (broken,) = windows.done([sabotage], scene)

    found = failed(scene)
    assert {check for check, _ in found} == checks_failed
    said = " ".join(f"{check} {why}" for check, why in found)
    assert broken.things and all(thing in said for thing in broken.things)
    if sabotage.subject == "take-over":
        assert all(re.search(sabotage.says, why) for _, why in found)
    assert scene.changes.mend() > 0
    assert dump(scene) == whole_before
    assert failed(scene) == []


def test_a_driver_that_nobody_serves_is_written_and_taken_back(scene):
    whole_before = dump(scene)

    broken = windows.find("unserved-driver").act(scene)

    assert broken.things == ("node-d",)

    assert (
        takeover.read_nodes(scene.engine("ironic"))["node-d"]["driver"]
        == "fake-hardware"
    )
    scene.changes.mend()
    assert dump(scene) == whole_before


def bmc_of(lab, name, password):
    directory = lab / "data" / "vbmc" / name
    directory.mkdir(parents=True)
    (directory / "config").write_text(
        f"[VirtualBMC]\ndomain_name = {name}\nlibvirt_uri = test:///\n"
        f"address = 127.0.0.1\nport = 6230\nusername = admin\npassword = {password}\n"
    )


def test_a_leaked_password_is_sought_and_found_and_masked_where_it_stands(scene):
    bmc_of(scene.lab, "node-1", "kept-very-secret")
    (scene.lab / "logs").mkdir()
    log = scene.lab / "logs" / "nova-api.log"
    log.write_text("a line before, with \u00fc\n")
    known = secrets.known(scene.lab / "data" / "vbmc")

    broken = windows.find("password").act(scene)
    with log.open("a") as file:
        file.write("a line after\n")

    assert broken.things == ("nova-api.log", "node-1")
    assert "kept-very-secret" not in (scene.lab / "sabotage.json").read_text()
    (hit,) = secrets.seek(scene.lab / "logs", known)["hits"]
    assert hit == {
        "name": "BMC password of node-1",
        "file": "nova-api.log",
        "line": 2,
    }
    assert scene.changes.mend() == 1
    assert log.read_text().splitlines() == [
        "a line before, with \u00fc",
        f"using {'*' * 16} at 127.0.0.1",
        "a line after",
    ]


def test_a_running_machine_gets_what_a_virtual_bmc_takes_and_logs(scene, monkeypatch):
    for number in range(1, 7):
        bmc_of(scene.lab, f"machine-{number}", "kept-very-secret")
    ordered = []
    monkeypatch.setattr(ipmi, "power", lambda bmc, action: ordered.append(action))

    broken = windows.find("reboot").act(scene)

    assert broken.things == ("machine-1",)
    (action,) = ordered
    assert action in vbmc_log.COMMANDS.values()


def test_a_driver_is_put_back_and_nova_compute_starts_with_it_and_may_die(
    scene, monkeypatch
):
    path = scene.lab / "etc" / "nova-compute" / "nova.conf"
    path.parent.mkdir(parents=True)
    path.write_text("[DEFAULT]\ncompute_driver = ironic.IronicDriver\nhost = one\n")
    monkeypatch.setattr(configuration, "path_of", lambda layout, name: path)
    done = []

    def start(layout, names):
        done.append(("start", *names))
        raise exceptions.SidewaysError("nova-compute died while starting")

    monkeypatch.setattr(services, "start", start)
    monkeypatch.setattr(
        services, "stop", lambda layout, names: done.append(("stop", *names))
    )
    sabotage = windows.find("old-driver")

    with pytest.raises(exceptions.SidewaysError, match="has the phase run"):
        sabotage.act(scene)
    (scene.evidence / "phases").mkdir()
    value = scene.evidence / "phases" / "nova-compute.compute_driver.value"
    value.write_text("baremetal.BareMetalDriver\n")
    broken = sabotage.act(scene)

    assert "compute_driver = baremetal.BareMetalDriver\nhost" in path.read_text()
    assert done == [("stop", "nova-compute"), ("start", "nova-compute")]
    assert broken.things == ("baremetal.BareMetalDriver",)
    assert re.search(sabotage.says, broken.things[0])


def test_one_allocation_alone_is_left_as_the_base_had_it(scene, monkeypatch):
    held = {"server-a": {"resources": {"VCPU": 1}, "project_id": "p", "user_id": "u"}}
    one = {"resource_class": "CUSTOM_BAREMETAL", "inventories": {}, "allocations": {}}
    record = {
        "tool": allocations.TOOL,
        "new_classes": ["CUSTOM_BAREMETAL"],
        "nodes": {"node-e": one, "node-a": {**one, "allocations": held}},
    }
    undo_file.write(scene.evidence / "allocations.json", record)
    done = []

    class Restoration:
        def __init__(self, api, file):
            self.api, self.content = api, undo_file.read(file, allocations.TOOL)

        def plan(self, refuse):
            return dict.fromkeys(self.content["nodes"], allocations.RESTORED)

        def run(self, outcomes):
            done.append((self.api, outcomes, self.content["new_classes"]))

    monkeypatch.setattr(allocations, "Restoration", Restoration)
    api = object()
    broken = dataclasses.replace(scene, api=lambda: api)

    assert windows.find("allocation").act(broken).things == ("node-a",)
    assert done == [(api, {"node-a": allocations.RESTORED}, [])]
    assert (
        undo_file.read(scene.evidence / "allocations.json", allocations.TOOL) == record
    )
    assert not (scene.lab / "sabotage-allocation.json").exists()
