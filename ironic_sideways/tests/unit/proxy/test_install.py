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

from pathlib import Path

import pytest

from ironic_sideways.proxy import install

PASTE = """\
# A comment that stays.
[composite:openstack_compute_api_v21]
use = call:nova.api.auth:pipeline_factory_v21
keystone = cors authtoken keystonecontext osapi_compute_app_v21
noauth2 = cors noauth2 osapi_compute_app_v21

[composite:legacy]
use = call:nova.api.auth:pipeline_factory_v21
keystone = cors authtoken keystonecontext legacy_v2_compatible osapi_compute_app_v21

[pipeline:oscomputeversions]
pipeline = cors faultwrap oscomputeversionapp

[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "api-paste.ini"
    path.write_text(PASTE)
    path.chmod(0o640)
    return path


def pipelines(text: str) -> list[list[str]]:
    keys = ("keystone =", "noauth2 =", "pipeline =")
    return [line.split()[2:] for line in text.splitlines() if line.startswith(keys)]


def test_the_filter_stands_before_the_application_of_each_keystone_pipeline(
    file: Path,
) -> None:
    assert install.main([str(file)]) == 0
    keystone, noauth, legacy, versions = pipelines(file.read_text())
    assert keystone[-3:] == [
        "keystonecontext",
        "baremetal_proxy",
        "osapi_compute_app_v21",
    ]
    assert legacy[-3:-1] == ["legacy_v2_compatible", "baremetal_proxy"]
    assert "baremetal_proxy" not in noauth + versions


def test_a_second_run_leaves_the_file_alone(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install.main([str(file)])
    before = (file.read_text(), file.stat().st_ino)
    assert install.main([str(file)]) == 0
    assert (file.read_text(), file.stat().st_ino) == before
    assert "nothing to do" in capsys.readouterr().out


def test_remove_leads_back_to_the_file_as_it_was(file: Path) -> None:
    install.main([str(file)])
    assert install.main([str(file), "--remove"]) == 0
    assert file.read_text() == PASTE
    assert install.main([str(file), "--remove"]) == 0
    assert file.read_text() == PASTE


def test_remove_takes_a_section_out_of_the_middle(file: Path) -> None:
    install.main([str(file)])
    file.write_text(file.read_text() + "\n[filter:other]\nkey = value\n")
    install.main([str(file), "--remove"])
    assert file.read_text() == PASTE + "\n[filter:other]\nkey = value\n"


def test_a_continued_pipeline_is_understood(file: Path) -> None:
    file.write_text("[composite:a]\nkeystone = cors\n  keystonecontext\n  app\n")
    install.main([str(file)])
    assert pipelines(file.read_text()) == [
        ["cors", "keystonecontext", "baremetal_proxy", "app"]
    ]


def test_mode_and_link_of_the_file_stay(file: Path) -> None:
    link = file.parent / "link.ini"
    link.symlink_to(file)
    install.main([str(link)])
    assert link.is_symlink()
    assert file.stat().st_mode & 0o777 == 0o640
    assert "baremetal_proxy" in file.read_text()


@pytest.mark.parametrize("text", ["", "[app:x]\nuse = y\n"])
def test_a_file_without_such_a_pipeline_is_refused(
    file: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(text)
    assert install.main([str(file)]) == 1
    assert file.read_text() == text
    assert capsys.readouterr().err.count("\n") == 1


def test_a_missing_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install.main([str(tmp_path / "missing.ini")]) == 1
    assert "No such file" in capsys.readouterr().err
