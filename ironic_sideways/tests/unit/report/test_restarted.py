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

import pytest

from ironic_sideways.report import restarted, verdict
from ironic_sideways.tests.unit.report.small_move import files, phases, small_cloud


def failed(directory) -> list[str]:
    found = restarted.check_restarted(directory).failures
    return [check.name.removesuffix(" after a second start") for check in found]


def test_a_good_second_start_is_green(evidence):
    finding = restarted.check_restarted(evidence)

    assert finding.ok
    assert finding.figure == "2 instances on 3 nodes after a second start"


@pytest.mark.parametrize(
    ("key", "change", "name"),
    [
        ("servers", {"status": "ERROR"}, "instance server-run"),
        ("servers", {"task_state": "powering-off"}, "instance server-run"),
        ("servers", {"bindings": {}}, "port bindings of instance server-run"),
        ("servers", {"locked": True}, "lock of server-run"),
        ("servers", {"locked_reason": "maintenance"}, "lock of server-run"),
        ("providers", {"allocations": {}}, "provider node-run"),
        ("machines", {"boot_id": "boot-2"}, "machine machine-1"),
        ("machines", {"last_seq": 1}, "machine machine-1"),
        ("machines", {"power": "off"}, "machine machine-1"),
        ("services", {"state": "down"}, f"service nova-compute of {small_cloud.HOST}"),
        (
            "services",
            {"status": "disabled"},
            f"service nova-compute of {small_cloud.HOST}",
        ),
        (
            "services",
            {"id": "service-2"},
            f"service nova-compute of {small_cloud.HOST}",
        ),
        ("services", {"host": "other"}, "service nova-compute of other"),
        ("ironic_nodes", {"provision_state": "error"}, "ironic node node-run"),
        ("ironic_nodes", {"maintenance": True}, "ironic node node-run"),
        ("ironic_nodes", {"last_error": "no"}, "ironic node node-run"),
        ("ironic_nodes", {"conductor": "other"}, "ironic node node-run as moved"),
        ("ironic_nodes", {"driver": "fake"}, "ironic node node-run as moved"),
        ("ironic_nodes", {"ports": []}, "ironic node node-run as in the window"),
        ("ironic_nodes", {"owner": None}, "ironic node node-run as moved"),
    ],
)
def test_what_a_second_start_broke_is_named(evidence, key, change, name):
    files.edit(evidence / "restarted.json", lambda d: d[key][0].update(change))

    assert name in failed(evidence)


@pytest.mark.parametrize("key", ["servers", "providers", "machines", "ironic_nodes"])
def test_what_is_gone_after_it_is_named(evidence, key):
    files.edit(evidence / "restarted.json", lambda d: d[key].pop(0))

    assert failed(evidence)


@pytest.mark.parametrize("key", ["machines", "ironic_nodes"])
def test_a_look_without_a_part_proves_nothing(evidence, key):
    files.edit(evidence / "restarted.json", lambda d: d.pop(key))

    assert key in failed(evidence)


def test_without_a_second_start_the_verdict_is_red(evidence):
    (evidence / "restarted.json").unlink()

    found = verdict.verdict(evidence)

    assert found.red == ["restarted"]


def test_the_look_of_another_phase_is_none(evidence):
    files.edit(
        evidence / "restarted.json", lambda d: d.update(taken_at=phases.BEGIN + 61)
    )

    # And its machines had not sent as much then.
    assert verdict.verdict(evidence).red == ["evidence", "agreement"]
