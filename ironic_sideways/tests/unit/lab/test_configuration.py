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

"""The rendered files are whole, private, and of their own lab."""

import configparser
from pathlib import Path
from typing import get_args

import pytest
from ironic.conf import opts as ironic_opts

from ironic_sideways import exceptions
from ironic_sideways.hardware import guest, machines
from ironic_sideways.lab import configuration, passwords, service_table
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.record import LabRecord

GROUPS = get_args(service_table.Group)
ALL = [
    name
    for row in Layout(Path("/lab")).services
    for name, _ in configuration.files_of(row)
    if not name.endswith(".ini")
]


def rendered(layout: Layout, base_driver: str = "nova_bm") -> dict[str, str]:
    record = LabRecord.new(layout.number, 8, base_driver)
    configuration.write(layout, record, *GROUPS)
    return {name: (layout.etc / name).read_text() for name in ALL}


def option(text: str, section: str, name: str) -> str | None:
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(text)
    return parser.get(section, name, fallback=None)


@pytest.mark.parametrize("name", ALL)
def test_every_file_is_private(layout: Layout, name: str) -> None:
    rendered(layout)

    assert (layout.etc / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", [name for name in ALL if name.endswith(".conf")])
def test_no_file_names_a_host_wide_place(layout: Layout, name: str) -> None:
    text = rendered(layout)[name]

    for place in ("/etc/", "/var/lib/", "/var/log/", "0.0.0.0", "localhost"):  # noqa: S104
        assert place not in text.replace(str(layout.etc), "")


def test_no_place_of_ironics_is_the_hosts_by_default(layout: Layout) -> None:
    text = rendered(layout)["ironic/ironic.conf"]
    wide = {
        (group, option_.dest)
        for group, options in ironic_opts.list_opts()
        for option_ in options
        if str(option_.default).startswith(("/var/", "/tmp/"))  # noqa: S108
    }
    # Its service has a configuration of its own, and no part in a lab.
    wide = {one for one in wide if one[0] != "ironic_networking"}

    assert len(wide) > 4
    for group, name in wide:
        place = option(text, group, name) or ""
        assert place.startswith(str(layout.directory)), f"[{group}] {name}: {place}"


def test_two_labs_have_no_password_in_common(tmp_path: Path) -> None:
    one, two = (Layout(tmp_path / name, 7) for name in ("a", "b"))
    texts = "".join(rendered(two).values())
    rendered(one)

    assert not [value for value in passwords.load(one).values() if value in texts]


def test_a_file_that_is_there_keeps_what_was_set_in_it(layout: Layout) -> None:
    rendered(layout)
    path = layout.etc / "nova/nova.conf"
    path.write_text("[DEFAULT]\nmine = 1\n")

    assert rendered(layout)["nova/nova.conf"] == "[DEFAULT]\nmine = 1\n"


def test_nova_compute_has_no_way_to_novas_database(layout: Layout) -> None:
    text = rendered(layout)["nova-compute/nova.conf"]

    assert "[database]" not in text
    assert "[api_database]" not in text


@pytest.mark.parametrize(
    ("base_driver", "expected"),
    [
        ("nova_bm", "baremetal.BareMetalDriver"),
        ("fake", "baremetal.fake.FakeDriver"),
    ],
)
def test_the_base_driver_is_the_one_of_the_record(
    layout: Layout, base_driver: str, expected: str
) -> None:
    text = rendered(layout, base_driver)["nova-compute/nova.conf"]

    assert option(text, "DEFAULT", "compute_driver") == expected


def test_host_is_the_same_for_nova_and_ironic(layout: Layout) -> None:
    texts = rendered(layout)
    hosts = {
        option(texts[name], "DEFAULT", "host")
        for name in ("nova/nova.conf", "nova-compute/nova.conf", "ironic/ironic.conf")
    }

    assert hosts == {layout.compute_host}


def test_compute_hosts_differ_by_their_names_and_places_alone(layout: Layout) -> None:
    two = Layout(layout.directory, layout.number, 2)
    record = LabRecord.new(two.number, 8, "nova_bm", 2)
    configuration.write(two, record, "compute")
    texts = [
        configuration.path_of(two, name).read_text() for name in two.compute_services
    ]

    hosts = [option(text, "DEFAULT", "host") for text in texts]
    assert hosts == list(two.compute_services.values())
    assert (
        texts[1]
        .replace("nova-compute-2", "nova-compute")
        .replace(hosts[1] or "", hosts[0] or "")
        == texts[0]
    )


def test_dnsmasq_has_a_tag_for_each_machine_and_no_boot_option_above_a_ports(
    layout: Layout,
) -> None:
    lines = rendered(layout)["dnsmasq/dnsmasq.conf"].splitlines()

    tagged = [line for line in lines if line.startswith("dhcp-mac=")]
    assert len(tagged) == 8 * machines.NICS
    assert tagged[:2] == [
        "dhcp-mac=set:mac-52-54-00-07-00-00,52:54:00:07:00:00",
        "dhcp-mac=set:mac-52-54-01-07-00-00,52:54:01:07:00:00",
    ]
    assert not [line for line in lines if line.startswith("dhcp-boot")]


def test_t2_a_nic_without_a_port_gets_no_address(layout: Layout) -> None:
    """Else a machine would be well whichever of its NICs has the port's address."""
    lines = rendered(layout)["dnsmasq/dnsmasq.conf"].splitlines()

    (ipv4,) = [one for one in lines if one.startswith("dhcp-range=172.")]
    assert ipv4 == "dhcp-range=172.30.7.0,static,255.255.255.0,2m"


def test_an_unknown_configuration_is_refused_with_the_known_ones(
    layout: Layout,
) -> None:
    with pytest.raises(exceptions.UsageError, match="nova-api-paste"):
        configuration.path_of(layout, "cinder")


def test_ironics_file_is_refused_before_ironic_is_installed(layout: Layout) -> None:
    with pytest.raises(exceptions.UsageError, match="install-ironic"):
        configuration.path_of(layout, "ironic")


def test_j3_machines_are_switched_over_ipmi_on_both_sides(layout: Layout) -> None:
    """The job of 2014 used ssh power: the path of a real cloud was never run."""
    texts = rendered(layout)

    base = option(texts["nova-compute/nova.conf"], "baremetal", "power_manager")
    assert base == "nova.virt.baremetal.ipmi.IPMI"
    ironic = texts["ironic/ironic.conf"]
    assert option(ironic, "DEFAULT", "enabled_hardware_types") == "ipmi"
    assert option(ironic, "DEFAULT", "enabled_power_interfaces") == "ipmitool"


def test_no_kernel_checks_its_timer_on_an_emulator_that_may_starve(
    layout: Layout,
) -> None:
    texts = rendered(layout)

    guests = option(texts["nova-compute/nova.conf"], "baremetal", "pxe_append_params")
    agent = option(texts["ironic/ironic.conf"], "pxe", "kernel_append_params")
    for arguments in (guest.KERNEL_ARGUMENTS, guests, agent):
        assert arguments and "no_timer_check" in arguments.split()
