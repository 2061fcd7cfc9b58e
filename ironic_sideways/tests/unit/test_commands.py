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

import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import ironic_sideways
from ironic_sideways import commands, exceptions
from ironic_sideways.nova_bm import database

PACKAGE = Path(ironic_sideways.__file__).parent


def test_what_a_program_prints_is_there_as_text() -> None:
    done = commands.run(["echo", "done"], timeout=10)

    assert (done.returncode, done.stdout) == (0, "done\n")


def test_a_program_that_hangs_is_killed_and_named() -> None:
    with pytest.raises(exceptions.SidewaysError, match=r"`sleep 60`: .*0.1 s"):
        commands.run(["sleep", "60"], timeout=0.1)


def test_no_program_is_run_without_a_bound() -> None:
    calls = re.compile(r"subprocess\.(?:run|check_\w+|call)\((?:[^()]|\([^()]*\))*\)")
    unbounded = [
        f"{path.relative_to(PACKAGE)}: {call[:60]}"
        for path in PACKAGE.rglob("*.py")
        if "tests" not in path.parts
        for call in calls.findall(path.read_text())
        if "timeout" not in call
    ]

    assert unbounded == []


def test_no_database_is_waited_for_without_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(
        sa, "create_engine", lambda url, **options: given.update(options)
    )
    monkeypatch.setattr(
        sa.event, "listens_for", lambda *_, **__: lambda function: function
    )

    database.engine(database.resolve_url("mysql://u:p@db/nova_bm", "-b"))

    bounds = {
        "connect_timeout": database.CONNECT_TIMEOUT_S,
        "read_timeout": database.ANSWER_TIMEOUT_S,
        "write_timeout": database.ANSWER_TIMEOUT_S,
    }
    assert given["connect_args"].items() >= bounds.items()
