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

"""Deploy images in glance, and the flavors of bare metal that reference them.

Can be done twice with the same result. Undo: ``openstack image delete`` and
``openstack flavor delete`` with the names that were published.

An administrator sees every project's images, and anybody may give an image any name:
by name, only those of the administrator's own project and public ones are looked at.
"""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from openstack import exceptions as sdk_exceptions

from ironic_sideways import exceptions

#: Container and disk format of each kind of image, as Nova's and Ironic's
#: documentation publish them.
FORMATS = {"kernel": "aki", "ramdisk": "ari"}

#: Nobody uploads to an image of these (glance/doc, image statuses).
CUT_SHORT = ("queued", "killed")


@dataclasses.dataclass(frozen=True)
class Flavor:
    """A flavor of bare metal: the shape of one kind of node.

    :param ram: MiB.
    :param disk: of the root disk, GB.
    :param ephemeral: GB.
    :param swap: MiB.
    """

    name: str
    vcpus: int
    ram: int
    disk: int
    ephemeral: int = 0
    swap: int = 0


#: Is told of each thing that was made, changed or deleted, once it is.
Told = Callable[[str], None]

#: A flavor for each shape of the lab's machines: the small one is for API tests, a
#: real deploy fits the larger, whose disk another flavor divides.
BAREMETAL_FLAVORS = (
    Flavor("baremetal", vcpus=1, ram=256, disk=2),
    Flavor("baremetal-deploy", vcpus=1, ram=1024, disk=5),
    Flavor("baremetal-ephemeral", vcpus=1, ram=1024, disk=3, ephemeral=1, swap=1024),
)


@dataclasses.dataclass(frozen=True)
class Published:
    """A deploy kernel and ramdisk, both active in glance."""

    kernel: dict[str, Any]
    ramdisk: dict[str, Any]

    @property
    def extra_specs(self) -> dict[str, str]:
        """What nova-baremetal read from a flavor (nova.virt.baremetal.pxe)."""
        return {
            "cpu_arch": "x86_64",
            "baremetal:deploy_kernel_id": self.kernel["id"],
            "baremetal:deploy_ramdisk_id": self.ramdisk["id"],
        }


def publish_pair(
    connection: Any, prefix: str, kernel: Path, ramdisk: Path, told: Told
) -> Published:
    """Publish both images as ``<prefix>-kernel`` and ``<prefix>-ramdisk``.

    :param connection: an openstacksdk connection of an administrator.
    :raises SidewaysError: as ``publish`` does.
    """
    return Published(
        kernel=publish(connection, f"{prefix}-kernel", "kernel", kernel, told),
        ramdisk=publish(connection, f"{prefix}-ramdisk", "ramdisk", ramdisk, told),
    )


def publish(
    connection: Any, name: str, kind: str, file: Path, told: Told
) -> dict[str, Any]:
    """Have one active, public image ``name`` with the content of ``file``.

    An upload of this project that never began or failed is replaced; an active image
    with other content is left alone, for flavors and nodes may reference it.

    :param kind: "kernel" or "ramdisk".
    :returns: id, name, status, size in bytes, hash_algo and hash_value.
    :raises SidewaysError: the file cannot be read, another image has the name,
        or glance does not say that it has the very content.
    """
    if not file.is_file() or not file.stat().st_size:
        raise exceptions.SidewaysError(
            f"image {name}: expected its content in {file}, found no file or an "
            "empty one; build it first"
        )
    for image in _named(connection, name):
        if image.status in CUT_SHORT:
            if _is_own(connection, image):
                connection.image.delete_image(image)
                told(f"image {image.id} deleted")
        elif image.status == "active" and _holds(image, file):
            return _described(image)
        else:
            content = " and its content differs" if image.status == "active" else ""
            raise exceptions.SidewaysError(
                f"image {name}: {image.id} is {image.status}{content}; expected the "
                f"content of {file}, or no such image; 'openstack image delete "
                f"{image.id}' first if nobody needs it, or publish under another name"
            )
    image = connection.image.create_image(
        name,
        filename=str(file),
        allow_duplicates=True,
        disk_format=FORMATS[kind],
        container_format=FORMATS[kind],
        visibility="public",
    )
    told(f"image {image.id} made")
    image = connection.image.get_image(image.id)
    if image.status != "active" or not _holds(image, file):
        raise exceptions.SidewaysError(
            f"image {name}: expected {image.id} to be active with the content of "
            f"{file}, found it {image.status}, {image.hash_algo} {image.hash_value}; "
            "see glance's log, then publish again"
        )
    return _described(image)


