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

"""Ironic joins the lab: what half of it leaves, and what it refuses."""

import signal
import subprocess

import pymysql
import pytest

from ironic_sideways import commands, exceptions
from ironic_sideways.cmd import main, program
from ironic_sideways.lab import configuration, databases, ironic, service_table
from ironic_sideways.lab.record import LabRecord
from ironic_sideways.lab.supervision import State, Supervisor


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Give a command of a lab in which nothing runs; its exit code."""
    LabRecord.new(7, 5, "nova_bm").save(tmp_path / "lab.json")
    monkeypatch.setattr(configuration, "path_of", lambda layout, name: tmp_path / name)
    states = {
        name: State(name, "STOPPED", 0, 0, "") for name in service_table.names("ironic")
    }
    states["mariadb"] = State("mariadb", "RUNNING", 0, 0, "")
    monkeypatch.setattr(Supervisor, "states", lambda self: states)
    return lambda word: main.main(["lab", word, "--directory", str(tmp_path)])


ENDS = [
    pymysql.OperationalError(1105, "no space"),
    exceptions.SidewaysError("did not end within 300 s"),
    program.Ended(signal.SIGTERM),
]


@pytest.mark.parametrize("error", ENDS)
@pytest.mark.parametrize("broken", [(databases, "recreate"), (commands, "run")])
def test_whatever_ends_it_once_the_database_was_dropped_is_a_change(
    run, monkeypatch, capsys, error, broken
):
    def fail(*words, **named):
        raise error

    for name in ("refuse_rows", "recreate"):
        monkeypatch.setattr(databases, name, lambda *words: None)
    monkeypatch.setattr(*broken, fail)

    assert run("create-ironic-database") == 3
    said = capsys.readouterr().err
    assert said.endswith("; give the same command again\n") and said.count("\n") == 1


def test_a_lab_that_is_not_up_is_no_change(run, monkeypatch, capsys):
    monkeypatch.setattr(Supervisor, "states", lambda self: {})

    assert run("create-ironic-database") == 2
    assert "the lab is not up" in capsys.readouterr().err


def test_a_server_that_is_stopped_is_one_line(run, monkeypatch, capsys):
    stopped = State("mariadb", "STOPPED", 0, 0, "")
    monkeypatch.setattr(Supervisor, "state", lambda *words: stopped)

    assert run("create-ironic-database") == 1
    said = capsys.readouterr().err
    assert "`ironic-sideways lab service start mariadb` first" in said
    assert said.count("\n") == 1


def test_a_schema_that_cannot_be_made_is_a_change(run, monkeypatch, capsys):
    made = []
    monkeypatch.setattr(databases, "refuse_rows", lambda *words: None)
    monkeypatch.setattr(databases, "recreate", lambda *words: made.append(words[1]))
    failed = subprocess.CompletedProcess([], 1, "no such column\n", "")
    monkeypatch.setattr(commands, "run", lambda *words, **named: failed)

    assert (run("create-ironic-database"), made) == (3, ["ironic"])
    said = capsys.readouterr().err
    assert "give the same command again" in said and "no such column" in said


def test_a_database_that_holds_rows_is_no_change(run, monkeypatch):
    def refuse(*words):
        raise exceptions.SidewaysError("database ironic: expected no rows")

    monkeypatch.setattr(databases, "refuse_rows", refuse)

    assert run("create-ironic-database") == 1


def test_half_an_installation_is_a_change(run, monkeypatch, capsys):
    def fail(*words):
        raise OSError(5, "no answer")

    monkeypatch.setattr(configuration, "write", lambda *words: None)
    monkeypatch.setattr(ironic.cloud, "connect", fail)

    assert run("install-ironic") == 3
    assert "no answer; give the same command again\n" in capsys.readouterr().err
