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

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironic_sideways.cloud import flavors
from ironic_sideways.cmd import update_flavors
from ironic_sideways.tests import fake_cloud

OLD = {flavors.KERNEL_KEY: "old-kernel", flavors.RAMDISK_KEY: "old-ramdisk"}


@pytest.fixture
def cloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[fake_cloud.FakeCloud]:
    fake = fake_cloud.FakeCloud()
    fake.add_image("kernel")
    fake.add_image("ramdisk")
    fake.add_flavor("m1.small")
    fake.add_flavor("baremetal", specs=OLD)
    fake.add_flavor("private", public=False, specs=OLD)
    with fake_cloud.served(fake, tmp_path, monkeypatch):
        yield fake


@pytest.fixture
def undo_file(tmp_path: Path) -> Path:
    return tmp_path / "flavors.json"


def run(*arguments: object) -> int:
    words = ["--os-cloud", fake_cloud.CLOUD, *map(str, arguments)]
    return update_flavors.main(words)


def update(undo_file: Path, *arguments: object, kernel: str = "kernel") -> int:
    new = ("--deploy-kernel", kernel, "--deploy-ramdisk", "ramdisk")
    options = ("--resource-class", "baremetal", "--undo-file", undo_file)
    return run(*new, *options, *arguments)


def test_all_flavors_with_deploy_images_are_updated_private_ones_too(
    cloud: fake_cloud.FakeCloud, undo_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert update(undo_file) == 0
    for name in ("baremetal", "private"):
        assert cloud.specs(name) == {
            flavors.KERNEL_KEY: "image-0",
            flavors.RAMDISK_KEY: "image-1",
            "resources:CUSTOM_BAREMETAL": "1",
            "resources:VCPU": "0",
            "resources:MEMORY_MB": "0",
            "resources:DISK_GB": "0",
        }
    assert cloud.specs("m1.small") == {}
    assert capsys.readouterr().out.splitlines()[-1] == "2/2 flavors updated"


def test_a_second_run_writes_nothing_to_nova(
    cloud: fake_cloud.FakeCloud, undo_file: Path
) -> None:
    update(undo_file)
    cloud.writes.clear()
    assert update(undo_file) == 0
    assert cloud.writes == []


def test_a_dry_run_changes_nothing_and_needs_no_undo_file(
    cloud: fake_cloud.FakeCloud, undo_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert update(undo_file, "--dry-run") == 0
    assert cloud.writes == []
    assert not undo_file.exists()
    assert "2/2 flavors would be updated" in capsys.readouterr().out


def test_undo_restores_all_extra_specs(
    cloud: fake_cloud.FakeCloud, undo_file: Path
) -> None:
    update(undo_file, "--flavor", "baremetal", "m1.small")
    assert json.loads(undo_file.read_text())["flavors"].keys() == {
        "id-of-baremetal",
        "id-of-m1.small",
    }
    assert run("--undo", undo_file) == 0
    assert cloud.specs("baremetal") == OLD
    assert cloud.specs("m1.small") == {}
    assert run("--undo", undo_file) == 0


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("queued", "expected active, found queued; upload its data first"),
        ("saving", "expected active, found saving"),
        ("deactivated", "found deactivated; 'openstack image set --activate image-2'"),
        (None, "glance has no such image"),
    ],
)
def test_an_image_that_glance_does_not_have_active_is_refused(
    cloud: fake_cloud.FakeCloud,
    undo_file: Path,
    capsys: pytest.CaptureFixture[str],
    status: str | None,
    message: str,
) -> None:
    if status:
        cloud.add_image("new-kernel", status)
    assert update(undo_file, kernel="new-kernel") == 1
    error = capsys.readouterr().err
    assert "deploy kernel image new-kernel: " in error
    assert message in error
    assert error.count("\n") == 1
    assert cloud.writes == []
    assert not undo_file.exists()