def active_pair(connection: Any, kernel: str, ramdisk: str) -> tuple[str, str]:
    """The ids of a deploy kernel and ramdisk, given by id or name.

    :raises SidewaysError: as ``active`` does, and for one image in both places.
    """
    ids = active(connection, kernel, "kernel"), active(connection, ramdisk, "ramdisk")
    if ids[0] == ids[1]:
        raise exceptions.SidewaysError(
            f"image {kernel}: expected two images, found it as deploy kernel and as "
            "deploy ramdisk; nothing was changed"
        )
    return ids


def active(connection: Any, name_or_id: str, kind: str) -> str:
    """The id of an image that can be deployed with: glance has it active.

    :param kind: "kernel" or "ramdisk".
    :raises SidewaysError: where glance has none, several, or not its data; or
        where it is an image of the other kind.
    """
    what = f"deploy {kind} image {name_or_id}"
    found = _by_id(connection, name_or_id) or _named(connection, name_or_id)
    if len(found) > 1:
        raise exceptions.SidewaysError(
            f"{what}: several have this name, give the id; nothing was changed"
        )
    if not found:
        raise exceptions.SidewaysError(
            f"{what}: glance has no such image, of this project or public; upload it "
            "first, or give its id; nothing was changed"
        )
    image = found[0]
    if image.status != "active":
        remedy = (
            f"'openstack image set --activate {image.id}'"
            if image.status == "deactivated"
            else "upload its data"
        )
        raise exceptions.SidewaysError(
            f"{what}: expected active, found {image.status}; {remedy} first; nothing "
            "was changed"
        )
    if image.container_format in set(FORMATS.values()) - {FORMATS[kind]}:
        raise exceptions.SidewaysError(
            f"{what}: expected a {kind} ({FORMATS[kind]}), found "
            f"{image.container_format}; are kernel and ramdisk swapped? nothing was "
            "changed"
        )
    return str(image.id)


def ensure_flavors(
    connection: Any, published: Published, told: Told
) -> list[dict[str, Any]]:
    """Have the flavors, each with ``published`` as its deploy images.

    :returns: for each flavor its id, name and all its extra specs.
    :raises SidewaysError: a flavor has the name and another shape.
    """
    return [_ensure_flavor(connection, published, f, told) for f in BAREMETAL_FLAVORS]


def _ensure_flavor(
    connection: Any, published: Published, wanted: Flavor, told: Told
) -> dict[str, Any]:
    shape = dataclasses.asdict(wanted)
    flavor = connection.compute.find_flavor(wanted.name)
    if flavor is None:
        flavor = connection.compute.create_flavor(**shape)
        told(f"flavor {wanted.name} made")
    # Nova says nothing of a swap of none.
    found = {key: getattr(flavor, key) or 0 for key in shape}
    if found != shape:
        raise exceptions.SidewaysError(
            f"flavor {wanted.name}: expected {shape}, found {found}; "
            f"'openstack flavor delete {wanted.name}' first"
        )
    connection.compute.create_flavor_extra_specs(flavor, published.extra_specs)
    told(f"flavor {wanted.name} updated")
    specs = connection.compute.fetch_flavor_extra_specs(flavor).extra_specs
    return {"id": flavor.id, "name": wanted.name, "extra_specs": dict(specs)}


def _by_id(connection: Any, image_id: str) -> list[Any]:
    try:
        return [connection.image.get_image(image_id)]
    except (sdk_exceptions.NotFoundException, sdk_exceptions.BadRequestException):
        return []


def _named(connection: Any, name: str) -> list[Any]:
    """The images of this name that are the administrator's own, or public."""
    return [
        image
        for hidden in (False, True)
        for image in connection.image.images(name=name, is_hidden=hidden)
        if _is_own(connection, image) or image.visibility == "public"
    ]


def _is_own(connection: Any, image: Any) -> bool:
    return bool(image.owner_id == connection.current_project_id)


def _holds(image: Any, file: Path) -> bool:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, image.hash_algo)
    return bool(image.hash_value == digest.hexdigest())


def _described(image: Any) -> dict[str, Any]:
    names = ("id", "name", "status", "size", "hash_algo", "hash_value")
    return {name: getattr(image, name) for name in names}
