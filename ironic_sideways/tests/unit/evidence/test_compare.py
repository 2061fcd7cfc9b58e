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

from ironic_sideways.evidence import compare
from ironic_sideways.tests.unit.evidence.conftest import FREE, NODE, SERVER, failures


@pytest.mark.parametrize("field", compare.SERVER_FIELDS)
def test_j11_each_field_of_an_instance_that_changes_is_named(before, after, field):
    after["servers"][0][field] = "something else"

    (failure,) = failures(before, after)

    assert failure.startswith(f"instance {SERVER}: {field}: ")


def test_an_instance_that_is_gone_is_named(before, after):
    after["servers"] = []

    assert failures(before, after) == [f"instance {SERVER}: gone"]


def test_an_instance_that_nobody_knew_is_named(before, after):
    after["servers"].append({**after["servers"][0], "uuid": "server-2"})

    assert failures(before, after) == ["instance server-2: was not there before"]


def test_a_create_that_found_no_host_in_the_window_is_no_concern(before, after):
    failed_build = {**after["servers"][0], "uuid": "server-2", "node": None}
    after["servers"].append({**failed_build, "status": "ERROR"})

    assert failures(before, after) == []

    after["servers"].append({**failed_build, "uuid": "server-3"})
    assert failures(before, after) == ["instance server-3: was not there before"]


def test_j12_a_cloud_without_instances_proves_nothing(before, after):
    before["servers"] = after["servers"] = []

    assert "instances: there was no instance before: nothing to prove" in failures(
        before, after
    )


def test_a_machine_that_booted_anew_did_not_survive(before, after):
    after["machines"][0]["boot_id"] = "boot-2"

    (failure,) = failures(before, after)

    assert failure == "machine isw0-node-0: boot_id: 'boot-1' became 'boot-2'"


def test_a_machine_that_fell_silent_did_not_survive(before, after):
    after["machines"][0]["last_seq"] = 10

    (failure,) = failures(before, after)

    assert failure == "machine isw0-node-0: no heartbeat since sequence 10"


def test_a_running_machine_that_never_beat_is_a_failure(before, after):
    before["machines"][0]["boot_id"] = after["machines"][0]["boot_id"] = None

    (failure,) = failures(before, after)

    assert failure == "machine isw0-node-0: on, but no heartbeat was ever received"


def test_a_provider_that_was_replaced_is_a_failure(before, after):
    after["providers"][1]["uuid"] = "node-3"

    assert failures(before, after) == [
        f"provider {FREE}: gone",
        "provider node-3: was not there before",
    ]


def test_an_allocation_left_on_vcpu_is_a_failure(before, after):
    after["providers"][0]["allocations"] = {SERVER: {"VCPU": 1}}

    (failure,) = failures(before, after)

    assert "holds {'VCPU': 1}" in failure


def test_a_lost_allocation_is_a_failure(before, after):
    after["providers"][0]["allocations"] = {}

    assert failures(before, after) == [
        f"provider {NODE}: consumers were ['{SERVER}'], are []"
    ]


def test_a_machine_that_is_off_under_an_active_instance_is_a_failure(before, after):
    before["machines"][0]["power"] = after["machines"][0]["power"] = "off"
    after["ironic_nodes"][0]["power_state"] = "power off"

    assert failures(before, after) == [
        f"machine of instance {SERVER}: ACTIVE, machine: off before, off after"
    ]


def test_a_machine_that_runs_under_a_stopped_instance_is_a_failure(before, after):
    before["servers"][0]["status"] = after["servers"][0]["status"] = "SHUTOFF"

    assert failures(before, after) == [
        f"machine of instance {SERVER}: SHUTOFF, machine: on before, on after"
    ]


def test_an_instance_whose_machine_is_unknown_is_a_failure(before, after):
    before["machines"] = after["machines"] = []

    assert failures(before, after) == [
        f"machine of instance {SERVER}: ACTIVE, machine: None before, None after"
    ]


def test_each_node_is_known_by_the_instance_on_it(before):
    assert compare.nodes(before) == {NODE: SERVER, FREE: None}
