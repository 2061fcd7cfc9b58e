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

from pathlib import Path
from types import SimpleNamespace

from ironic_sideways.trials.proxy import old_clients

PRINTED = """\
+----+------+---------+
| ID | Host | Address |
+----+------+---------+
| 1  |      | a, b    |
+----+------+---------+
"""


def test_the_cells_of_a_printed_table() -> None:
    assert old_clients.cells(PRINTED) == [["ID", "Host", "Address"], ["1", "", "a, b"]]


def test_what_is_no_table_has_no_cells() -> None:
    assert old_clients.cells("failed: ERROR (Forbidden)") == []


def test_novaclient_has_a_home_of_its_own(tmp_path: Path) -> None:
    program = tmp_path / "nova"
    program.write_text('#!/bin/sh\nmkdir "$HOME/.novaclient" && echo 7.1.2\n')
    program.chmod(0o755)
    auth = dict.fromkeys(
        (
            *("auth_url", "username", "password", "project_name"),
            *("user_domain_id", "project_domain_id"),
        ),
        "x",
    )
    config = SimpleNamespace(get_auth_args=lambda: auth, get_region_name=lambda: "x")
    home = tmp_path / "home"
    home.mkdir()

    old_clients._nova(program, home, SimpleNamespace(config=config), "--version")

    assert (home / ".novaclient").exists()
