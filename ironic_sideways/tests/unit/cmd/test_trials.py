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

"""What the commands that try a moved cloud say once they have changed it."""

import types

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cmd import connections, main
from ironic_sideways.hardware import guest
from ironic_sideways.lab import record
from ironic_sideways.trials import exact_match, workload
from ironic_sideways.trials.proxy import benchmark, check
from ironic_sideways.trials.workers import processes


def fail(*words):
    raise exceptions.SidewaysError("no node is free")


def not_well(*words):
    row = {"ok": False, "name": "a shape", "detail": "no node is free"}
    return types.SimpleNamespace(
        failed=[row], rows=[row], everything=lambda: {"checks": [row]}
    )


TEMPEST = ("tempest", "--os-cloud", "admin", "--workspace", "w", "--output", "o")
CLOUDS = ("--admin-cloud", "a", "--ironic-cloud", "i", "--member-cloud", "m")
#: The command, and what in it fails.
TRIALS = [
    ((*TEMPEST, "--cache", "c"), workload, "publish_guest", fail),
    ((*TEMPEST, "--ironic-cloud", "s"), workload, "boot_from_the_network", fail),
    (("exact-match", *CLOUDS, "--output", "o"), exact_match, "ExactMatch", not_well),
    (("compute-workers", "--output", "o"), processes, "running", fail),
    (("proxy", "check", "--output", "o"), check, "everything", fail),
    (("proxy", "check", "--output", "o"), check, "everything", not_well),
    (("proxy", "bench", "--output", "o"), benchmark, "run", fail),
]


@pytest.fixture
def lab(monkeypatch, tmp_path, layout):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(connections, "connect", lambda name: object())
    monkeypatch.setattr(guest, "build", lambda cache: object())
    monkeypatch.setattr(record, "open_lab", lambda directory: (layout, object()))


@pytest.mark.parametrize(("words", "room", "act", "broken"), TRIALS)
def test_what_fails_once_the_cloud_was_changed_is_a_change_to_follow_up(
    lab, monkeypatch, capsys, words, room, act, broken
):
    monkeypatch.setattr(room, act, broken)

    assert main.main(words) == 3
    said = capsys.readouterr().err
    assert "has begun; then: " in said
    assert said.endswith("no node is free; give the same command again\n")


@pytest.mark.parametrize("words", [words for words, *_ in TRIALS])
def test_a_cloud_or_a_lab_that_is_away_was_not_changed(lab, monkeypatch, capsys, words):
    monkeypatch.setattr(connections, "connect", fail)
    monkeypatch.setattr(record, "open_lab", fail)

    assert main.main(words) == 1
    assert capsys.readouterr().err == "ironic-sideways: no node is free\n"
