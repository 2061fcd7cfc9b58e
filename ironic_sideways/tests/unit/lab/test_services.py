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

"""Services are started and stopped: what a command that ends halfway says of it."""

import signal

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cmd import main, program
from ironic_sideways.lab import checks, configuration, should_run
from ironic_sideways.lab.record import LabRecord
from ironic_sideways.lab.supervision import State, Supervisor

ENDS = [
    exceptions.SidewaysError("glance died"),
    exceptions.UsageError("the lab is not up"),
    OSError(28, "No space left on device"),
    program.Ended(signal.SIGTERM),
]


@pytest.fixture
def service(tmp_path, monkeypatch):
    """Give `lab service` to a supervisor that does what it is told; the exit code."""
    LabRecord.new(7, 5, "nova_bm").save(tmp_path / "lab.json")
    states = {
        name: State(name, "RUNNING", 0, 0, "") for name in ("glance", "ironic-api")
    }
    monkeypatch.setattr(Supervisor, "states", lambda self: states)
    for place, name in (
        (Supervisor, "start_program"),
        (Supervisor, "stop_programs"),
        (checks, "wait_ready"),
    ):
        monkeypatch.setattr(place, name, lambda *words: None)
    options = ["--directory", str(tmp_path)]
    return lambda *words: main.main(["lab", "service", *options, *words])


@pytest.mark.parametrize("error", ENDS)
@pytest.mark.parametrize(
    ("words", "broken"),
    [
        ("start glance", (Supervisor, "start_program")),
        ("start glance", (should_run, "change")),
        ("start glance", (checks, "wait_ready")),
        ("stop glance", (Supervisor, "stop_programs")),
        ("stop glance", (should_run, "change")),
        ("restart glance", (Supervisor, "start_program")),
        ("restart ironic-api", (configuration, "path_of")),
    ],
)
def test_whatever_ends_it_after_the_first_one_is_a_change(
    service, monkeypatch, capsys, words, broken, error
):
    def fail(*words, **named):
        raise error

    monkeypatch.setattr(*broken, fail)

    assert service(*words.split()) == 3
    assert (
        "see `ironic-sideways lab status`, and try again\n" in capsys.readouterr().err
    )


@pytest.mark.parametrize("action", ["start", "stop", "restart"])
def test_a_service_that_is_none_is_bad_usage(service, monkeypatch, capsys, action):
    monkeypatch.setattr(configuration, "path_of", lambda *words: None)

    assert service(action, "glance", "cinder") == 2
    assert "service 'cinder': expected one of" in capsys.readouterr().err
