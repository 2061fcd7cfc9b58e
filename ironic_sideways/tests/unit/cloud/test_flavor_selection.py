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


import dataclasses

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import flavor_selection, flavors
from ironic_sideways.cloud.flavor_selection import choose

OLD = {flavors.KERNEL_KEY: "old-kernel", flavors.RAMDISK_KEY: "old-ramdisk"}
NEW = ("new-kernel", "new-ramdisk")


def flavor(name: str, **specs: str) -> flavors.Flavor:
    shape = {"vcpus": 8, "ram": 16384, "disk": 100}
    return flavors.Flavor(f"id-{name}", name, dict(specs), **shape)


BARE_METAL = flavor("baremetal", cpu_arch="x86_64", **OLD)
FALLBACK = flavor("by nova.conf", cpu_arch="x86_64")
VIRTUAL = flavor("m1.small")


def test_flavors_are_found_by_either_key() -> None:
    kernel_only = flavor("kernel", **{flavors.KERNEL_KEY: "x"})
    ramdisk_only = flavor("ramdisk", **{flavors.RAMDISK_KEY: "y"})
    present = [kernel_only, VIRTUAL, ramdisk_only]
    assert choose(present, [], [], []) == [kernel_only, ramdisk_only]


@pytest.mark.parametrize("old_image", ["old-kernel", "old-ramdisk"])
def test_flavors_are_found_by_an_old_image_before_and_after_the_update(
    old_image: str,
) -> None:
    other = flavor("other", **{flavors.KERNEL_KEY: "another-kernel"})
    specs = flavors.wanted_specs(*NEW, "CUSTOM_X")
    updated = dataclasses.replace(BARE_METAL, specs=specs)
    assert choose([BARE_METAL, other], [], [old_image], NEW) == [BARE_METAL]
    assert choose([updated, other], [], [old_image], NEW) == [updated]


def test_a_flavor_without_deploy_images_is_chosen_as_fallback_alone() -> None:
    present = [BARE_METAL, FALLBACK, VIRTUAL]
    assert choose(present, [], [], NEW) == [BARE_METAL]
    assert choose(present, [], [], NEW, fallback=True) == [BARE_METAL, FALLBACK]
    assert choose(present, [], ["old-kernel"], NEW, fallback=True) == [
        BARE_METAL,
        FALLBACK,
    ]


def test_a_named_flavor_is_chosen_once_and_without_deploy_images_too() -> None:
    present = [BARE_METAL, VIRTUAL]
    assert choose(present, ["m1.small", "id-m1.small"], [], []) == [VIRTUAL]


def test_a_name_with_spaces_is_a_name() -> None:
    assert choose([FALLBACK, VIRTUAL], ["by nova.conf"], [], []) == [FALLBACK]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(exceptions.SidewaysError, match="flavor gold: Nova has no such"):
        choose([BARE_METAL], ["baremetal", "gold"], [], [])


def test_a_name_that_is_another_flavors_id_is_refused() -> None:
    other = dataclasses.replace(VIRTUAL, id="baremetal")
    with pytest.raises(
        exceptions.SidewaysError,
        match=r"flavor baremetal: it may be baremetal \(id-baremetal\) or m1.small "
        r"\(baremetal\): give an id",
    ):
        choose([BARE_METAL, other], ["baremetal"], [], [])


@pytest.mark.parametrize("old_images", [[], ["old-kernel"]])
def test_no_flavor_at_all_is_refused(old_images: list[str]) -> None:
    with pytest.raises(exceptions.SidewaysError, match="no flavor references"):
        choose([VIRTUAL], [], old_images, [])


def test_a_flavors_class_is_of_its_whole_shape() -> None:
    whole = dataclasses.replace(
        BARE_METAL, vcpus=4, ram=2048, disk=10, ephemeral=20, swap=2048
    )
    assert flavor_selection.shape_class(whole, "bm") == "bm-x86_64-4c-2048m-32g"
    specs = flavor_selection.class_by_shape(*NEW, "bm")(whole)
    assert specs["resources:CUSTOM_BM_X86_64_4C_2048M_32G"] == "1"


def test_a_disk_that_no_node_can_equal_is_refused() -> None:
    swapping = dataclasses.replace(BARE_METAL, swap=512)
    with pytest.raises(exceptions.SidewaysError, match="102912 MiB together"):
        flavor_selection.shape_class(swapping, "bm")


@pytest.mark.parametrize(
    "specs",
    [
        {"cpu_arch": "i686"},
        {"cpu_arch": "s== i686"},
        {"capabilities:cpu_arch": "i686"},
        {"capabilities:cpu_arch": "s== i686", "cpu_arch": "i686"},
    ],
)
def test_a_flavors_architecture_is_what_the_filter_compared(
    specs: dict[str, str],
) -> None:
    assert flavor_selection.architecture(flavor("x", **specs)) == "i686"


@pytest.mark.parametrize(
    ("specs", "found"),
    [
        ({}, "none"),
        ({"cpu_arch": ""}, "none"),
        ({"cpu_arch": "<or> i686 <or> x86_64"}, "<or> i686 <or> x86_64"),
        ({"cpu_arch": "a", "capabilities:cpu_arch": "b"}, "a and b"),
    ],
)
def test_a_flavor_that_does_not_say_one_architecture_is_refused(
    specs: dict[str, str], found: str
) -> None:
    with pytest.raises(exceptions.SidewaysError) as caught:
        flavor_selection.class_by_shape(*NEW, "bm")(flavor("two words", **specs))
    message = str(caught.value)
    assert message.startswith("flavor two words: expected one architecture")
    assert f"found {found};" in message
    assert "flavor set --property cpu_arch=x86_64 id-two words" in message
