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

import functools
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import jinja2

from ironic_sideways import exceptions
from ironic_sideways.hardware import guest, machines
from ironic_sideways.lab import (
    databases,
    dhcp,
    files,
    passwords,
    rabbitmq,
    service_table,
)
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.programs import BINARIES
from ironic_sideways.lab.record import LabRecord
from ironic_sideways.lab.service_table import Group, Service


@functools.cache
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
    known = [
        (name.format(name=row.name), path.format(name=row.name))
        for row in layout.services
        for name, path in row.configurations.items()
    ]
    return dict(sorted(known))


def files_of(row: Service) -> Iterator[tuple[str, str]]:
    """Each file of a service below the lab's ``etc``, and its template or source."""
    # Compute hosts differ by their names alone.
    general = "nova-compute" if row.group == "compute" else row.name
    for path in (*row.configurations.values(), *row.files):
        yield path.format(name=row.name), path.format(name=general)


def write(layout: Layout, record: LabRecord, *groups: Group) -> None:
    """Write the configuration files of services, and make their directories.

    A file that is there stays: an option may have been set in it since. What is
    rendered is readable by root alone.

    :raises SidewaysError: when the installed packages lack a paste file.
    """
    macs = [mac for n in range(record.nodes) for mac in machines.macs(layout.number, n)]
    values = {
        "layout": layout,
        "record": record,
        "passwords": passwords.load(layout),
        "urls": {one: databases.url(layout, one) for one in service_table.databases()},
        "url": layout.url,
        "credentials": lambda user: credentials(layout, user),
        "mac_tags": {mac: dhcp.tag(mac) for mac in macs},
        "binaries": BINARIES,
        "guest_arguments": guest.KERNEL_ARGUMENTS,
        "identity_url": layout.url("keystone") + "/v3",
        "transport_url": rabbitmq.url(layout),
    }
    templates = environment()
    for row in layout.services:
        if row.group not in groups:
            continue
        for directory in row.directories:
            path = layout.data / directory.format(name=row.name)
            path.mkdir(parents=True, exist_ok=True)
        for name, source in files_of(row):
            path = layout.etc / name
            if path.exists():
                continue
            if path.suffix == ".ini":
                _copy(Path(sys.prefix, "etc", source), path)
            else:
                template = templates.get_template(f"{source}.j2")
                text = template.render(values, service=row.name)
                files.write_private(path, text.lstrip("\n"))


def _copy(source: Path, target: Path) -> None:
    """Copy a paste file as its package ships it."""
    if not source.exists():
        raise exceptions.SidewaysError(
            f"{source}: not found; install the OpenStack packages into the "
            f"virtual environment {sys.prefix}"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


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
