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

"""Which ports are bound to their nodes, which are refused, and which are left."""

import dataclasses
from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import nodes_file, port_bindings
from ironic_sideways.cloud.port_bindings import Binding, Change, Old, Port

BASE, OURS = Binding("compute-1", "normal"), Binding("node", "baremetal")
NODE = nodes_file.Node(
    "node", instance_uuid="instance", service_host="compute-1", vifs=("a",)
)
PORT = Port("a", "instance", BASE, "other")


def planned(port: Port | None, *recorded: str) -> port_bindings.Plan:
    return port_bindings.plan([NODE], {"a": port} if port else {}, recorded)


@pytest.mark.parametrize(
    ("port", "recorded", "binding"),
    [
        (PORT, (), OURS),
        (dataclasses.replace(PORT, binding=OURS), (), None),
        (dataclasses.replace(PORT, binding=Binding("", "normal")), ("a",), OURS),
    ],
    ids=["as the base bound it", "done", "half done"],
)
def test_a_moved_port_becomes_its_nodes(port, recorded, binding) -> None:
    found = planned(port, *recorded)
    assert (found.changes, found.faults) == ([Change(port, binding)], [])


@pytest.mark.parametrize(
    ("port", "said"),
    [
        (None, "is gone from Neutron"),
        (dataclasses.replace(PORT, device="other"), "its device is other now"),
        (dataclasses.replace(PORT, device=""), "its device is nothing now"),
        (
            dataclasses.replace(PORT, binding=Binding("compute-9", "normal")),
            r"is bound to compute-9 \(normal\), expected compute-1 \(normal\)",
        ),
        (dataclasses.replace(PORT, binding=Binding("", "normal")), "bound to no host"),
    ],
)
def test_a_port_that_is_not_as_the_base_left_it_is_refused(port, said) -> None:
    found = planned(port)
    assert found.changes == []
    (fault,) = found.faults
    assert fault.startswith("port a of instance instance, node node: ")
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(fault)


def test_a_port_on_no_nic_is_noted_and_left() -> None:
    more = dataclasses.replace(PORT, id="b")
    found = port_bindings.plan([NODE], {"a": PORT, "b": more}, ())
    assert [change.port.id for change in found.changes] == ["a"]
    (note,) = found.notes
    assert note.startswith("port b of instance instance: on no NIC of node node")


def test_the_way_back_passes_over_what_is_gone_and_refuses_a_third_binding() -> None:
    old = {name: Old("instance", "node", BASE) for name in "abc"}
    found = port_bindings.plan_undo(
        old,
        {
            "a": dataclasses.replace(PORT, binding=OURS),
            "b": dataclasses.replace(PORT, id="b", binding=Binding("x", "normal")),
        },
    )
    assert [(one.port.id, one.binding) for one in found.changes] == [("a", BASE)]
    (fault,) = found.faults
    assert fault.startswith("port b of instance instance: is bound to x (normal) now")


def test_a_port_that_is_not_as_set_is_named_when_read_again() -> None:
    changes = [Change(PORT, OURS), Change(dataclasses.replace(PORT, id="b"), OURS)]
    now = {"a": dataclasses.replace(PORT, binding=OURS), "b": PORT}
    assert list(port_bindings.unlike(changes, now)) == ["b"]
    assert port_bindings.vif_types(now.values()) == " (2 other)"
    assert port_bindings.vif_types([]) == ""


def test_an_instance_to_leave_that_did_not_move_is_bad_usage(tmp_path: Path) -> None:
    path = tmp_path / "migration.json"
    path.write_text(
        '{"rows": [{"uuid": "node", "instance_uuid": "instance", "outcome": "migrate",'
        ' "service_host": "compute-1", "vifs": ["a"]}]}'
    )
    assert port_bindings.moved(path, ["instance"]) == []
    with pytest.raises(exceptions.UsageError, match=r"--leave other: .* no such"):
        port_bindings.moved(path, ["other"])
