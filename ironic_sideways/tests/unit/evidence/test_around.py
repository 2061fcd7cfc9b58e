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

"""What instances lean on is recorded, and a change of it is named."""

import copy
import types

import pytest
import sqlalchemy as sa

from ironic_sideways.evidence import around, compare, tenants

THING = types.SimpleNamespace
SERVERS = [{"uuid": "server-1", "image": "image-1"}]
PROVIDERS = [{"allocations": {"server-1": {"VCPU": 1}}}]
SPECS = {"baremetal:deploy_kernel_id": "kernel-1", "cpu_arch": "x86_64"}
OF_PLACEMENT = {
    "/allocations/server-1": {
        **{"project_id": "project-1", "user_id": "user-1", "allocations": {}}
    },
    "/resource_providers": {
        "resource_providers": [{"uuid": "node-1", "parent_provider_uuid": None}]
    },
    "/resource_providers/node-1/traits": {
        "traits": ["COMPUTE_STATUS_DISABLED", "CUSTOM_GOLD", "COMPUTE_NODE"]
    },
    "/resource_providers/node-1/aggregates": {"aggregates": ["b", "a"]},
}
SUBNET = THING(
    id="subnet", is_dhcp_enabled=True, gateway_ip="172.30.0.1", dns_nameservers=[]
)
SERVED = {"dhcp": True, "router": "172.30.0.1", "dns": None}
#: As Nova tells them, the last first.
ACTIONS = [
    THING(start_time=f"2026-12-01T05:0{minute}:00.000000", action=action, user_id="u")
    for minute, action in ((3, "unlock"), (2, "lock"), (1, "create"))
]


def cloud(**compute: object) -> types.SimpleNamespace:
    """As openstacksdk has it, with one of each; the flavor is private."""
    found = {
        "flavors": [THING(id="flavor-1", is_public=False, extra_specs=SPECS)],
        "keypairs": [THING(name="mine", fingerprint="horse")],
        "servers": [THING(id="server-1", user_id="user-1", key_name="mine")],
        "hypervisors": [THING(id="node-1", name="node-1")],
        "server_groups": [
            THING(id="apart", policy="anti-affinity", member_ids=["server-1"]),
            THING(id="other", policy="affinity", member_ids=None),
        ],
        "aggregates": [
            THING(id=2, availability_zone="az", metadata={"a": "horse"}, hosts=["one"]),
            THING(id=1, availability_zone=None, metadata={}, hosts=None),
        ],
        **compute,
    }
    api = {name: lambda rows=rows, **_: rows for name, rows in found.items()}
    access = [{"tenant_id": "project-2"}, {"tenant_id": "project-1"}]
    owner = "compute:nova"
    port = {
        **{"security_group_ids": ["b", "a"], "is_port_security_enabled": True},
        **{"status": "ACTIVE", "binding_vif_type": "other", "binding_profile": {}},
        **{"network_id": "net", "fixed_ips": [{"subnet_id": "subnet"}]},
    }
    ports = [
        THING(id="port-1", device_owner=owner, **port),
        THING(id="port-2", device_owner="network:dhcp", **port),
    ]
    return THING(
        compute=THING(
            **api,
            get_flavor_access=lambda uuid: access,
            server_actions={"server-1": ACTIONS}.__getitem__,
        ),
        image=THING(
            find_image={
                "image-1": THING(
                    **{"status": "active", "disk_format": "qcow2", "size": 9},
                    **{"hash_value": None, "checksum": "sum"},
                )
            }.get
        ),
        network=THING(
            ports=lambda: ports,
            networks=lambda: [THING(id="net", mtu=1500)],
            subnets=lambda: [SUBNET],
        ),
    )


def taken(nova_bm: sa.Engine | None = None, **compute: object) -> around.Kind:
    digest = tenants.Digests(b"k")
    found = cloud(**compute)
    get = OF_PLACEMENT.__getitem__
    return around.take(found, SERVERS, PROVIDERS, ["one"], get, digest, nova_bm)


