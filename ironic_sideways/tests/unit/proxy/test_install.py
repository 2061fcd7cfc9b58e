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

import shutil
import sys
from pathlib import Path

import pytest
from paste.deploy import loadwsgi

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

[filter:keystonecontext]
paste.filter_factory = nova.api.auth:NovaKeystoneContext.factory

[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
"""
CONTEXT = "[filter:keystonecontext]\npaste.filter_factory = nova.x:y\n"


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


LONG = """\
[composite:a]
use = call:nova.api.auth:pipeline_factory_v21
keystone = cors
    # why not: app
    keystonecontext

    ; another comment
    {}app
noauth2 = noauth2 app
[filter:keystonecontext]
paste.filter_factory = nova.x:y
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (LONG.format(""), LONG.format("baremetal_proxy ")),
        (
            f"[pipeline:a]\npipeline:keystonecontext app\n{CONTEXT}",
            f"[pipeline:a]\npipeline:keystonecontext baremetal_proxy app\n{CONTEXT}",
        ),
        (
            f"[pipeline:a]\n  pipeline =\tkeystonecontext\tapp ; x\n{CONTEXT}",
            f"[pipeline:a]\n  pipeline =\tkeystonecontext\tapp ; baremetal_proxy x\n"
            f"{CONTEXT}",
        ),
        (
            f"{CONTEXT}\n[pipeline:app]\npipeline =\n keystonecontext\n app",
            f"{CONTEXT}\n[pipeline:app]\npipeline =\n keystonecontext\n "
            "baremetal_proxy app",
        ),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_n4_the_one_change_is_made_and_no_other(
    tmp_path: Path, before: str, after: str, end: str
) -> None:
    before, after = before.replace("\n", end), after.replace("\n", end)
    path = tmp_path / "api-paste.ini"
    path.write_bytes(before.encode())
    assert install.main([str(path)]) == 0
    section = (
        "[filter:baremetal_proxy]",
        "paste.filter_factory = ironic_sideways.proxy:filter_factory",
        "",
    )
    assert path.read_bytes().decode() == after + end + end.join(section)
    loader = loadwsgi.ConfigLoader(str(path))
    for name in ("composite:a", "pipeline:a", "pipeline:app"):
        if name in loader.parser:
            option = "keystone" if name.startswith("composite") else "pipeline"
            assert "#" not in loader.parser[name][option]
            assert "baremetal_proxy" in loader.parser[name][option].split()[-3:]
    assert install.main([str(path), "--remove"]) == 0
    assert path.read_bytes().decode() == before


@pytest.mark.parametrize(
    "pipeline",
    [
        "keystonecontext\n  baremetal_proxy\n  app",
        "baremetal_proxy\n  # a comment\n  keystonecontext app",
        "baremetal_proxy keystonecontext baremetal_proxy\n  # a comment\n  app",
    ],
)
def test_n4_a_filter_that_somebody_put_elsewhere_is_moved(
    tmp_path: Path, pipeline: str
) -> None:
    path = tmp_path / "api-paste.ini"
    path.write_text(f"[pipeline:a]\npipeline = {pipeline}\n{CONTEXT}")
    assert install.main([str(path)]) == 0
    found = loadwsgi.ConfigLoader(str(path)).parser["pipeline:a"]["pipeline"].split()
    assert found == ["keystonecontext", "baremetal_proxy", "app"]
    assert path.read_text().count("#") == pipeline.count("#")
    assert install.main([str(path), "--remove"]) == 0
    assert "baremetal_proxy" not in path.read_text()
    assert path.read_text().count("#") == pipeline.count("#")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PASTE.replace("nova.api.auth:Nova", "neutron.auth:Neutron"), "not nova-api's"),
        (PASTE + "\n[filter:authtoken]\n", "section 'filter:authtoken' already exists"),
        (PASTE + "no assignment\n", "no assignment"),
        ("keystone = keystonecontext app\n", "contains no section headers"),
        (PASTE.replace("keystonecontext", "context"), "no pipeline with the filter"),
    ],
)
def test_n4_what_is_not_nova_api_s_or_no_paste_file_is_refused(
    file: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(text)
    assert install.main([str(file)]) == 1
    assert file.read_text() == text
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_n4_neutron_s_own_file_is_refused_and_nova_s_taken(tmp_path: Path) -> None:
    """As the installed packages bring them."""
    etc = Path(sys.prefix) / "etc"
    for service, code in (("nova", 0), ("neutron", 1)):
        path = tmp_path / f"{service}.ini"
        shutil.copy(etc / service / "api-paste.ini", path)
        before = path.read_bytes()
        assert install.main([str(path)]) == code
        assert (path.read_bytes() == before) is bool(code)
        install.main([str(path), "--remove"])
        assert path.read_bytes() == before


@pytest.mark.parametrize("name", [".", "missing.ini"])
def test_n5_a_paste_file_that_is_none_is_usage(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install.main([str(tmp_path / name)]) == 2
    assert "expected a paste file, found" in capsys.readouterr().err


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


def test_s7_what_the_file_says_neither_acts_on_the_terminal_nor_tells_a_secret(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = "x\x1b[2J\x9b amqp://a:/hunter2x@b password = hunter3x"
    file.write_text(PASTE.replace("nova.api.auth:NovaKeystoneContext.factory", said))
    assert install.main([str(file)]) == 1
    error = capsys.readouterr().err
    assert "its keystonecontext is x[2J amqp://a:***@b password = ***" in error
    assert not {c for c in error if not c.isprintable()} - {"\n"}
