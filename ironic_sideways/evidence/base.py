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

"""The base cloud as a rollback must leave it: base-before and base-after.json.

More than a snapshot (evidence/snapshot.py): everything that a phase of the
window changes, or might. Reads only.
"""

import configparser
import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import keystoneauth1.exceptions
import sqlalchemy as sa
from openstack.connection import Connection

from ironic_sideways.evidence import snapshot
from ironic_sideways.evidence.tenants import Digests
from ironic_sideways.nova_bm import database

#: A service that was configured and is not used: its section changes nothing.
UNUSED_SECTIONS = frozenset({"ironic"})

#: A DHCP option of nova-baremetal (nova.virt.baremetal.pxe), with a name or an address.
BOOT_OPTION = re.compile(
    r"(?:bootfile-name|server-ip-address|tftp-server)=[A-Za-z0-9.]{1,15} \(IPv4\)"
)

#: Seconds for Ironic's API to answer, if it is there.
API_TIMEOUT = 10


def hypervisors(cloud: Connection) -> dict[str, dict[str, Any]]:
    """The compute nodes by uuid, as nova-compute reported them last."""
    return {
        found.id: {
            "name": found.name,
            "type": found.hypervisor_type,
            "state": found.state,
            "status": found.status,
        }
        for found in cloud.compute.hypervisors(details=True)
    }


def ports(cloud: Connection, digest: Digests) -> dict[str, dict[str, Any]]:
    """What of each port the move may touch, by its id.

    A tenant may write any DHCP option: only those of nova-baremetal's boot are told.
    """
    return {
        port.id: {
            "mac": port.mac_address,
            "device": port.device_id,
            "host": port.binding_host_id,
            "vnic_type": port.binding_vnic_type,
            "profile": port.binding_profile,
            "dhcp_options": sorted(
                told_option(option, digest) for option in port.extra_dhcp_opts or ()
            ),
        }
        for port in cloud.network.ports()
    }


def told_option(option: dict[str, Any], digest: Digests) -> str:
    text = f"{option['opt_name']}={option['opt_value']} (IPv{option.get('ip_version')})"
    return text if BOOT_OPTION.fullmatch(text) else str(digest(text))


def resource_classes(cloud: Connection) -> list[str]:
    """Placement's custom resource classes."""
    response = cloud.placement.get(
        "/resource_classes",
        headers={"OpenStack-API-Version": snapshot.PLACEMENT_VERSION},
    )
    response.raise_for_status()
    names = (found["name"] for found in response.json()["resource_classes"])
    return sorted(name for name in names if name.startswith("CUSTOM_"))


def ironic(cloud: Connection, engine: sa.Engine) -> dict[str, Any]:
    """What there is of Ironic: rows, conductors online, and an API that answers."""
    with database.connect(engine) as connection:
        there = set(sa.inspect(connection).get_table_names())

        def count(table: str, where: str = "") -> int:
            if table not in there:
                return 0
            query = sa.text(f"SELECT COUNT(*) FROM {table} {where}")  # noqa: S608
            return int(connection.execute(query).scalar_one())

        found = {
            "nodes": count("nodes"),
            "ports": count("ports"),
            "conductors": count("conductors", "WHERE online = 1"),
        }
    return {**found, "api": answers(cloud)}


def answers(cloud: Connection) -> bool:
    """Whether Ironic's API is there; any HTTP status will do."""
    url = cloud.endpoint_for("baremetal")
    if url is None:
        return False
    try:
        cloud.session.get(
            url, authenticated=False, raise_exc=False, timeout=API_TIMEOUT
        )
    except keystoneauth1.exceptions.ConnectFailure:
        return False
    return True


def options(path: Path, digest: Digests) -> dict[str, str | None]:
    """A digest of each option of an ini file, by ``section/option``.

    Values may be passwords; their digests say whether they changed. Of another
    file there is one digest; of one that is not there, none.
    """
    if not path.exists():
        return {}
    if path.suffix not in (".conf", ".ini"):
        return {"text": digest(path.read_text())}
    parser = configparser.RawConfigParser(
        strict=False, default_section="", allow_no_value=True
    )
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(path.read_text())
    return {
        f"{section}/{option}": digest(str(value))
        for section in parser.sections()
        if section not in UNUSED_SECTIONS
        for option, value in parser.items(section)
    }


def tree(root: Path | None) -> dict[str, str]:
    """A digest of each file below ``root``, and where each link leads; by its path.

    Others may write there: no link is followed, whenever one takes a file's place.
    """
    found = {}
    for place, folders, files, beneath in os.fwalk(f"{root}/") if root else ():
        for name in (*folders, *files):
            mode = os.stat(name, dir_fd=beneath, follow_symlinks=False).st_mode
            if stat.S_ISLNK(mode):
                text = f"-> {os.readlink(name, dir_fd=beneath)}"
            elif stat.S_ISREG(mode):
                text = content(name, beneath)
            else:
                continue
            found[str(Path(place, name))] = text
    return dict(sorted(found.items()))


def content(name: str, beneath: int) -> str:
    """A digest of the file ``name`` in the directory that is open as ``beneath``."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        descriptor = os.open(name, flags, dir_fd=beneath)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return "-> somewhere, since just now"
    with os.fdopen(descriptor, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def take(
    cloud: Connection,
    base_driver: str,
    where: snapshot.Machines | None,
    databases: dict[str, sa.Engine],
    files: Iterable[Path],
    tftp_root: Path | None,
    digest: Digests,
) -> dict[str, Any]:
    """One look at the base.

    :param databases: nova_bm's and Ironic's, by these names.
    :param files: the base's own configuration files, those of Ironic not.
    :param tftp_root: what net-booted instances boot from, if there is one.
    """
    return {
        **snapshot.take(cloud, base_driver, where, None, digest, databases["nova_bm"]),
        "hypervisors": hypervisors(cloud),
        "ports": ports(cloud, digest),
        "resource_classes": resource_classes(cloud),
        "ironic": ironic(cloud, databases["ironic"]),
        "files": {str(path): options(path, digest) for path in files},
        "tftp": tree(tftp_root),
    }
