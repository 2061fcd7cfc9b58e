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

"""``ironic-sideways maintenance``: what each end says of what was changed."""

import signal
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import maintenance, maintenance_probe
from ironic_sideways.cmd import connections, main, program
from ironic_sideways.tests.unit.cloud import test_maintenance as cloud_tests
from ironic_sideways.tests.unit.cloud.test_maintenance import Cloud

DATABASE = ("--nova-bm-db", "mysql+pymysql://nova@nowhere/nova_bm")
START = ("start", "--compute-host", "compute", *DATABASE)
VERBS = {"start": START, "resume": ("resume", *DATABASE), "end": ("end",)}

#: By verb, its first change and the one after it.
CHANGES = {
    "start": ("disable_service", "lock_server"),
    "resume": ("disable_service", "lock_server"),
    "end": ("unlock_server", "enable_service"),
}


@pytest.fixture
def cloud():
    """One host with one instance, which nova_bm has as Nova does."""
    return Cloud(cloud_tests.server(is_locked=False))


@pytest.fixture
def probe(monkeypatch):
    """What becomes of a member's calls (cloud/test_maintenance_probe.py)."""

    def set_probe(outcome):
        monkeypatch.setattr(maintenance_probe, "everything", outcome)

    set_probe(lambda member, held, record: 3 * len(held))
    return set_probe


@pytest.fixture
def run(tmp_path, monkeypatch, cloud, probe):
    """Give the command; its exit code."""
    clouds = {"admin": cloud, "demo": object()}
    monkeypatch.setattr(connections, "connect", clouds.__getitem__)
    monkeypatch.setattr(
        maintenance, "read_rows", lambda engine, hosts: [cloud_tests.USED]
    )

    def run(*words):
        record = ("--record", str(tmp_path / "maintenance.json"))
        return main.main(["maintenance", *words, "--os-cloud", "admin", *record])

    return run


def before(run, verb):
    """What has been done when ``verb`` is given."""
    for earlier in {"start": (), "end": ("start",), "resume": ("start", "end")}[verb]:
        assert run(*VERBS[earlier]) == 0


ERRORS = (OSError(5, "no answer"), program.Ended(signal.SIGTERM), ValueError("odd"))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("change", [0, 1])
@pytest.mark.parametrize("verb", VERBS)
def test_what_fails_after_a_change_says_what_to_do(
    run, cloud, monkeypatch, capsys, verb, change, error
):
    def fail(*words, **named):
        raise error

    before(run, verb)
    monkeypatch.setattr(cloud, CHANGES[verb][change], fail)
    capsys.readouterr()

    assert run(*VERBS[verb]) == 3
    said = capsys.readouterr().err
    assert "; give the same command again" in said and said.count("\n") == 1


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_refused_before_any_change_has_changed_nothing(
    run, cloud, monkeypatch, capsys, verb
):
    def refuse(**filters):
        raise OSError(5, "no answer")

    before(run, verb)
    calls = list(cloud.calls)
    monkeypatch.setattr(cloud, "servers", refuse)

    assert run(*VERBS[verb]) == 1
    assert capsys.readouterr().err.endswith("; nothing was changed\n")
    assert cloud.calls == calls


@pytest.mark.parametrize("verb", VERBS)
def test_a_lost_figure_is_told_after_what_was_changed(run, monkeypatch, capsys, verb):
    before(run, verb)
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        assert run(*VERBS[verb]) == 3
    assert "1 instances" in capsys.readouterr().err


def test_a_member_who_is_let_through_is_a_change_to_follow_up(run, probe, capsys):
    def let_through(*words):
        raise exceptions.SidewaysError("instance server-1: a member's reboot")

    probe(let_through)

    assert run(*START, "--probe-cloud", "demo") == 3
    said = capsys.readouterr().err
    assert "1 instances locked; then: instance server-1: a member's reboot" in said
    assert said.endswith("; give the same command again, or end this maintenance\n")


def test_a_member_who_is_refused_is_part_of_the_figure(run, capsys):
    assert run(*START, "--probe-cloud", "demo") == 0
    assert capsys.readouterr().out == ("1 instances locked, 3 member's calls refused\n")
