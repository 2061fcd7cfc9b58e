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

"""Which worker does what is read from its log."""

from typing import Any

import pytest

from ironic_sideways import exceptions
from ironic_sideways.lab.layout import Layout
from ironic_sideways.trials.workers import processes


@pytest.fixture
def workers(tmp_path) -> processes.Workers:
    layout = Layout(tmp_path)
    layout.log("one").parent.mkdir(parents=True)
    layout.log("one").write_text("begun for server-1\n")
    return processes.Workers(layout, ("one", "two"))


def test_only_what_is_logged_later_counts(workers) -> None:
    since = workers.positions()
    assert since == {"one": 19, "two": 0}
    workers.layout.log("two").write_text("begun for server-2\nended for server-1\n")
    assert workers.said("server-1", "begun", since) is None

    with workers.layout.log("two").open("a") as log:
        log.write("begun for server-1\n")

    assert workers.said("server-1", "begun", since) == "two"
    assert workers.said("server-1", "begun", {"one": 0, "two": 0}) == "one"
    assert workers.who("server-1", "begun", since) == "two"


def test_a_worker_that_does_not_run_is_not_killed_again(workers, monkeypatch) -> None:
    gone: Any = type("State", (), {"state": "STOPPED"})
    monkeypatch.setattr(workers._supervisor, "state", lambda _name: gone)
    monkeypatch.setattr(
        processes.os, "killpg", lambda *_: pytest.fail("something was killed")
    )

    with pytest.raises(exceptions.SidewaysError, match=r"one: .* does not run$"):
        workers.kill("one")
