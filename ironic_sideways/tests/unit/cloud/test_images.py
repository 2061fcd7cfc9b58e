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

import hashlib
import itertools
import re
import shlex
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openstack import exceptions as sdk_exceptions
from openstackclient.image.v2 import image as osc_image

from ironic_sideways import exceptions
from ironic_sideways.cloud import images

OWN, OTHERS = "the administrator's project", "a tenant's"


class FakeGlance:
    """The calls of openstacksdk's image proxy that we make, in memory."""

    def __init__(self) -> None:
        self.stored: dict[str, types.SimpleNamespace] = {}
        self.truncate = False
        self._numbers = itertools.count(1)

    def images(
        self, name: str, is_hidden: bool = False
    ) -> Iterator[types.SimpleNamespace]:
        found = [i for i in self.stored.values() if i.name == name]
        return iter([] if is_hidden else found)

    def get_image(self, image_id: str) -> types.SimpleNamespace:
        if image_id not in self.stored:
            raise sdk_exceptions.NotFoundException(image_id)
        return self.stored[image_id]

    def find_image(self, name_or_id: str, **_options: Any) -> Any:
        """What openstacksdk finds for an administrator: any project's."""
        found = [i for i in self.stored.values() if name_or_id in (i.id, i.name)]
        return found[0] if found else None

    def delete_image(self, image: types.SimpleNamespace) -> None:
        del self.stored[image.id]

    def create_image(
        self, name: str, *, filename: str, **fields: Any
    ) -> types.SimpleNamespace:
        content = Path(filename).read_bytes()
        if self.truncate:
            content = content[:-1]
        image = types.SimpleNamespace(
            id=f"image-{next(self._numbers)}",
            name=name,
            status="active",
            owner_id=OWN,
            size=len(content),
            hash_algo="sha512",
            hash_value=hashlib.sha512(content).hexdigest(),
            **fields,
        )
        self.stored[image.id] = image
        return image


class FakeNova:
    """The calls of openstacksdk's compute proxy that we make, in memory."""

    def __init__(self) -> None:
        self.stored: dict[str, types.SimpleNamespace] = {}

    def find_flavor(self, name: str) -> types.SimpleNamespace | None:
        return self.stored.get(name)

    def create_flavor(self, **fields: Any) -> types.SimpleNamespace:
        flavor = types.SimpleNamespace(
            id=f"flavor-{fields['name']}",
            extra_specs={},
            **{"ephemeral": 0, "swap": None, **fields},
        )
        self.stored[flavor.name] = flavor
        return flavor

    def create_flavor_extra_specs(
        self, flavor: types.SimpleNamespace, extra_specs: dict[str, str]
    ) -> None:
        flavor.extra_specs.update(extra_specs)

    def fetch_flavor_extra_specs(
        self, flavor: types.SimpleNamespace
    ) -> types.SimpleNamespace:
        return flavor


@pytest.fixture
def cloud() -> types.SimpleNamespace:
    return types.SimpleNamespace(
        image=FakeGlance(), compute=FakeNova(), current_project_id=OWN
    )


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    kernel, ramdisk = tmp_path / "kernel", tmp_path / "ramdisk"
    kernel.write_text("a kernel")
    ramdisk.write_text("a ramdisk")
    return kernel, ramdisk


def test_the_pair_is_public_and_in_amazon_formats(
    cloud: types.SimpleNamespace, files: tuple[Path, Path]
) -> None:
    changes: list[str] = []
    images.publish_pair(cloud, "bm-deploy", *files, changes.append)
    found = {
        i.name: (i.disk_format, i.container_format, i.visibility)
        for i in cloud.image.stored.values()
    }
    assert found == {
        "bm-deploy-kernel": ("aki", "aki", "public"),
        "bm-deploy-ramdisk": ("ari", "ari", "public"),
    }


def test_publishing_twice_keeps_the_ids(
    cloud: types.SimpleNamespace, files: tuple[Path, Path]
) -> None:
    changes: list[str] = []
    first = images.publish_pair(cloud, "bm-deploy", *files, changes.append)
    assert changes == ["image image-1 made", "image image-2 made"]
    assert images.publish_pair(cloud, "bm-deploy", *files, changes.append) == first
    assert len(changes) == 2
    assert len(cloud.image.stored) == 2


