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

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ironic_sideways import exceptions, resource_class

SHAPES = st.tuples(
    st.sampled_from(("x86_64", "i686", "aarch64", "ppc64le")),
    st.integers(0, 1024),
    st.integers(0, 2**26),
    st.integers(0, 2**20),
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("baremetal", "CUSTOM_BAREMETAL"),
        ("baremetal-deploy", "CUSTOM_BAREMETAL_DEPLOY"),
        ("Gold 2.1", "CUSTOM_GOLD_2_1"),
    ],
)
def test_a_class_is_named_as_ironic_driver_names_it(name: str, expected: str) -> None:
    assert resource_class.normalise(name) == expected


@pytest.mark.parametrize("name", ["", "  ", "CUSTOM_BAREMETAL", "custom_x", "x" * 81])
def test_a_name_that_would_become_another_class_is_refused(name: str) -> None:
    with pytest.raises(exceptions.UsageError, match="expected the name in Ironic"):
        resource_class.normalise(name)


def test_a_shape_is_named_with_its_prefix_and_units() -> None:
    name = resource_class.by_shape("baremetal", "x86_64", 8, 16384, 100)

    assert name == "baremetal-x86_64-8c-16384m-100g"
    assert resource_class.normalise(name) == "CUSTOM_BAREMETAL_X86_64_8C_16384M_100G"


@given(SHAPES, SHAPES)
def test_two_shapes_have_one_class_only_if_they_are_equal(one, other) -> None:
    names = [
        resource_class.normalise(resource_class.by_shape("baremetal", *shape))
        for shape in (one, other)
    ]

    assert (names[0] == names[1]) == (one == other)


@pytest.mark.parametrize(
    "shape",
    [
        ("", 8, 16384, 100),
        (None, 8, 16384, 100),
        ("x86_64", None, 16384, 100),
        ("x86_64", 8, None, 100),
        ("x86_64", 8, 16384, None),
        ("x86_64", 8, 16384, -1),
    ],
)
def test_a_shape_that_is_not_known_whole_has_no_class(shape) -> None:
    with pytest.raises(exceptions.UsageError, match="expected cpu_arch, cpus"):
        resource_class.by_shape("baremetal", *shape)


def test_a_prefix_that_makes_too_long_a_class_is_refused() -> None:
    with pytest.raises(exceptions.UsageError, match="at most 80 characters"):
        resource_class.by_shape("x" * 70, "x86_64", 8, 16384, 100)
