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

"""When nodes are another conductor's, and what of the first one's must be gone."""

import types
from typing import Any

import pytest

from ironic_sideways import exceptions
from ironic_sideways.lab.layout import Layout
from ironic_sideways.trials import fail_over

NODE = "0d000000-0000-4000-8000-000000000001"
FREE = "0d000000-0000-4000-8000-000000000002"
ACTIVE = {"provision_state": "active", "reservation": None, "conductor": "isw7"}


def trial(tmp_path, monkeypatch, told: dict[str, Any], rows: dict[str, Any]) -> Any:
    nodes = [types.SimpleNamespace(id=u, conductor=host) for u, host in told.items()]
    baremetal = types.SimpleNamespace(nodes=lambda details: nodes)
    ironic = types.SimpleNamespace(baremetal=baremetal)
    monkeypatch.setattr(fail_over.takeover, "read_nodes", lambda _engine: rows)
    survivors: Any = types.SimpleNamespace(ironic=ironic)
    engine: Any = None
    return fail_over.FailOver(Layout(tmp_path, 7), survivors, engine)


def test_nodes_are_a_conductors_once_it_took_the_active_ones_over(
    tmp_path, monkeypatch
):
    """Free nodes are never taken over: their last conductor may be any."""
    free = {**ACTIVE, "provision_state": "available", "conductor": None}
    told = dict.fromkeys((NODE, FREE), "isw7")
    found = trial(tmp_path, monkeypatch, told, {NODE: ACTIVE, FREE: free})

    assert found.settled(["isw7"], 0.1) == told


@pytest.mark.parametrize(
    ("host", "row", "says"),
    [
        ("isw7", {"conductor": "isw7-second"}, "last taken over by isw7-second"),
        ("isw7", {"reservation": "isw7"}, "is reserved by isw7"),
        ("isw7-second", {"conductor": "isw7-second"}, r"conductors of nodes: \['isw7-"),
        (None, {}, "conductors of nodes: "),
    ],
)
def test_nodes_that_are_not_are_named(tmp_path, monkeypatch, host, row, says):
    found = trial(tmp_path, monkeypatch, {NODE: host}, {NODE: {**ACTIVE, **row}})

    with pytest.raises(exceptions.WaitExpired, match=says):
        found.settled(["isw7"], 0.1)


def test_what_a_conductor_wrote_for_its_nodes_is_removed_and_nothing_else(tmp_path):
    kept = [tmp_path / "fallback.ipxe", tmp_path / "boot.ipxe", tmp_path / "kernels"]
    for path in kept:
        path.touch()
    node = tmp_path / NODE
    node.mkdir()
    (node / "config").touch()
    (tmp_path / "pxelinux.cfg").mkdir()
    (tmp_path / "pxelinux.cfg" / "52-54-00-07-00-01").symlink_to(node / "config")
    (tmp_path / "52:54:00:07:00:01.conf").symlink_to(node / "config")
    (tmp_path / "grub.cfg-01-52-54-00-07-00-01").touch()

    assert fail_over.without_boot_files(tmp_path) == 4
    assert sorted(tmp_path.iterdir()) == sorted([*kept, tmp_path / "pxelinux.cfg"])


def test_a_step_that_fails_is_the_last_and_the_first_conductor_runs_again(
    tmp_path, monkeypatch
):
    found = trial(tmp_path, monkeypatch, {}, {})
    server = {"uuid": "server", "mac": "52:54:00:07:00:01"}
    work = types.SimpleNamespace(record="", heartbeat="", recorded=list)
    found.survivors = types.SimpleNamespace(work=work, operate=print)
    ended: list[Any] = []
    for name, value in (
        ("operations.roles", lambda *_: [None, server]),
        ("beats.boot_ids", lambda _path: {"52:54:00:07:00:02": "boot"}),
        ("services.start", lambda _layout, names: ended.append(("start", names))),
        ("services.stop", lambda _layout, names: ended.append(("stop", names))),
        ("FailOver.start_second", lambda _self: "it joined"),
        ("FailOver.kill_first", lambda _self: 1 / 0),
    ):
        monkeypatch.setattr(f"ironic_sideways.trials.fail_over.{name}", value)

    document = found.everything()

    assert [(s["name"], s["ok"]) for s in document["steps"]] == [
        ("second conductor", True),
        ("first conductor killed", False),
    ]
    assert ended == [
        ("start", ["ironic-conductor"]),
        ("stop", ["ironic-conductor-second"]),
    ]
    assert document["machines"] == [
        {"mac": "52:54:00:07:00:02", "before": "boot", "after": "boot"}
    ]
