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
"""What is refused of the options that nodes are given."""

import dataclasses
from typing import Any

import pytest
from nova.objects import fields

from ironic_sideways import exceptions
from ironic_sideways.migrate import choices, sound_options
from ironic_sideways.tests import rows

PROJECT = "8e2d51e41f0c4a3c9d5e0b1d7a2c9c10"
SOUND = choices.Options(resource_class="baremetal", owner=PROJECT, node_arch="x86_64")


def refusal(**changed: Any) -> str:
    with pytest.raises(exceptions.UsageError) as raised:
        sound_options.require_sound(dataclasses.replace(SOUND, **changed))
    said = str(raised.value)
    assert len(said.splitlines()) == 1
    return said


@pytest.mark.parametrize("owner", ["", "admin", "o" * 256, PROJECT.upper(), "0" * 31])
def test_d8_an_owner_that_is_no_projects_id_is_refused(owner: str) -> None:
    assert "expected a project's id" in refusal(owner=owner)


@pytest.mark.parametrize("owner", [PROJECT, rows.instance_uuid(1), None])
def test_a_projects_id_or_none_is_an_owner(owner: str | None) -> None:
    sound_options.require_sound(dataclasses.replace(SOUND, owner=owner))


def test_d8_a_deploy_kernel_without_its_ramdisk_is_refused() -> None:
    for given in ("deploy_kernel", "deploy_ramdisk"):
        said = refusal(**{given: "image"})
        assert "both of --deploy-kernel and --deploy-ramdisk" in said
    sound_options.require_sound(
        dataclasses.replace(SOUND, deploy_kernel="k", deploy_ramdisk="r")
    )


@pytest.mark.parametrize("given", ["", " ", f"{PROJECT}\n{rows.instance_uuid(1)}"])
def test_s6_no_image_or_two_of_one_name_are_none_to_deploy_with(given: str) -> None:
    """As the guide's command prints them where there is none, or more than one."""
    for key in ("deploy_kernel", "deploy_ramdisk"):
        other = {"deploy_kernel": "k", "deploy_ramdisk": "r"} | {key: given}
        said = refusal(**other)
        assert f"--{key.replace('_', '-')} {given!r}: expected" in said


def test_s10_a_password_in_an_image_s_url_is_refused_and_not_told() -> None:
    """Evidence has what the nodes get, and the process list what was asked for."""
    said = refusal(deploy_kernel="https://u:hunter2x@h/k", deploy_ramdisk="r")
    assert "image_server_password" in said and "hunter2x" not in said


def test_d8_an_architecture_that_nova_does_not_know_is_refused() -> None:
    for name in ("banana", "", "x86-64", "{i386|x86_64}"):
        assert f"--node-arch {name!r}" in refusal(node_arch=name)
    for name in (*fields.Architecture.ALL, "amd64", "i386", "x86_32", "X86_64"):
        assert fields.Architecture.canonicalize(name)
        sound_options.require_sound(dataclasses.replace(SOUND, node_arch=name))
