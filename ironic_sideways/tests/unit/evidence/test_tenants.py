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

"""Tenants' values: digests by a secret that is the run's alone."""

from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.evidence import tenants


def test_s3_a_run_s_snapshots_agree_and_those_of_another_do_not(tmp_path: Path) -> None:
    key = tmp_path / "lab" / "tenant.key"
    first = tenants.of_run(key)({"b": 1, "a": "x"})
    assert first == tenants.of_run(key)({"a": "x", "b": 1})
    assert first != tenants.of_run(key)({"a": "y", "b": 1})
    assert first != tenants.of_run(tmp_path / "another")({"b": 1, "a": "x"})
    assert key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("value", [None, "", {}, []])
def test_what_is_not_there_has_no_digest(value: object) -> None:
    assert tenants.of_moment()(value) is None


def test_s3_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    tenants.of_run(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(exceptions.SidewaysError, match="chmod 600"):
        tenants.of_run(tmp_path / "key")


@pytest.mark.parametrize("text", ["", "ab", "no digits"])
def test_a_file_that_is_no_secret_is_refused_and_kept(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(exceptions.SidewaysError, match="64 hex digits"):
        tenants.of_run(path)
    assert path.read_text() == text


def test_the_secret_is_in_no_representation() -> None:
    assert "horse" not in repr(tenants.Digests(b"horse"))