def test_an_upload_that_was_cut_short_is_replaced(
    cloud: types.SimpleNamespace, files: tuple[Path, Path]
) -> None:
    changes: list[str] = []
    half = cloud.image.create_image("bm-deploy-kernel", filename=str(files[0]))
    half.status, half.visibility = "queued", "public"
    published = images.publish_pair(cloud, "bm-deploy", *files, changes.append)
    assert published.kernel["id"] != half.id
    assert half.id not in cloud.image.stored


def planted(
    cloud: types.SimpleNamespace,
    file: Path,
    status: str = "active",
    visibility: str = "community",
) -> types.SimpleNamespace:
    """A tenant's image with our name and content, which an administrator sees."""
    image: types.SimpleNamespace = cloud.image.create_image(
        "bm-deploy-kernel",
        filename=str(file),
        visibility=visibility,
        container_format="aki",
    )
    image.owner_id, image.status = OTHERS, status
    return image


@pytest.mark.parametrize("status", ["active", "queued", "saving", "deactivated"])
def test_s6_an_image_of_another_project_is_neither_taken_nor_deleted(
    cloud: types.SimpleNamespace, files: tuple[Path, Path], status: str
) -> None:
    changes: list[str] = []
    theirs = planted(cloud, files[0], status)
    published = images.publish_pair(cloud, "bm-deploy", *files, changes.append)
    assert published.kernel["id"] != theirs.id
    assert theirs.id in cloud.image.stored
    assert not any("deleted" in change for change in changes)


def test_s6_a_public_image_is_taken_and_never_deleted(
    cloud: types.SimpleNamespace, files: tuple[Path, Path]
) -> None:
    changes: list[str] = []
    theirs = planted(cloud, files[0], "queued", "public")
    assert images.publish_pair(cloud, "bm-deploy", *files, changes.append)
    assert theirs.id in cloud.image.stored
    cloud.image.stored = {theirs.id: theirs}
    theirs.status = "active"
    published = images.publish_pair(cloud, "bm-deploy", *files, changes.append)
    assert published.kernel["id"] == theirs.id


@pytest.mark.parametrize("status", ["saving", "uploading", "importing", "deactivated"])
def test_s6_what_somebody_uploads_or_switched_off_is_not_deleted(
    cloud: types.SimpleNamespace, files: tuple[Path, Path], status: str
) -> None:
    changes: list[str] = []
    own = cloud.image.create_image("bm-deploy-kernel", filename=str(files[0]))
    own.status, own.visibility = status, "private"
    with pytest.raises(exceptions.SidewaysError, match=f"{own.id} is {status}; "):
        images.publish_pair(cloud, "bm-deploy", *files, changes.append)
    assert own.id in cloud.image.stored


def test_s6_the_deploy_images_by_name_are_ours_or_public(
    cloud: types.SimpleNamespace, files: tuple[Path, Path]
) -> None:
    theirs = planted(cloud, files[0])
    with pytest.raises(exceptions.SidewaysError, match="of this project or public"):
        images.active(cloud, "bm-deploy-kernel", "kernel")
    # Whoever gives an id has chosen it.
    assert images.active(cloud, theirs.id, "kernel") == theirs.id
    changes: list[str] = []
    published = images.publish_pair(cloud, "bm-deploy", *files, changes.append)
    found = images.active(cloud, "bm-deploy-kernel", "kernel")
    assert found == published.kernel["id"] != theirs.id


def test_s6_the_guide_and_the_phases_take_public_images_alone() -> None:
    """By what OpenStackClient makes of their words: Glance's visibility=public."""
    parser = osc_image.ListImage(None, None).get_parser("openstack image list")
    repository = Path(__file__).parents[4]
    texts = [
        (repository / name).read_text().replace("\\\n", "")
        for name in ("doc/source/admin/upgrade.rst", "grenade/cloud.sh")
    ]
    called = r"\$\(openstack (?:--os-cloud \S+ )?image ([^)]*)\)"
    commands = [command for text in texts for command in re.findall(called, text)]
    asked = [command for command in commands if "--name" in command]
    assert len(asked) == 3 and not [c for c in commands if c.startswith("show")]
    for command in asked:
        word, *options = shlex.split(command)
        parsed = parser.parse_args(options)
        assert (word, parsed.visibility) == ("list", "public")


