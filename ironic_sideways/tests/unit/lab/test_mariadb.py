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

from ironic_sideways.lab import mariadb
from ironic_sideways.lab.layout import Layout


def test_two_servers_share_no_directory_for_temporary_tables(tmp_path: Path) -> None:
    """One that starts deletes what it finds there."""
    commands = [
        mariadb.command(Layout(tmp_path / "one", 1)),
        mariadb.command(Layout(tmp_path / "two", 2)),
        mariadb.private_command(tmp_path / "data", tmp_path / "scratch" / "s"),
    ]

    places = [word for words in commands for word in words if "--tmpdir=" in word]

    assert len(set(places)) == 3
