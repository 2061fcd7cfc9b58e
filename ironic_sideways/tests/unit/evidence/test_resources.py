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

import copy
from typing import Any

import pytest

from ironic_sideways import exceptions
from ironic_sideways.evidence import resources

USED: dict[str, Any] = {
    "hypervisors": {"n1": {"name": "n1", "type": "ironic"}},
    "providers": {
        "n1": {
            "inventories": {"CUSTOM_BAREMETAL": {"total": 1, "reserved": 1}},
            "allocations": {"i1": {"CUSTOM_BAREMETAL": 1}},
        }
    },
}
FREE: dict[str, Any] = {
    "hypervisors": {"n1": {"name": "n1", "type": "ironic"}},
    "providers": {
        "n1": {
            "inventories": {"CUSTOM_BAREMETAL": {"total": 1, "reserved": 0}},
            "allocations": {},
        }
    },
}


def test_a_used_node_held_by_its_instance_is_right():
    assert resources.fault(USED, "n1", "i1", "CUSTOM_BAREMETAL") == ""


def test_a_free_node_without_a_holder_is_right():
    assert resources.fault(FREE, "n1", None, "CUSTOM_BAREMETAL") == ""


def test_a_free_node_that_is_reserved_is_not_schedulable():
    seen = copy.deepcopy(FREE)
    seen["providers"]["n1"]["inventories"]["CUSTOM_BAREMETAL"]["reserved"] = 1

    assert resources.fault(seen, "n1", None, "CUSTOM_BAREMETAL") == (
        "is free, reserved 1"
    )


def test_a_used_node_that_only_the_conversion_wrote_is_not_reported_yet():
    seen = copy.deepcopy(USED)
    seen["providers"]["n1"]["inventories"]["CUSTOM_BAREMETAL"]["reserved"] = 0

    assert resources.fault(seen, "n1", "i1", "CUSTOM_BAREMETAL") == (
        "is used, reserved 0"
    )


@pytest.mark.parametrize(
    ("part", "value", "says"),
    [
        ("hypervisors", {}, "has no compute node"),
        ("hypervisors", {"n1": {"name": "host"}}, "has no compute node"),
        (
            "hypervisors",
            {"n1": {"name": "n1", "type": "baremetal"}},
            "is still reported by baremetal",
        ),
        ("providers", {}, "has no resource provider"),
    ],
)
def test_a_node_that_nova_lacks_is_told(part, value, says):
    seen = {**USED, part: value}

    assert says in resources.fault(seen, "n1", "i1", "CUSTOM_BAREMETAL")


def test_a_node_still_reported_as_vcpu_is_told():
    seen = copy.deepcopy(USED)
    seen["providers"]["n1"]["inventories"]["VCPU"] = {"total": 1, "reserved": 0}

    assert resources.fault(seen, "n1", "i1", "CUSTOM_BAREMETAL") == (
        "reports ['CUSTOM_BAREMETAL', 'VCPU'], expected CUSTOM_BAREMETAL"
    )


def test_a_used_node_whose_allocation_is_lost_is_told():
    seen = copy.deepcopy(USED)
    seen["providers"]["n1"]["allocations"] = {}

    assert "is allocated to {}" in resources.fault(seen, "n1", "i1", "CUSTOM_BAREMETAL")


def test_a_node_of_another_class_than_its_own_is_told():
    assert resources.fault(FREE, "n1", None, "CUSTOM_BAREMETAL_1C") == (
        "reports ['CUSTOM_BAREMETAL'], expected CUSTOM_BAREMETAL_1C"
    )


def test_j14_each_node_is_waited_for_under_its_own_class(monkeypatch):
    def both(uuid: str, name: str) -> dict[str, Any]:
        provider = {"inventories": {name: {"total": 1, "reserved": 0}}}
        return {
            "hypervisors": {uuid: {"name": uuid, "type": "ironic"}},
            "providers": {uuid: {"uuid": uuid, **provider, "allocations": {}}},
        }

    one, two = both("n1", "CUSTOM_BM_1C"), both("n2", "CUSTOM_BM_2C")
    seen = {key: one[key] | two[key] for key in one}
    monkeypatch.setattr(resources, "look", lambda cloud: seen)
    nodes: dict[str, str | None] = {"n1": None, "n2": None}

    found = resources.observe(None, nodes, {"n1": "bm-1c", "n2": "bm-2c"}, 1)

    assert found["resource_classes"] == ["CUSTOM_BM_1C", "CUSTOM_BM_2C"]
    assert resources.several(found["resource_classes"]) == "2 resource classes"
    with pytest.raises(exceptions.WaitExpired, match=r"n2 reports .*2C.*, expected"):
        resources.observe(None, nodes, {"n1": "bm-1c", "n2": "bm-1c"}, 0)


def test_what_was_recorded_can_be_judged_again():
    provider = {"uuid": "n1", **USED["providers"]["n1"]}
    document = {"nodes": [{**provider, "hypervisor": USED["hypervisors"]["n1"]}]}

    seen = resources.recorded(document)

    assert resources.fault(seen, "n1", "i1", "CUSTOM_BAREMETAL") == ""


def test_the_driver_and_manager_that_were_loaded_last_count(tmp_path):
    log = tmp_path / "nova-compute.log"
    log.write_text(
        "INFO Loading compute manager 'old.Manager'\n"
        "INFO Loading compute driver 'baremetal.BareMetalDriver'\n"
        "INFO Loading compute manager 'new.Manager'\n"
        "INFO Loading compute driver 'ironic.IronicDriver'\n"
    )

    assert resources.loaded(log) == {
        "driver": "ironic.IronicDriver",
        "manager": "new.Manager",
    }


def test_a_log_that_does_not_say_what_was_loaded_is_no_evidence(tmp_path):
    log = tmp_path / "nova-compute.log"
    log.write_text("INFO all is well\n")

    with pytest.raises(exceptions.SidewaysError, match="does not say which driver"):
        resources.loaded(log)


def test_an_allocation_that_was_left_is_told_whoever_reports_the_node():
    seen = copy.deepcopy(USED)
    seen["hypervisors"]["n1"]["type"] = "baremetal"
    seen["providers"]["n1"]["allocations"] = {"i1": {"VCPU": 1}}

    assert resources.fault(seen, "n1", "i1", "CUSTOM_BAREMETAL").startswith(
        "is allocated to {'i1': {'VCPU': 1}}"
    )
