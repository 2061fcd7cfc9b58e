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

"""Upstream's own judges, the installed ones, and how they word what they find."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironic_sideways.evidence import judges
from ironic_sideways.lab import service_table
from ironic_sideways.report import judges as expected
from ironic_sideways.tests.functional import mariadb

MOVED, OTHER = (f"0b5c9d0e-0000-4000-8000-00000000000{n}" for n in (1, 2))
BINARIES = Path(sys.prefix, "bin")


@pytest.fixture
def database(server: mariadb.Server) -> Iterator[str]:
    """An empty database as the lab's Ironic has it."""
    characters = service_table.databases()["ironic"].character_set
    server.execute(f"CREATE DATABASE judged CHARACTER SET {characters}")
    yield "judged"
    server.execute("DROP DATABASE judged")


def test_ironics_own_check_of_the_labs_database_warns_of_nothing(
    server: mariadb.Server,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = server.url(database).render_as_string(hide_password=False)
    config = tmp_path / "ironic.conf"
    config.write_text(
        "[DEFAULT]\nenabled_hardware_types = ipmi\n"
        "enabled_deploy_interfaces = direct,ramdisk,netbooted\n"
        f"[database]\nconnection = {url}\n"
        # The interface ipxe writes its boot.ipxe there when it is loaded.
        f"[deploy]\nhttp_root = {tmp_path}\n"
    )
    dbsync = [str(BINARIES / "ironic-dbsync"), "--config-file", str(config)]
    subprocess.run(
        [*dbsync, "create_schema"], check=True, capture_output=True, timeout=600
    )
    monkeypatch.setenv("PATH", f"{BINARIES}:{os.environ['PATH']}")
    program = judges.PROGRAMS[0]

    record, printed = judges.ask(program, config, ())

    assert record["name"] == expected.IRONIC, printed
    told = {one["of"]: one["said"] for one in record["told"]}
    assert set(told.values()) == {"Success"}, printed
    assert record["code"] == 0
    assert "Hardware Types and Interfaces Check" in told

    alter = "ALTER TABLE allocations CONVERT TO CHARACTER SET utf8mb3"
    server.execute(alter, database=database)
    record, printed = judges.ask(program, config, ())
    (warned,) = (one["said"] for one in record["told"] if one["said"] != "Success")
    assert warned.startswith("Warning: The Allocations table"), printed
    assert record["code"] == 1


def printed_by(code: str) -> list[str]:
    """The lines that Python prints in a process of its own, where it ends well."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


#: nova-manage's own functions on a Placement that is a stand-in.
NOVA_MANAGE = f"""
from types import SimpleNamespace as Of
from nova.cmd import manage

commands = manage.PlacementCommands()
commands._get_instances_and_current_migrations = lambda *words: ([], [])
commands._heal_missing_alloc = lambda *words: {{"allocations": {{}}}}
commands._heal_missing_project_and_user_id = lambda found, one: found
held = {{"allocations": {{"node": {{}}}}, "project_id": "p", "user_id": "u"}}
allocations = {{"{OTHER}": {{"resources": {{"VCPU": 1}}}}}}


class Placement:
    def get_allocs_for_consumer(self, context, uuid):
        return held if uuid == "{MOVED}" else {{}}

    def get_allocations_for_resource_provider(self, context, uuid):
        return Of(allocations=allocations)


for uuid, node, state in (
    ("{MOVED}", "node", None),
    ("{OTHER}", "node", None),
    ("{MOVED}", None, None),
    ("{MOVED}", "node", "rebuilding"),
):
    instance = Of(
        uuid=uuid, node=node, task_state=state, project_id="p", user_id="u",
        flavor=Of(extra_specs={{}}),
    )
    commands._heal_allocations_for_instance(
        None, instance, {{}}, print, Placement(), True, False, None, False
    )
provider = {{"uuid": "node", "root_provider_uuid": "node"}}
commands._check_orphaned_allocations_for_provider(
    None, Placement(), print, provider, False
)
"""


def test_what_novas_audits_find_is_heard() -> None:
    """As the installed Nova words it."""
    lines = printed_by(NOVA_MANAGE)

    healed = [
        (one["of"], one["said"].replace(one["of"], "UUID").split(": {")[0])
        for one in judges.allocations(lines, {MOVED})
    ]
    assert healed == [
        (MOVED, "up-to-date"),
        (OTHER, "[dry-run] Update allocations for instance UUID"),
        (MOVED, "Instance UUID is not on a host."),
        (MOVED, "Instance UUID is undergoing a task state transition: rebuilding"),
    ]
    (orphan,) = judges.orphans(lines, ())
    assert orphan["of"] == OTHER
    assert "can be deleted" in orphan["said"]


#: Ironic's, on a node that moved with the lab's interfaces: what it lacks.
VALIDATE = """
from types import SimpleNamespace as Of
from ironic.common import exception
from ironic.drivers.modules import deploy_utils, noop

for info in ({"instance_info.image_source": None}, {"kernel": None, "ramdisk": None}):
    try:
        deploy_utils.check_for_missing_params(info, "Of node NODE some")
    except exception.MissingParameterValue as error:
        print(error)
try:
    noop.NoConsole().validate(Of(node=Of(driver="ipmi")))
except exception.UnsupportedDriverExtension as error:
    print(error)
"""


def test_what_ironic_says_that_a_node_lacks_is_understood() -> None:
    image, kernel, unsupported = printed_by(VALIDATE)

    assert expected.lacks("NODE", image, {expected.IMAGE})
    assert expected.lacks("NODE", kernel, {"kernel", "ramdisk"})
    assert not expected.lacks("NODE", kernel, {expected.IMAGE})
    assert re.search(re.escape(judges.UNSUPPORTED), unsupported)
