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


"""check and run with all questions, as an operator gives them."""

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironic_sideways.tests import fake_cloud, fake_nova, http_server, rows
from ironic_sideways.tests.functional.conftest import Clouds

QUESTIONS = ("--os-cloud", fake_cloud.CLOUD, "--ask-bmcs")


@pytest.fixture
def asked(
    clouds: Clouds, monkeypatch: pytest.MonkeyPatch
) -> Iterator[fake_nova.FakeNova]:
    """A used and a free node on which Nova and an ipmitool agree."""
    rows.insert(
        clouds.nova_bm,
        rows.used_node(1),
        rows.plugged(1),
        rows.free_node(2),
        rows.interface(2),
    )
    program = clouds.directory / "bin" / "ipmitool"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\ncase \"$*\" in *'10.0.0.1 '*) power=on;; *) power=off;; esac\n"
        'echo "Chassis Power is $power"\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    fake = fake_nova.FakeNova()
    with http_server.serve(fake) as url:
        path = fake_cloud.clouds_yaml(clouds.directory, url)
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
        for number in (1, 2):
            fake.add_hypervisor(rows.node_uuid(number), "compute-1")
        fake.add_instance(rows.instance_uuid(1), rows.node_uuid(1), "compute-1")
        yield fake


def test_check_and_run_pass_where_all_agree(
    clouds: Clouds, asked: fake_nova.FakeNova, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clouds.migrate("check", *QUESTIONS) == 0
    said = capsys.readouterr().out
    assert "bm_nodes                  2            2            0" in said
    assert re.search(
        r"take-over +3 min  one conductor, 1 active nodes, 8 every 180 s", said
    )
    assert "check: ready: 2 nodes to move" in said
    assert "next: ironic-nova-bm-migrate run, with the same options" in said
    assert "refuse:" not in said
    assert clouds.migrate("run", *QUESTIONS) == 0


def test_run_writes_nothing_where_nova_disagrees(
    clouds: Clouds, asked: fake_nova.FakeNova, capsys: pytest.CaptureFixture[str]
) -> None:
    asked.instances[0]["OS-EXT-STS:task_state"] = "rebuilding"
    assert clouds.migrate("run", *QUESTIONS) == 1
    assert (
        f"refuse: row 1, node {rows.node_uuid(1)}, host compute-1: instance "
        f"{rows.instance_uuid(1)}: Nova is working on it (rebuilding)\n"
    ) in capsys.readouterr().out
    assert clouds.ironic_rows() == {"nodes": [], "ports": []}


def test_t9_a_freed_row_under_novas_instance_never_moves_silently(
    clouds: Clouds, asked: fake_nova.FakeNova, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = {"OS-EXT-STS:vm_state": "error"}
    asked.add_instance("i", rows.node_uuid(2), "compute-1", **failed)
    assert clouds.migrate("run", *QUESTIONS) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "Nova has instance i (error) on this node, and nova_bm none" in said
    assert "no --os-cloud" not in said
    assert clouds.ironic_rows() == {"nodes": [], "ports": []}
    assert clouds.migrate("check") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "warning: no --os-cloud: 1 nodes are free again but not compared" in said


def test_json_tells_the_whole_check(
    clouds: Clouds, asked: fake_nova.FakeNova, capsys: pytest.CaptureFixture[str]
) -> None:
    record = clouds.directory / "check.json"
    assert clouds.migrate("check", *QUESTIONS, "--json", "--output", str(record)) == 0
    told = json.loads(capsys.readouterr().out)
    numbers = {"read": 2, "to_write": 2, "moved_before": 0, "skipped": 0, "refused": 0}
    assert told["tables"] == {"bm_nodes": numbers, "bm_interfaces": numbers}
    assert told["window"]["settings"] == "Ironic's defaults"
    assert [step["name"] for step in told["window"]["steps"]] == [
        "load and verify",
        "take-over",
        "power sync",
        "Nova's resource tracker",
    ]
    recorded = json.loads(record.read_text())
    assert recorded["window"] == told["window"]
    assert recorded["counts"] == told["counts"]


def test_json_of_a_run_tells_what_was_written(
    clouds: Clouds, asked: fake_nova.FakeNova, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clouds.migrate("run", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["result"] == "done"
    assert told["counts"]["written"] == told["counts"]["verified"] == 2
    assert told["counts"]["ports_written"] == 2


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--os-cloud", "nowhere"), 2, "--os-cloud nowhere: "),
        (("-i", "postgresql://u:pw@h/ironic"), 2, "postgresql is not supported"),
        (("-b", "sqlite:///nova_bm.db"), 2, "sqlite is not supported"),
        (("--ironic-config", "/no/such"), 2, "--ironic-config /no/such: expected"),
    ],
)
def test_a_bad_value_is_one_line(
    clouds: Clouds,
    asked: fake_nova.FakeNova,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    assert clouds.migrate("check", *words) == code
    told = capsys.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1
    assert "pw" not in told


def test_a_nova_that_is_down_is_one_line(
    clouds: Clouds, asked: fake_nova.FakeNova, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path(os.environ["OS_CLIENT_CONFIG_FILE"])
    found = json.loads(path.read_text())
    url = "http://127.0.0.1:9/compute/v2.1"
    found["clouds"][fake_cloud.CLOUD]["compute_endpoint_override"] = url
    path.write_text(json.dumps(found))
    assert clouds.migrate("check", "--os-cloud", fake_cloud.CLOUD) == 1
    told = capsys.readouterr().err
    assert "Nova of cloud fake cannot be asked: " in told
    assert len(told.splitlines()) == 1
