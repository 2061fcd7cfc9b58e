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

"""Clouds as people have them, and what stands where one should be, each one line."""

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cmd import connections, main, migrate, program
from ironic_sideways.tests import fake_cloud, http_server


@pytest.fixture
def clouds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "clouds.yaml"
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    return path


def written(path: Path, url: str, **more: str) -> None:
    names = ("username", "password", "project_name", "user_domain_id")
    auth = {"auth_url": url, "project_domain_id": "d", **dict.fromkeys(names, "s3cret")}
    cloud = {"auth": auth, "region_name": "R", **more}
    path.write_text(json.dumps({"clouds": {fake_cloud.CLOUD: cloud}}))


@pytest.mark.parametrize("key", ["cacert", "cert"])
def test_n5_a_certificate_s_file_that_is_not_there_is_usage(
    clouds: Path, key: str
) -> None:
    written(clouds, "https://127.0.0.1:1/v3", **{key: "/no/ca.pem"})
    with pytest.raises(exceptions.UsageError, match=r"/no/ca\.pem") as raised:
        connections.connect(fake_cloud.CLOUD)
    assert str(raised.value).startswith(f"--os-cloud {fake_cloud.CLOUD}: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "text", ["clouds: [", "clouds:\n  fake: 3\n", "- a\n", "clouds:\n- fake\n"]
)
def test_n5_a_clouds_yaml_that_is_none_is_usage(clouds: Path, text: str) -> None:
    clouds.write_text(text)
    with pytest.raises(exceptions.UsageError, match="--os-cloud fake: ") as raised:
        connections.connect("fake")
    assert "\n" not in str(raised.value)


#: What answers with 200 where an API should be.
STRANGE = [
    ("text/html", b"<html><h1>Log in</h1></html>"),
    ("application/json", b"{"),
    ("application/json", b"null"),
    ("application/json", b"[]"),
    ("application/json", b'"x"'),
    ("application/json", b'{"servers": null}'),
    ("application/json", b'{"servers": ["x"]}'),
    ("application/json", b'{"servers": 3}'),
]


def serving(kind: str, body: bytes, path: str) -> Callable[..., Iterable[bytes]]:
    """A cloud that answers so below ``path``."""
    sound = fake_cloud.FakeCloud()

    def application(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if not environ["PATH_INFO"].startswith(path):
            return sound(environ, start)
        start("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    return application


@pytest.mark.parametrize(("kind", "body"), STRANGE)
@pytest.mark.parametrize("path", ["/compute/v2.1/servers", "/"])
def test_n5_an_api_that_answers_something_else_is_one_line(
    clouds: Path,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    body: bytes,
    path: str,
) -> None:
    def run(_parsed: argparse.Namespace) -> None:
        list(connections.connect(fake_cloud.CLOUD).compute.servers())

    parser = program.Parser(prog="tool")
    parser.set_defaults(run=run)
    with http_server.serve(serving(kind, body, path)) as url:
        fake_cloud.clouds_yaml(clouds.parent, url)
        assert program.main(parser, []) == 1
    said = capsys.readouterr().err
    assert said.startswith("tool: ")
    assert said.count("\n") == 1, said


@pytest.mark.parametrize(
    "words",
    [
        ["check", "-b", "@HERE"],
        ["check", "-b", "$URL", "--nova-config", "HERE"],
        ["check", "-b", "$URL", "--ironic-config", "HERE"],
        ["check", "-b", "$URL", "--bmc-map", "HERE"],
        ["check", "-b", "$URL", "--output", "HERE"],
    ],
)
def test_n5_a_directory_where_a_file_is_meant_is_usage(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    monkeypatch.setenv("URL", "mysql://u:s3cret@127.0.0.1:1/n")
    assert migrate.main([word.replace("HERE", str(tmp_path)) for word in words]) == 2
    said = capsys.readouterr().err
    assert str(tmp_path) in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("action", ["check", "end", "resume"])
def test_n5_a_directory_as_the_maintenance_s_record_is_usage(
    clouds: Path, capsys: pytest.CaptureFixture[str], action: str
) -> None:
    with http_server.serve(fake_cloud.FakeCloud()) as url:
        fake_cloud.clouds_yaml(clouds.parent, url)
        cloud = f"--os-cloud={fake_cloud.CLOUD}"
        words = ["maintenance", action, cloud, f"--record={clouds.parent}"]
        assert main.main(words) == 2
    assert capsys.readouterr().err.count("\n") == 1
