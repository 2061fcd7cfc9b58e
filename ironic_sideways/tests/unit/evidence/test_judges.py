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

import contextlib
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from openstack.baremetal.v1.node import ValidationResult
from oslo_upgradecheck import upgradecheck

from ironic_sideways import exceptions
from ironic_sideways.cmd import connections, main
from ironic_sideways.evidence import judges
from ironic_sideways.report import judges as expected
from ironic_sideways.report import schemas
from ironic_sideways.tests.unit.report import upstream

MOVED, OTHER = (f"0b5c9d0e-0000-4000-8000-00000000000{n}" for n in (1, 2))
SECRET = "mysql+pymysql://nova:hunter2@127.0.0.1/nova"


def table(*results: tuple[str, upgradecheck.Code, str | None]) -> list[str]:
    """What oslo.upgradecheck itself prints of these."""

    class Checks(upgradecheck.UpgradeCommands):
        _upgrade_checks = tuple(
            (name, lambda self, code=code, why=why: upgradecheck.Result(code, why))
            for name, code, why in results
        )

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        Checks().check()
    return printed.getvalue().splitlines()


def test_the_table_of_an_upgrade_check_is_read_with_its_wrapped_details():
    # Nova's own begin with an empty line, which the table makes a blank of.
    why = "\n" + "Check: the tables are not as they must be. " * 4
    lines = table(
        ("Object versions", upgradecheck.Code.SUCCESS, None),
        ("Encoding: of tables", upgradecheck.Code.WARNING, why),
        ("Cells v2", upgradecheck.Code.FAILURE, None),
    )

    assert judges.upgrade_checks(lines, ()) == [
        {"of": "Object versions", "said": "Success"},
        {"of": "Encoding: of tables", "said": f"Warning: {why.strip()}"},
        {"of": "Cells v2", "said": "Failure"},
    ]


def test_a_program_that_broke_down_told_nothing():
    lines = ["Error:", "Traceback (most recent call last):", "| no such table |"]

    assert judges.upgrade_checks(lines, ()) == []


def test_orphans_are_told_and_what_else_an_audit_says_is_not():
    orphan = (
        f"Allocations for consumer UUID {OTHER} on Resource Provider {MOVED} can be "
        "deleted: {'VCPU': 1}"
    )
    lines = ["The compute node for UUID x can not be found", orphan]

    assert judges.orphans(lines, ()) == [{"of": OTHER, "said": orphan}]


def test_each_moved_instance_is_told_and_of_others_what_is_to_heal():
    to_heal = [
        f"[dry-run] Create allocations for instance {one}: {{}}"
        for one in (MOVED, OTHER)
    ]
    lines = [
        "Running batches of 50 until complete",
        f"The allocation of instance {MOVED} is up-to-date. Nothing to be healed.",
        f"The allocation of instance {OTHER} is up-to-date. Nothing to be healed.",
        f"Instance {MOVED} is not on a host.",
        f"Instance {OTHER} is not on a host.",
        *to_heal,
        "Processed 0 instances.",
    ]

    assert judges.allocations(lines, {MOVED}) == [
        {"of": MOVED, "said": "up-to-date"},
        {"of": MOVED, "said": f"Instance {MOVED} is not on a host."},
        {"of": MOVED, "said": to_heal[0]},
        {"of": OTHER, "said": to_heal[1]},
    ]


def cloud(**more: ValidationResult) -> Any:
    said = {
        "boot": ValidationResult(True, None),
        "console": ValidationResult(
            False,
            "Driver ipmi does not support console (disabled or not implemented).",
        ),
        "deploy": ValidationResult(False, upstream.NO_IMAGE.format("node-1")),
        "power": ValidationResult(None, None),
    }

    def validate_node(uuid: str, required: tuple[str, ...]) -> Any:
        assert required == (), "the SDK raises for what is required"
        return said | more

    return SimpleNamespace(baremetal=SimpleNamespace(validate_node=validate_node))


def test_a_node_has_what_ironic_says_of_each_interface_that_it_has():
    assert judges.node(cloud(), "node-1") == {
        "uuid": "node-1",
        "interfaces": {
            "boot": "",
            "deploy": upstream.NO_IMAGE.format("node-1"),
            "power": "not valid",
        },
    }


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Upstream's programs; each records its words, and finds nothing."""
    place = tmp_path / "bin"
    place.mkdir()
    success = "\n".join(table(("Object versions", upgradecheck.Code.SUCCESS, None)))
    for name, body in (
        ("ironic-status", f"echo '{success}'"),
        ("nova-status", f"echo '{success}'"),
        ("nova-manage", "[[ $* != *heal* ]] || { echo to-heal; exit 4; }"),
    ):
        path = place / name
        path.write_text(
            f'#!/bin/bash\necho "{name} $*" >>{tmp_path}/calls\n'
            f"echo 'connecting to {SECRET}' >&2\n{body}\n"
        )
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:/usr/bin:/bin")
    return place


def test_all_are_asked_with_their_services_configuration(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(connections, "connect", lambda name: cloud())
    rows = [{"uuid": "node-1", "instance_uuid": MOVED, "outcome": "migrate"}]
    (tmp_path / "migration.json").write_text(json.dumps({"rows": rows}))

    done = main.main(
        [
            *("evidence", "judges", "--os-cloud", "system"),
            *("--nova-config", "n.conf", "--ironic-config", "i.conf"),
            *("--migration", str(tmp_path / "migration.json")),
            *("--output", str(tmp_path / "judges.json")),
        ]
    )

    assert done == 0
    assert (tmp_path / "calls").read_text().splitlines() == [
        "ironic-status --config-file i.conf upgrade check",
        "nova-status --config-file n.conf upgrade check",
        "nova-manage --config-file n.conf placement audit --verbose",
        "nova-manage --config-file n.conf placement heal_allocations --dry-run "
        "--verbose",
    ]
    found = json.loads((tmp_path / "judges.json").read_text())
    assert {one["name"]: one["code"] for one in found["programs"]} == {
        expected.IRONIC: 0,
        expected.NOVA: 0,
        expected.AUDIT: 0,
        expected.HEAL: 4,
    }
    (schema,) = (one for one in schemas.every() if one.name == "judges")
    assert not list(schemas.faults(schema, tmp_path / "judges.json"))
    printed = capsys.readouterr().out
    assert f"{expected.HEAL}: exit code 4\nto-heal\n" in printed, "for the phase's log"
    assert printed.splitlines()[-1].startswith("1 nodes validated; exit codes: ")
    assert "hunter2" not in printed + json.dumps(found)
    assert "connecting to mysql" in printed


def test_a_program_that_is_not_there_is_named(programs, tmp_path):
    (programs / "nova-status").unlink()

    with pytest.raises(exceptions.SidewaysError, match=r"^nova-status: not found"):
        judges.take(cloud(), dict.fromkeys(("nova", "ironic"), tmp_path), {}, print)


def test_one_that_hangs_is_killed(programs, tmp_path, monkeypatch):
    (programs / "nova-manage").write_text("#!/bin/bash\nexec sleep 60\n")
    monkeypatch.setattr(judges, "TIMEOUT", 0.5)
    audit = judges.PROGRAMS[2]

    with pytest.raises(exceptions.SidewaysError, match=r"placement audit.*killed"):
        judges.ask(audit, tmp_path, ())
