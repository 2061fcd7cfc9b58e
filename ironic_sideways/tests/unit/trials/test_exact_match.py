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

"""Which flavors have a class by shape, and which nodes Placement gives away."""

from types import SimpleNamespace
from typing import Any

import pytest

from ironic_sideways import exceptions
from ironic_sideways.trials import exact_match


def checks(flavors: tuple[Any, ...] = (), nodes: tuple[Any, ...] = ()) -> Any:
    cloud = SimpleNamespace(
        compute=SimpleNamespace(flavors=lambda **_: flavors),
        baremetal=SimpleNamespace(nodes=lambda **_: nodes),
    )
    return exact_match.ExactMatch(cloud, cloud, cloud, "baremetal")


def flavor(name: str, **specs: str) -> SimpleNamespace:
    return SimpleNamespace(name=name, extra_specs=specs)


def node(memory_mb: int, resource_class: str) -> SimpleNamespace:
    shape = {"cpu_arch": "x86_64", "cpus": 1, "memory_mb": memory_mb, "local_gb": 2}
    return SimpleNamespace(id="node", resource_class=resource_class, properties=shape)


def test_flavors_of_one_class_for_all_nodes_leave_nothing_to_tell_apart() -> None:
    plain = flavor("plain", **{"resources:CUSTOM_BAREMETAL": "1"})
    virtual = flavor("virtual")

    with pytest.raises(exceptions.SidewaysError, match="RESOURCE_CLASS_BY_SHAPE"):
        checks(flavors=(plain, virtual))._flavors()


def test_flavors_with_a_class_by_shape_are_found() -> None:
    found = tuple(
        flavor(name, **{f"resources:CUSTOM_BAREMETAL_X86_64_1C_{name}_2G": "1"})
        for name in ("512M", "256M")
    )

    assert checks(flavors=found)._flavors() == ["256M", "512M"]


def test_a_node_of_another_class_than_its_shapes_is_named() -> None:
    small, large = "baremetal-x86_64-1c-256m-2g", "baremetal-x86_64-1c-512m-2g"

    assert checks(nodes=(node(256, small), node(512, large)))._classes()
    with pytest.raises(exceptions.SidewaysError, match=f"{small}, its shape: {large}"):
        checks(nodes=(node(256, small), node(512, small)))._classes()


def test_nodes_of_one_shape_prove_nothing() -> None:
    same = node(256, "baremetal-x86_64-1c-256m-2g")

    with pytest.raises(exceptions.SidewaysError, match="all nodes are of one shape"):
        checks(nodes=(same, same))._classes()


def test_a_nodes_shape_is_kept_as_numbers() -> None:
    found = node(256, "small")
    found.properties["memory_mb"] = "256"

    assert exact_match.shape_of(found) == {
        "uuid": "node",
        "resource_class": "small",
        "cpu_arch": "x86_64",
        "cpus": 1,
        "memory_mb": 256,
        "local_gb": 2,
    }
