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
from functools import partial
from types import SimpleNamespace

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import flavor_selection, flavors, nodes_file
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
    with pytest.raises(exceptions.SidewaysError, match="flavor gold: not in Nova"):
        choose([BARE_METAL], ["baremetal", "gold"], [], [])


def test_a_name_that_is_another_flavors_id_is_refused() -> None:
    other = dataclasses.replace(VIRTUAL, id="baremetal")
    with pytest.raises(
        exceptions.SidewaysError,
        match=r"flavor baremetal: could be baremetal \(id-baremetal\) or m1.small "
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


def in_nova(specs: dict[str, str], node: nodes_file.Node) -> bool:
    """Whether Nova's own filter takes the node, as IronicDriver reports it."""
    from nova import objects
    from nova.scheduler import host_manager
    from nova.scheduler.filters import compute_capabilities_filter
    from nova.virt.ironic import driver

    objects.register_all()
    # What _node_resource reads of openstacksdk's node.
    properties = {"cpu_arch": node.cpu_arch, "capabilities": node.capabilities}
    ironic = SimpleNamespace(
        id=node.uuid,
        properties=properties,
        resource_class="baremetal",
        instance_id=None,
        traits=[],
    )
    reported = driver.IronicDriver._node_resource(
        SimpleNamespace(
            _parse_node_properties=partial(
                driver.IronicDriver._parse_node_properties, None
            ),
            _node_resources_used=lambda _node: False,
            _node_resources_unavailable=lambda _node: False,
            _get_hypervisor_type=partial(
                driver.IronicDriver._get_hypervisor_type, None
            ),
            _get_hypervisor_version=lambda: 1,
        ),
        ironic,
    )
    state = host_manager.HostState("compute-1", node.uuid, node.uuid)
    state.hypervisor_type = reported["hypervisor_type"]
    state.stats = reported["stats"]
    return bool(
        compute_capabilities_filter.ComputeCapabilitiesFilter()._satisfies_extra_specs(
            state, objects.Flavor(extra_specs=specs)
        )
    )


NODE = nodes_file.Node(
    "a", "baremetal", None, "x86_64", "boot_mode:bios,gpus:2,gpu_arch:kepler"
)


@pytest.mark.parametrize(
    ("specs", "wrong"),
    [
        ({}, []),
        ({"cpu_arch": "x86_64"}, []),
        ({"cpu_arch": "s== x86_64", "capabilities:boot_mode": "bios"}, []),
        ({"cpu_arch": "<or> amd64 <or> x86_64"}, []),
        ({"cpu_arch": "amd64"}, ["cpu_arch"]),
        ({"capabilities:cpu_arch": "amd64"}, ["capabilities:cpu_arch"]),
        ({"cpu_arch": "{i386|x86_64}"}, ["cpu_arch"]),
        ({"gpus": ">= 2", "capabilities:gpu_arch": "<in> kep"}, []),
        ({"gpus": "= 3"}, ["gpus"]),
        ({"gpus": "2.0"}, ["gpus"]),
        ({"capabilities:raid": "1"}, ["capabilities:raid"]),
        # That filter minds neither a name that no node has, nor another namespace.
        ({"raid": "1", "hw:cpu_policy": "dedicated", "trait:CUSTOM_X": "required"}, []),
        ({"hypervisor_type": "baremetal"}, ["hypervisor_type"]),
        ({"capabilities:hypervisor_type": "s== ironic"}, []),
        (
            {"cpu_arch": "amd64", "capabilities:gpus": "2", "gpu_arch": "fermi"},
            ["cpu_arch", "gpu_arch"],
        ),
    ],
)
def test_t6_a_flavor_fits_a_node_where_novas_filter_takes_it(
    specs: dict[str, str], wrong: list[str]
) -> None:
    told = flavor_selection.advertised(NODE)
    assert told is not None
    assert flavor_selection.misfits(specs, [told]) == wrong
    assert in_nova(specs, NODE) == (not wrong)


def test_t6_one_node_that_fits_is_enough_and_two_halves_are_none() -> None:
    nodes = [{"cpu_arch": "x86_64", "gpus": "1"}, {"cpu_arch": "arm", "gpus": "2"}]
    assert flavor_selection.misfits({"cpu_arch": "arm"}, nodes) == []
    both = {"cpu_arch": "x86_64", "gpus": "2"}
    assert flavor_selection.misfits(both, nodes) == ["cpu_arch", "gpus"]


def test_t6_of_a_node_whose_file_says_nothing_nothing_is_known() -> None:
    assert flavor_selection.advertised(nodes_file.Node("a", "baremetal")) is None
