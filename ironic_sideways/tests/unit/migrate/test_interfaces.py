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

from ironic_sideways import exceptions
from ironic_sideways.migrate import choices, interfaces, mapping
from ironic_sideways.tests import samples


def test_interfaces_are_chosen_by_kind() -> None:
    assert interfaces.chosen(["console=ipmitool-socat", "vendor=no-vendor"]) == {
        "console": "ipmitool-socat",
        "vendor": "no-vendor",
    }


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["power"], "expected KIND=NAME"),
        (["speed=fast"], "KIND one of bios, console"),
        (["boot=pxe"], "expected --boot-interface pxe"),
        (["raid=agent", "raid=no-raid"], "raid=agent was given before"),
        (["power=redfish"], "supports ipmitool"),
    ],
)
def test_a_choice_that_cannot_be_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(exceptions.UsageError) as raised:
        interfaces.chosen(words)
    assert said in str(raised.value)
    assert f"--interface {words[-1]}" in str(raised.value)


@pytest.mark.parametrize("options", [samples.OPTIONS, samples.OTHER_OPTIONS])
def test_every_interface_that_is_mapped_is_asked_for(options: choices.Options) -> None:
    wanted = {(one.kind, one.name) for one in interfaces.wanted(options, netboot=False)}
    for node in samples.sources()[:4]:
        if options.resource_class_by_shape and node.local_gb is None:
            continue
        row = mapping.map_node(node, (), options, samples.STAMP).node
        mapped = {
            (name.removesuffix("_interface"), value)
            for name, value in row.items()
            if name.endswith("_interface")
        }
        assert mapped <= wanted


def test_instances_that_boot_over_the_network_need_one_more() -> None:
    wanted = interfaces.wanted(samples.OTHER_OPTIONS, netboot=True)
    assert ("deploy", "ramdisk") in {(one.kind, one.name) for one in wanted}
