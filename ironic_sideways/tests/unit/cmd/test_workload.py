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

"""``ironic-sideways workload``: which verbs ask the cloud."""

from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cmd import connections, main
from ironic_sideways.hardware import guest
from ironic_sideways.trials import operations, workload

WORDS = ["--os-cloud", "demo", "--record", "r", "--heartbeat", "h"]


def away(name):
    raise exceptions.SidewaysError(f"cloud {name}: no token")


def test_the_data_plane_alone_is_asked_while_keystone_is_down(monkeypatch, capsys):
    monkeypatch.setattr(connections, "connect", away)
    monkeypatch.setattr(workload, "verify_noapi", lambda work: 4)

    assert main.main(["workload", "verify_noapi", *WORDS]) == 0
    assert capsys.readouterr().out == "4 servers: verify_noapi done\n"


@pytest.mark.parametrize("verb", ["verify", "destroy", "use --admin-cloud admin"])
def test_every_other_verb_needs_the_cloud(monkeypatch, verb, capsys):
    monkeypatch.setattr(connections, "connect", away)

    assert main.main(["workload", *verb.split(), *WORDS]) == 1
    assert "cloud demo: no token" in capsys.readouterr().err


def fail(*words):
    raise exceptions.SidewaysError("server a is in ERROR")


def not_well(*words):
    return [{"ok": False, "name": "new server", "seconds": 1.0, "detail": "in ERROR"}]


ADMIN = ["--admin-cloud", "admin"]
CREATE = [*ADMIN, "--cache", "c", "--machines", "machines.json"]
CREATE += ["--deploy-helper", "h", "--tftp-root", "t"]
ALL = [*ADMIN, "--ironic-cloud", "system", "--output", "operations.json"]


@pytest.mark.parametrize(
    ("verb", "words", "room", "act", "broken"),
    [
        ("create", CREATE, workload, "create", fail),
        ("create", CREATE, workload, "publish_guest", fail),
        ("use", ADMIN, operations, "use_base", not_well),
        ("operate", ALL, operations, "operate", not_well),
        ("clean_and_deploy", ALL, operations, "clean_and_deploy", not_well),
        ("destroy", [], workload, "destroy", fail),
    ],
)
def test_what_fails_half_way_is_a_change_to_follow_up(
    monkeypatch, tmp_path, capsys, verb, words, room, act, broken
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(connections, "connect", lambda name: object())
    built = guest.Guest("k", *[Path("file")] * 5)
    monkeypatch.setattr(guest, "build", lambda cache: built)
    monkeypatch.setattr(workload, "publish_guest", lambda *words: None)
    monkeypatch.setattr(room, act, broken)

    assert main.main(["workload", verb, *WORDS, *words]) == 3
    said = capsys.readouterr().err
    assert f"{verb} has begun; then: " in said
    assert said.endswith("in ERROR; give the same command again\n")
