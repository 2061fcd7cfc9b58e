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

"""Known secrets are found wherever they stand, and told by name alone."""

import html
import json
import urllib.parse

import pytest

from ironic_sideways import exceptions
from ironic_sideways.evidence import secrets


def test_a_secret_is_told_by_its_name_file_and_line(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_text("well\nlogin with opensesame42\n")
    (tmp_path / "b.json").write_text("{}")

    found = secrets.seek(tmp_path, {"door": "opensesame42", "gate": "otherword77"})

    assert found == {
        "sought": ["door", "gate"],
        "too_short": [],
        "hits": [{"name": "door", "file": "logs/a.log", "line": 2}],
    }
    assert "opensesame42" not in json.dumps(found)


def test_s5_a_secret_is_found_however_it_is_written(tmp_path):
    secret = 'p"ä<s&s/w@rd'
    written = (
        secret,
        json.dumps(secret),
        urllib.parse.quote(secret),
        urllib.parse.quote(secret, safe=""),
        html.escape(secret),
        f"rabbit://guest:{urllib.parse.quote_plus(secret)}@127.0.0.1/",
    )
    (tmp_path / "a.log").write_text("\n".join(written))

    found = secrets.seek(tmp_path, {"door": secret})["hits"]

    assert [hit["line"] for hit in found] == [1, 2, 3, 4, 5, 6]


def test_s5_only_the_evidences_own_list_of_hits_is_not_searched(tmp_path):
    (tmp_path / "logs").mkdir()
    for path in (tmp_path / "secrets.json", tmp_path / "logs" / "secrets.json"):
        path.write_text('{"door": "opensesame42"}')

    hits = secrets.seek(tmp_path, {"door": "opensesame42"})["hits"]

    assert [hit["file"] for hit in hits] == ["logs/secrets.json"]


def test_a_word_too_short_to_be_sought_is_told(tmp_path):
    assert secrets.seek(tmp_path, {"pin": "1234"})["too_short"] == ["pin"]


def test_virtualbmcs_configuration_and_a_json_file_are_known(tmp_path):
    bmc = tmp_path / "vbmc" / "node-0"
    bmc.mkdir(parents=True)
    (bmc / "config").write_text(
        "[VirtualBMC]\naddress = 127.0.105.10\nport = 623\nusername = admin\n"
        "password = secretword\ndomain_name = node-0\nlibvirt_uri = qemu:///system\n"
    )
    file = tmp_path / "secrets.json"
    file.write_text('{"database": "otherword"}')

    assert secrets.known(tmp_path / "vbmc") == {"BMC password of node-0": "secretword"}
    assert secrets.known(file) == {"database": "otherword"}


CLOUDS = """\
clouds:
  admin:
    auth: {auth_url: 'http://127.0.0.1:5000', username: a, password: opensesame42}
  app:
    auth: {application_credential_id: b, application_credential_secret: otherword77}
  open: {auth_type: none}
"""


def test_s5_clouds_yaml_and_urls_are_known(tmp_path):
    (tmp_path / "clouds.yaml").write_text(CLOUDS)
    url = "mysql+pymysql://nova:p%40ss%2Fword@127.0.0.1/nova_bm?charset=utf8\n"
    (tmp_path / "nova_bm.url").write_text(url)
    (tmp_path / "open.url").write_text("mysql://nova@127.0.0.1/nova_bm")
    clouds = {
        "password of cloud admin": "opensesame42",
        "application_credential_secret of cloud app": "otherword77",
    }
    urls = {
        "password in nova_bm.url": "p@ss/word",
        "password in nova_bm.url, quoted": "p%40ss%2Fword",
    }
    assert secrets.known(tmp_path / "clouds.yaml") == clouds
    assert secrets.known(tmp_path / "nova_bm.url") == urls
    assert secrets.known(tmp_path) == clouds | urls


def test_s5_what_any_text_has_is_not_sought(tmp_path):
    (tmp_path / "a.log").write_text("no password for openstack")
    found = secrets.seek(tmp_path, {"admin": "password"})
    assert (found["hits"], found["too_short"]) == ([], ["admin"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.url", "hunter2:@/x"),
        ("clouds.yaml", "hunter2"),
        ("clouds.yaml", "clouds: [hunter2]"),
        ("clouds.yaml", "clouds: {a: hunter2"),
        ("a.json", '"hunter2"'),
    ],
)
def test_s5_a_file_that_cannot_be_read_is_named_and_not_quoted(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(exceptions.SidewaysError, match=name) as raised:
        secrets.known(tmp_path / name)
    assert "hunter2" not in str(raised.value)


def test_a_file_that_holds_no_secrets_is_refused(tmp_path):
    with pytest.raises(exceptions.SidewaysError, match="expected a JSON object"):
        secrets.known(tmp_path / "absent.json")
