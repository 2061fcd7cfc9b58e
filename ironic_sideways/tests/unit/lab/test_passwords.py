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

"""Every lab has its own passwords, and keeps them."""

from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.lab import passwords
from ironic_sideways.lab.layout import Layout


def test_a_lab_keeps_its_passwords(layout: Layout) -> None:
    assert passwords.load(layout) == passwords.load(layout)


def test_no_password_is_used_twice(tmp_path: Path) -> None:
    labs = [passwords.load(Layout(tmp_path / name, 7)) for name in ("a", "b")]
    known = [value for lab in labs for value in lab.values()]

    assert len(set(known)) == len(known) == 2 * len(passwords.names())


def test_only_root_reads_them(layout: Layout) -> None:
    passwords.load(layout)

    assert layout.secrets.stat().st_mode & 0o777 == 0o600
    assert layout.etc.stat().st_mode & 0o777 == 0o700


def test_a_file_that_lacks_one_is_refused(layout: Layout) -> None:
    layout.etc.mkdir(parents=True)
    layout.secrets.write_text('{"rabbitmq": "x"}')

    with pytest.raises(exceptions.SidewaysError, match="user-admin"):
        passwords.load(layout)
