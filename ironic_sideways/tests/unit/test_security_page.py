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

"""admin/security.rst: its tables are those of the lab, and a lie in them is seen."""

import os
import tomllib
from pathlib import Path

import pytest

from ironic_sideways.cmd import main
from ironic_sideways.lab import service_table
from ironic_sideways.tests import security_page

REPOSITORY = Path(__file__).parents[3]
PAGE = security_page.told(security_page.PAGE.read_text())
BRIDGE = {service_table.BRIDGE: "bridge"}


def test_each_listener_of_the_service_table_is_told_with_its_addresses() -> None:
    assert PAGE.listeners == {
        name: frozenset(BRIDGE.get(address, address) for address in row.addresses)
        for row in service_table.SERVICES
        for name in row.ports
    }


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        ({"glance": frozenset({"10.0.0.1"})}, "glance: listens on ['10.0.0.1'], told"),
        ({"glance": frozenset({"127.0.0.1", "bridge"})}, "glance: listens on"),
        ({}, "glance: listens on []"),
        ({"port 99": frozenset({"127.0.0.1"})}, "port 99: "),
    ],
)
def test_a_listener_that_is_not_as_told_is_named(
    found: dict[str, frozenset[str]], fault: str
) -> None:
    faults = security_page.listener_faults(PAGE, found, frozenset({"glance"}))
    assert any(one.startswith(fault) for one in faults)
    right = {"glance": frozenset({"127.0.0.1"})}
    assert security_page.listener_faults(PAGE, right, frozenset({"glance"})) == []


#: Of a lab or a gate, or without any effect but a line.
NOT_OF_PRODUCTION = {
    *(
        "compute-workers",
        "exact-match",
        "fail-over",
        "heartbeat-collector",
        "lab",
        "option",
    ),
    *("prober", "proxy", "record", "sabotage", "tempest", "wait-service", "workload"),
}


def test_each_console_script_is_told_with_what_it_reads_and_writes() -> None:
    rows = security_page.rows(
        security_page.PAGE.read_text(), "What the tools read and write"
    )
    told = " ".join(tool for tool, reads, writes in rows if reads and writes)
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert {name for name in project["scripts"] if f"``{name}" not in told} == set()
    words = told.replace("``", " ").split()
    assert main.COMMANDS.keys() - NOT_OF_PRODUCTION <= set(words)
    assert main.COMMANDS.keys() >= NOT_OF_PRODUCTION


@pytest.mark.skipif(os.geteuid() != 0, reason="the page's files are root's")
def test_a_file_that_is_not_as_told_is_named(tmp_path: Path) -> None:
    for name, (_owner, mode) in PAGE.files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if mode & 0o100 else path.touch()
        path.chmod(mode)
    assert security_page.file_faults(PAGE, tmp_path) == []
    (tmp_path / "etc/secrets.json").chmod(0o644)
    os.chown(tmp_path / "etc/clouds.yaml", 65534, 0)
    (tmp_path / "etc/nova/nova.conf").unlink()
    assert security_page.file_faults(PAGE, tmp_path) == [
        "etc/secrets.json: root 0644, told 0600",
        "etc/clouds.yaml: nobody 0600, told 0600",
        "etc/nova/nova.conf: is not there",
    ]
