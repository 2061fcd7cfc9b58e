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

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from ironic_sideways import waits
from ironic_sideways.evidence import prober
from ironic_sideways.tests import http_server
from ironic_sideways.tests.unit.evidence.test_prober import Cloud

APIS = set(prober.APIS)
START = "import sys; from ironic_sideways.cmd import main; sys.exit(main.main())"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_probes_until_it_is_told_to_end_and_writes_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    cloud = Cloud()
    with http_server.serve(cloud) as cloud.url:
        auth = {
            **{"auth_url": f"{cloud.url}/identity/v3", "username": "demo"},
            **{"password": "secret-password", "project_name": "p"},
            **{"user_domain_id": "d", "project_domain_id": "d"},
        }
        clouds = tmp_path / "clouds.yaml"
        clouds.write_text(
            yaml.safe_dump(
                {"clouds": {"demo": {"auth_type": "v3password", "auth": auth}}}
            )
        )
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        words = ["prober", "--os-cloud", "demo", "--evidence", str(tmp_path)]

        with subprocess.Popen([sys.executable, "-c", START, *words]) as process:
            try:
                waits.wait_for(
                    lambda: cloud.asked, lambda seen: seen >= APIS, "probes", 120, 0.05
                )
                process.send_signal(number)
                code = process.wait(120)
            finally:
                process.kill()

    lines = prober.read(tmp_path / "api.jsonl")
    assert code == 0
    assert {line.service for line in lines} == APIS
    assert {line.answer for line in lines} == {"200"}