def test_an_active_image_with_other_content_is_refused_and_kept(
    cloud: types.SimpleNamespace, files: tuple[Path, Path]
) -> None:
    changes: list[str] = []
    images.publish_pair(cloud, "bm-deploy", *files, changes.append)
    files[0].write_text("another kernel")
    with pytest.raises(
        exceptions.SidewaysError, match="image-1 is active and its content differs"
    ):
        images.publish_pair(cloud, "bm-deploy", *files, changes.append)
    assert set(cloud.image.stored) == {"image-1", "image-2"}


def test_what_glance_stored_is_compared_with_the_file(
    cloud: types.SimpleNamespace, files: tuple[Path, Path]
) -> None:
    changes: list[str] = []
    cloud.image.truncate = True
    with pytest.raises(exceptions.SidewaysError, match="publish again"):
        images.publish_pair(cloud, "bm-deploy", *files, changes.append)


@pytest.mark.parametrize("content", [None, ""])
def test_a_missing_or_empty_file_is_refused(
    cloud: types.SimpleNamespace, tmp_path: Path, content: str | None
) -> None:
    changes: list[str] = []
    file = tmp_path / "kernel"
    if content is not None:
        file.write_text(content)
    with pytest.raises(exceptions.SidewaysError, match="build it first"):
        images.publish(cloud, "bm-deploy-kernel", "kernel", file, changes.append)
    assert not cloud.image.stored


def test_case_j1_the_flavors_reference_the_real_ids(
    cloud: types.SimpleNamespace, files: tuple[Path, Path]
) -> None:
    changes: list[str] = []
    published = images.publish_pair(cloud, "bm-deploy", *files, changes.append)
    flavors = images.ensure_flavors(cloud, published, changes.append)
    made = [cloud.compute.stored[flavor["name"]] for flavor in flavors]
    assert [(flavor.name, flavor.ephemeral, flavor.swap or 0) for flavor in made] == [
        ("baremetal", 0, 0),
        ("baremetal-deploy", 0, 0),
        ("baremetal-ephemeral", 1, 1024),
    ]
    for flavor in flavors:
        assert flavor["extra_specs"] == {
            "cpu_arch": "x86_64",
            "baremetal:deploy_kernel_id": "image-1",
            "baremetal:deploy_ramdisk_id": "image-2",
        }


def test_case_j4_a_flavor_that_exists_is_updated_where_it_is(
    cloud: types.SimpleNamespace, files: tuple[Path, Path]
) -> None:
    changes: list[str] = []
    flavor = cloud.compute.create_flavor(name="baremetal", vcpus=1, ram=256, disk=2)
    flavor.extra_specs = {"baremetal:deploy_kernel_id": "gone", "own": "kept"}
    published = images.publish_pair(cloud, "bm-deploy", *files, changes.append)
    first = images.ensure_flavors(cloud, published, changes.append)[0]
    assert first["id"] == flavor.id
    assert first["extra_specs"]["baremetal:deploy_kernel_id"] == "image-1"
    assert first["extra_specs"]["own"] == "kept"


def test_a_flavor_of_another_shape_is_refused_and_kept(
    cloud: types.SimpleNamespace, files: tuple[Path, Path]
) -> None:
    changes: list[str] = []
    cloud.compute.create_flavor(name="baremetal", vcpus=4, ram=256, disk=2)
    published = images.publish_pair(cloud, "bm-deploy", *files, changes.append)
    with pytest.raises(exceptions.SidewaysError, match=r"'vcpus': 1.*'vcpus': 4"):
        images.ensure_flavors(cloud, published, changes.append)
    assert cloud.compute.stored["baremetal"].extra_specs == {}
