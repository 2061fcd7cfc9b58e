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

"""nova.conf is read as Nova read it."""

from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.migrate import row_faults
from ironic_sideways.migrate.files import novaconf


def write(directory: Path, text: str, name: str = "nova.conf") -> str:
    path = directory / name
    path.write_text(text)
    return str(path)


def test_the_architecture_and_the_power_manager_are_read(tmp_path: Path) -> None:
    found = novaconf.read(
        write(
            tmp_path,
            "[DEFAULT]\nhost = c1\n[baremetal]\npower_manager = a.B\n"
            "flavor_extra_specs = gpu:1, cpu_arch: arm\n",
        )
    )
    assert (found.host, found.cpu_arch, found.power_manager) == ("c1", "arm", "a.B")


def test_the_option_s_name_of_2013_is_read_too(tmp_path: Path) -> None:
    text = "[baremetal]\ninstance_type_extra_specs = cpu_arch:ppc64\n"
    assert novaconf.read(write(tmp_path, text)).cpu_arch == "ppc64"


def test_a_file_without_the_section_has_the_defaults(tmp_path: Path) -> None:
    found = novaconf.read(write(tmp_path, "[DEFAULT]\nfoo = 100%\n"))
    assert found.cpu_arch is None
    assert found.host is None
    assert found.power_manager == row_faults.IPMI_POWER_MANAGER


def test_what_is_no_configuration_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(exceptions.UsageError) as raised:
        novaconf.read(write(tmp_path, "no option at all\n"))
    assert "expected a nova.conf" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_of_several_files_each_names_a_host_of_its_own(tmp_path: Path) -> None:
    one = write(tmp_path, "[DEFAULT]\nhost = c1\n", "1")
    two = write(tmp_path, "[DEFAULT]\nhost = c2\n", "2")
    assert [host.host for host in novaconf.read_all([one, two])] == ["c1", "c2"]
    with pytest.raises(exceptions.UsageError, match="host c1 is that of"):
        novaconf.read_all([one, one])
    nameless = write(tmp_path, "[DEFAULT]\n", "3")
    with pytest.raises(exceptions.UsageError, match="host is not set"):
        novaconf.read_all([one, nameless])


def test_what_this_host_s_own_nova_has_in_its_directories_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / ".nova" / "nova.conf.d"
    own.mkdir(parents=True)
    write(own, "[DEFAULT]\nhost = elsewhere\n", "own.conf")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert novaconf.read(write(tmp_path, "[DEFAULT]\nhost = c1\n")).host == "c1"


@pytest.mark.parametrize("name", ["flavor_extra_specs", "instance_type_extra_specs"])
def test_t6_all_that_the_nodes_advertise_is_read(tmp_path: Path, name: str) -> None:
    text = f"[baremetal]\n{name} = gpus:2, cpu_arch:x86_64,gpu_arch : kepler\n"
    found = novaconf.read(write(tmp_path, text))
    assert found.cpu_arch == "x86_64"
    assert found.capabilities == {"gpus": "2", "gpu_arch": "kepler"}


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("cpu_arch:{i386|x86_64}", "found 'cpu_arch:{i386|x86_64}'"),
        ("cpu_arch:<arch>", "expected NAME:VALUE such as cpu_arch:x86_64"),
        ("gpus", "found 'gpus'"),
        ("gpus:", "found 'gpus:'"),
        ("a:b:c", "found 'a:b:c'"),
        ("boot_mode:uefi", "give --boot-mode"),
    ],
)
def test_t6_what_no_node_can_advertise_is_refused_with_the_files_name(
    tmp_path: Path, spec: str, says: str
) -> None:
    path = write(tmp_path, f"[baremetal]\nflavor_extra_specs = good:1,{spec}\n")
    with pytest.raises(exceptions.UsageError) as refused:
        novaconf.read(path)
    assert f"--nova-config {path}: [baremetal] flavor_extra_specs" in str(refused.value)
    assert says in str(refused.value)