def test_j1_an_image_id_that_is_empty_is_bad_usage(
    cloud: fake_cloud.FakeCloud, undo_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert update(undo_file, kernel="") == 2
    assert "expected --deploy-kernel, or --undo FILE" in capsys.readouterr().err


def test_j5_the_image_that_is_not_there_is_the_one_named(
    cloud: fake_cloud.FakeCloud, undo_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert update(undo_file, "--deploy-ramdisk", "gone") == 1
    error = capsys.readouterr().err
    assert "deploy ramdisk image gone: glance has no such image" in error
    assert "kernel" not in error


def test_kernel_and_ramdisk_that_are_swapped_are_refused(
    cloud: fake_cloud.FakeCloud, undo_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.add_image("a-ramdisk", container="ari")
    assert update(undo_file, kernel="a-ramdisk") == 1
    assert "expected a kernel (aki), found ari" in capsys.readouterr().err
    assert update(undo_file, kernel="ramdisk") == 1
    assert "expected two images" in capsys.readouterr().err
    assert cloud.writes == []


def test_an_ambiguous_image_name_is_refused(
    cloud: fake_cloud.FakeCloud, undo_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.add_image("kernel")
    assert update(undo_file) == 1
    assert "several have this name" in capsys.readouterr().err


def test_a_cloud_that_fails_after_the_change_leaves_a_follow_up(
    cloud: fake_cloud.FakeCloud, undo_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.fail_reads_after_writes = 2
    assert update(undo_file) == 3
    error = capsys.readouterr().err
    assert f"run it again, or --undo {undo_file}" in error
    assert "nothing was changed" not in error


def test_a_failure_in_the_middle_exits_3_and_a_second_run_finishes(
    cloud: fake_cloud.FakeCloud, undo_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.fail_writes_after = 1
    assert update(undo_file) == 3
    error = capsys.readouterr().err
    assert "1 of 2 flavors changed; run it again" in error
    assert error.count("\n") == 1
    cloud.fail_writes_after = None
    assert update(undo_file) == 0
    assert run("--undo", undo_file) == 0
    assert cloud.specs("baremetal") == cloud.specs("private") == OLD


def test_j4_every_flavor_that_references_the_old_ramdisk_is_updated_by_its_id(
    cloud: fake_cloud.FakeCloud, undo_file: Path
) -> None:
    cloud.add_flavor("one key", specs={flavors.RAMDISK_KEY: "old-ramdisk"})
    cloud.add_flavor("another's", specs={flavors.RAMDISK_KEY: "another"})
    assert update(undo_file, "--old-image", "old-ramdisk") == 0
    for name in ("baremetal", "private", "one key"):
        assert cloud.specs(name)[flavors.KERNEL_KEY] == "image-0"
        assert cloud.specs(name)[flavors.RAMDISK_KEY] == "image-1"
    assert cloud.specs("another's") == {flavors.RAMDISK_KEY: "another"}
    assert run("--undo", undo_file) == 0
    assert cloud.specs("one key") == {flavors.RAMDISK_KEY: "old-ramdisk"}


def test_a_flavor_that_nova_conf_gave_its_images_is_named_or_updated_as_asked(
    cloud: fake_cloud.FakeCloud, undo_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.add_flavor("by conf", specs={"cpu_arch": "x86_64"})
    assert update(undo_file) == 0
    assert cloud.specs("by conf") == {"cpu_arch": "x86_64"}
    error = capsys.readouterr().err
    assert "flavor by conf: left as it is: it has cpu_arch and no deploy" in error
    assert "m1.small" not in error
    assert update(undo_file, "--fallback") == 0
    assert cloud.specs("by conf")[flavors.KERNEL_KEY] == "image-0"
    assert not capsys.readouterr().err


def test_a_class_by_shape_is_made_of_the_flavor_and_held_against_the_nodes(
    cloud: fake_cloud.FakeCloud,
    undo_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cloud.add_flavor("lonely", specs={"cpu_arch": "i686", **OLD})
    nodes = tmp_path / "nodes.json"
    shape = "baremetal-x86_64-8c-16384m-100g"
    nodes.write_text(json.dumps([{"uuid": "a", "resource_class": shape}]))
    options = ("--resource-class-by-shape", "--nodes-file", nodes)
    assert update(undo_file, *options) == 1
    assert "flavor baremetal: expected one architecture" in capsys.readouterr().err
    assert cloud.writes == []
    for name in ("baremetal", "private"):
        cloud.flavors[f"id-of-{name}"]["extra_specs"]["cpu_arch"] = "x86_64"
    assert update(undo_file, *options) == 0
    key = "resources:CUSTOM_BAREMETAL_X86_64_8C_16384M_100G"
    assert cloud.specs("baremetal")[key] == cloud.specs("private")[key] == "1"
    error = capsys.readouterr().err
    assert "flavor lonely: no node has CUSTOM_BAREMETAL_I686_8C_16384M_100G" in error
    assert error.count("\n") == 1


def test_a_nodes_file_without_classes_is_bad_usage(
    cloud: fake_cloud.FakeCloud, undo_file: Path, tmp_path: Path
) -> None:
    nodes = tmp_path / "nodes.json"
    nodes.write_text('["a"]')
    assert update(undo_file, "--nodes-file", nodes) == 2
    assert cloud.writes == []


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--undo", "file", "--fallback"),
        ("--undo", "file", "--resource-class-by-shape"),
        ("--flavor", "a", "--fallback"),
        ("--resource-class", "baremetal"),
        ("--undo", "file", "--resource-class", "baremetal"),
        ("--flavor", "a", "--old-image", "b"),
        ("--undo", "/nonexistent"),
    ],
)
def test_bad_usage_exits_2(
    cloud: fake_cloud.FakeCloud, arguments: tuple[str, ...]
) -> None:
    try:
        code: object = run(*arguments)
    except SystemExit as error:
        code = error.code
    assert code == 2


def test_an_unknown_cloud_is_bad_usage_in_one_line(
    cloud: fake_cloud.FakeCloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--os-cloud", "elsewhere", "--undo", str(tmp_path / "x")]
    assert update_flavors.main(words) == 2
    error = capsys.readouterr().err
    assert "--os-cloud elsewhere" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("specs", "says"),
    [
        ({"cpu_arch": "amd64"}, "cpu_arch=amd64 (they have: cpu_arch x86_64)"),
        ({"capabilities:gpus": "2"}, "gpus=2 (they have: gpus not at all)"),
        (
            {"hypervisor_type": "baremetal"},
            "hypervisor_type=baremetal (they have: hypervisor_type ironic)",
        ),
        ({"cpu_arch": "x86_64", "capabilities:boot_mode": "bios"}, ""),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_t6_a_flavor_that_no_moved_node_can_match_is_named(
    cloud: fake_cloud.FakeCloud,
    undo_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    specs: dict[str, str],
    says: str,
    known: bool,
) -> None:
    cloud.add_flavor("odd", specs={**specs, **OLD})
    nodes = tmp_path / "nodes.json"
    told = {"cpu_arch": "x86_64", "capabilities": "boot_mode:bios"} if known else {}
    nodes.write_text(json.dumps([{"uuid": "a", "resource_class": "baremetal"} | told]))

    assert update(undo_file, "--nodes-file", nodes) == 0

    error = capsys.readouterr().err
    assert error.count("\n") == bool(says and known)
    if says and known:
        assert f"flavor odd: no node has {says}" in error.replace("capabilities:", "")
