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

"""Every configuration file of the lab, rendered from the templates directory.

A template's path below ``templates`` is the file's path below the lab's
``etc``. Templates hold the settings; this module holds what they are filled
with.
"""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

import jinja2

from ironic_sideways import exceptions
from ironic_sideways.hardware import guest, machines
from ironic_sideways.lab import databases, dhcp, files, passwords
from ironic_sideways.lab.layout import SIBLING, Layout
from ironic_sideways.lab.programs import BINARIES
from ironic_sideways.lab.record import LabRecord

HARDWARE_FILES = ("dnsmasq/dnsmasq.conf", "nginx/nginx.conf")
#: Rendered by ``lab up``, and nova-compute's for each compute host; Ironic's own
#: by ``lab install-ironic``.
BASE_FILES = (
    *HARDWARE_FILES,
    "glance/glance-api.conf",
    "keystone/keystone.conf",
    "neutron/neutron.conf",
    "nova-compute/nova.conf",
    f"{SIBLING}/nova.conf",
    "nova/nova.conf",
    "placement/placement.conf",
    "rabbitmq/rabbitmq.conf",
)
IRONIC_FILES = ("ironic/ironic.conf",)

#: Paste files as the packages ship them, by their place below sys.prefix/etc.
PASTE_FILES = (
    "glance/glance-api-paste.ini",
    "neutron/api-paste.ini",
    "nova/api-paste.ini",
)

#: The names by which the phases call a configuration file, but for nova-compute's.
CONFIGURATIONS = {
    "glance": "glance/glance-api.conf",
    "ironic": "ironic/ironic.conf",
    "keystone": "keystone/keystone.conf",
    "neutron": "neutron/neutron.conf",
    "nova": "nova/nova.conf",
    "nova-api-paste": "nova/api-paste.ini",
    "placement": "placement/placement.conf",
}


def environment() -> jinja2.Environment:
    """The templates; a name that is not given is an error."""
    # Ini files, not markup: nothing to escape.
    return jinja2.Environment(  # noqa: S701
        loader=jinja2.PackageLoader("ironic_sideways.lab"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def configurations(layout: Layout) -> dict[str, str]:
    """The file below the lab's ``etc`` of each name that the phases know."""
    computes = {name: f"{name}/nova.conf" for name in layout.compute_services}
    return dict(sorted({**CONFIGURATIONS, **computes}.items()))


def base_files(layout: Layout) -> list[str]:
    """What ``lab up`` renders."""
    computes = (f"{name}/nova.conf" for name in layout.compute_services)
    return sorted({*BASE_FILES, *computes})


def template_of(layout: Layout, name: str) -> str:
    """The template of a file: compute hosts differ by their names alone."""
    if Path(name).parent.name in layout.compute_services:
        return "nova-compute/nova.conf.j2"
    return f"{name}.j2"


def render(layout: Layout, record: LabRecord, names: Iterable[str]) -> None:
    """Write the configuration files ``names``, readable by root alone.

    A file that is there stays: an option may have been set in it since.
    """
    secrets = passwords.load(layout)
    macs = [machines.mac(layout.number, index) for index in range(record.nodes)]
    values = {
        "layout": layout,
        "record": record,
        "passwords": secrets,
        "urls": {name: databases.url(layout, name) for name in databases.OWNERS},
        "url": layout.url,
        "credentials": lambda user: credentials(layout, user),
        "mac_tags": {mac: dhcp.tag(mac) for mac in macs},
        "binaries": BINARIES,
        "guest_arguments": guest.KERNEL_ARGUMENTS,
        "identity_url": layout.url("keystone") + "/v3",
        "transport_url": (
            f"rabbit://openstack:{secrets['rabbitmq']}"
            f"@127.0.0.1:{layout.port('rabbitmq')}/"
        ),
    }
    templates = environment()
    for name in names:
        path = layout.etc / name
        if not path.exists():
            template = templates.get_template(template_of(layout, name))
            text = template.render(values, service=path.parent.name)
            files.write_private(path, text.lstrip("\n"))


def credentials(layout: Layout, user: str) -> dict[str, str]:
    """keystoneauth1's options for a service user."""
    return {
        "auth_type": "password",
        "auth_url": layout.url("keystone") + "/v3",
        "username": user,
        "password": passwords.load(layout)[f"user-{user}"],
        "project_name": "service",
        "user_domain_id": "default",
        "project_domain_id": "default",
        "region_name": "RegionOne",
    }


def copy_paste_files(layout: Layout) -> None:
    """Copy the packages' paste files; one that is there stays.

    :raises SidewaysError: when the installed packages have none.
    """
    for name in PASTE_FILES:
        source, target = Path(sys.prefix, "etc", name), layout.etc / name
        if target.exists():
            continue
        if not source.exists():
            raise exceptions.SidewaysError(
                f"{source}: not found; install the OpenStack packages into the "
                f"virtual environment {sys.prefix}"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def path_of(layout: Layout, configuration: str) -> Path:
    """The file that the phases call ``configuration``.

    :raises UsageError: an unknown name, or its service is not installed yet.
    """
    known = configurations(layout)
    name = known.get(configuration)
    if name is None:
        raise exceptions.UsageError(
            f"configuration {configuration!r}: expected one of {', '.join(known)}"
        )
    path = layout.etc / name
    if not path.exists():
        raise exceptions.UsageError(
            f"{path}: not found; is the lab up (and Ironic installed, by "
            f"`ironic-sideways lab install-ironic`)?"
        )
    return path