def test_each_kind_is_recorded_and_a_tenants_own_as_a_digest() -> None:
    found = taken()
    assert "horse" not in str(found)
    del found["fingerprints"]
    assert found["aggregates"]["one"][0].pop().startswith(tenants.PREFIX)
    assert found == {
        "access": {
            "flavor-1": {"public": False, "projects": ["project-1", "project-2"]}
        },
        "specs": {"flavor-1": SPECS},
        "images": {"image-1": "active", "kernel-1": None},
        "contents": {"image-1": ["qcow2", 9, "sum"]},
        "security groups": {"port-1": [["a", "b"], True]},
        "consumers": {"server-1": ["project-1", "user-1"]},
        "hypervisors": {"node-1": "node-1"},
        "vifs": {
            "port-1": {
                **{"status": "ACTIVE", "vif_type": "other", "profile": {}},
                **{"mtu": 1500, "served": [SERVED]},
            }
        },
        "actions": {
            "server-1": [
                {
                    "at": f"2026-12-01T05:0{minute}:00.000000",
                    **{"action": action, "user_id": "u"},
                }
                for minute, action in ((1, "create"), (2, "lock"), (3, "unlock"))
            ]
        },
        "server groups": {"server-1": [["apart", "anti-affinity"]]},
        "aggregates": {"one": [["2", "az"]]},
        "placement": {
            "node-1": {
                **{"parent": None, "aggregates": ["a", "b"]},
                "traits": ["CUSTOM_GOLD"],
            }
        },
    }


def test_a_key_pair_that_is_gone_or_another_is_seen() -> None:
    others = [THING(name="mine", fingerprint="cow")]
    pairs: tuple[dict[str, object], ...]
    pairs = ({}, {"keypairs": []}, {"keypairs": others})
    prints = [taken(None, **more)["fingerprints"]["server-1"] for more in pairs]
    assert len(set(prints)) == 3


@pytest.mark.parametrize(
    ("kind", "key", "value", "says"),
    [
        ("access", "flavor-1", {}, "became {}"),
        ("images", "image-1", "deactivated", "'active' became 'deactivated'"),
        ("consumers", "server-1", ["other"], "became ['other']"),
        ("hypervisors", "left", "left", "'absent' became 'left'"),
    ],
)
def test_a_change_is_named_by_kind_and_key(
    kind: str, key: str, value: object, says: str
) -> None:
    before: around.Kind = {"around": taken(), "servers": SERVERS}
    after = copy.deepcopy(before)
    after["around"][kind][key] = value

    (check,) = [one for one in compare.each_around(before, after) if not one.ok]

    assert check.name == f"{kind} {key}" and says in check.detail


def test_what_the_move_changes_is_no_concern_of_it() -> None:
    """Extra specs, and the images that flavors name with them."""
    before: around.Kind = {"around": taken(), "servers": SERVERS}
    after = copy.deepcopy(before)
    after["around"]["specs"]["flavor-1"] = {"baremetal:deploy_kernel_id": "kernel-2"}
    del after["around"]["images"]["kernel-1"]
    after["around"]["images"]["kernel-2"] = "active"

    assert all(check.ok for check in compare.each_around(before, after))

    after["around"]["images"]["kernel-2"] = "queued"
    (check,) = [one for one in compare.each_around(before, after) if not one.ok]
    assert check.detail == "'active' became 'queued'"


def test_an_image_that_is_named_and_not_told_of_is_missed() -> None:
    before: around.Kind = {"around": taken(), "servers": SERVERS}
    after = copy.deepcopy(before)
    del after["around"]["images"]["image-1"]

    (check,) = [one for one in compare.each_around(before, after) if not one.ok]

    assert check.name == "images named after"


def test_a_kind_that_is_recorded_once_alone_is_named() -> None:
    then: around.Kind = {
        "around": {"nova_bm": {"bm_nodes": 1}, "images": {}, "specs": {}}
    }
    now: around.Kind = {"around": {"images": {}, "specs": {}}}
    (check,) = (
        one
        for one in compare.each_around(then | {"servers": []}, now | {"servers": []})
        if not one.ok
    )
    assert (check.name, check.detail) == ("nova_bm bm_nodes", "1 became 'absent'")
