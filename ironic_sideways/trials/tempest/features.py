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

"""Compute features that are off in tempest.conf, each with who lacks it.

DevStack turns more of them off for Ironic (lib/tempest): rescue, personality and
interface_attach too, which Nova's Ironic driver has.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Missing:
    """A feature that a driver lacks.

    :param reason: in an operator's words.
    :param methods: of ``nova.virt.driver.ComputeDriver``: that the driver inherits
        every one of them, unimplemented, is what makes the feature missing.
    :param source: the code that says so where no method does.
    """

    reason: str
    methods: tuple[str, ...] = ()
    source: str = ""

    @property
    def where(self) -> str:
        """The source: a place in the code."""
        if self.source:
            return self.source
        names = ", ".join(f"{method}()" for method in self.methods)
        return f"nova.virt.ironic.driver.IronicDriver has no {names}"


#: Option of [compute-feature-enabled] -> why it is off under Nova's Ironic driver.
MISSING = {
    "change_password": Missing(
        "nobody is in the running system to set a password",
        methods=("set_admin_password",),
    ),
    "cold_migration": Missing(
        "a server is its machine: it cannot move to another one",
        methods=("migrate_disk_and_power_off", "finish_migration"),
    ),
    "console_output": Missing(
        "a machine's console is a stream that nobody records",
        methods=("get_console_output",),
    ),
    "live_migration": Missing(
        "a server is its machine: it cannot move to another one",
        methods=("live_migration", "pre_live_migration"),
    ),
    "pause": Missing("a processor cannot be held", methods=("pause", "unpause")),
    "resize": Missing(
        "a machine cannot grow",
        methods=("migrate_disk_and_power_off", "finish_migration"),
    ),
    "shelve": Missing(
        "shelving keeps a snapshot of the disk, and there are none",
        methods=("snapshot",),
    ),
    "snapshot": Missing(
        "the disk is the machine's own: nobody but its system reads it",
        methods=("snapshot",),
    ),
    "suspend": Missing(
        "memory cannot be written to a disk and taken back",
        methods=("suspend", "resume"),
    ),
    "swap_volume": Missing(
        "a volume is not changed under a running system", methods=("swap_volume",)
    ),
    "vnc_console": Missing(
        "a BMC that speaks IPMI shows no screen",
        source="ironic.drivers.ipmi.IPMIHardware.supported_console_interfaces "
        "has no graphical one but the fake one of tests",
    ),
}

#: What Tempest takes to be missing unless it is told, and the cloud has.
PRESENT = ("hostname_fqdn_sanitization", "personality")

BASE = "ironic_sideways.compute.virt.baremetal.driver.BareMetalDriver has no "

#: The same for the base's driver, before the move.
MISSING_BEFORE = {
    **MISSING,
    "interface_attach": Missing(
        "ports come with the instance alone", source=f"{BASE}attach_interface()"
    ),
    "personality": Missing(
        "the base writes no files on the machine's disk",
        source="BareMetalDriver.spawn() leaves injected_files alone",
    ),
    "rescue": Missing("nova-baremetal had no rescue mode", source=f"{BASE}rescue()"),
}
