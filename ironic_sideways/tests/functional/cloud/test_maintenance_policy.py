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

"""The window's policies in the real enforcers of Nova and Neutron."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from neutron_lib import context as neutron_context
from neutron_lib.api import attributes
from neutron_lib.api.definitions import allowedaddresspairs, portbindings
from oslo_config import cfg

from ironic_sideways.cloud import maintenance_policy
from ironic_sideways.tests import console_page
from ironic_sideways.tests.functional import mariadb

REPOSITORY = Path(__file__).parents[4]
GUIDE = REPOSITORY / "doc/source/admin/upgrade.rst"
OWN, FOREIGN = "own-project", "another-project"
HOST, NODE, MOVING = "compute-1.example.org", "node-1", "server-1"
#: Who asks: the token's roles and project, and the roles of a service token beside it.
WHO: dict[str, dict[str, Any]] = {
    "admin": {"roles": ["admin", "member", "reader"], "project_id": FOREIGN},
    "service": {"roles": ["service"], "project_id": "services"},
    "member": {"roles": ["member", "reader"], "project_id": OWN},
    "another member": {"roles": ["member", "reader"], "project_id": FOREIGN},
    "reader": {"roles": ["reader"], "project_id": OWN},
    # Nova, for the member who deletes a server.
    "nova": {
        **{"roles": ["member", "reader"], "project_id": OWN},
        "service_roles": ["service"],
    },
    "service of its own project": {
        **{"roles": ["service", "member", "reader"], "project_id": OWN}
    },
}
PORT: dict[str, Any] = {
    "id": "port",
    "project_id": OWN,
    "tenant_id": OWN,
    "network_id": "network",
    "network:project_id": OWN,
    "device_id": MOVING,
    "device_owner": "compute:nova",
    "binding:host_id": HOST,
    # Of its network; who asks the database otherwise is Neutron.
    "shared": False,
}
OF_NETWORK = ("network_id", "network:project_id", "shared")
FETCHED_AT_PUT = ("id", "project_id", "tenant_id", *OF_NETWORK)
#: Calls of Nova that its lock does not stop, and the way past the lock.
OF_NOVA = [
    f"os_compute_api:{name}"
    for name in (
        *("servers:create_image", "os-create-backup", "servers:update"),
        *(f"os-server-tags:{act}" for act in ("update", "update_all")),
        *(f"os-server-tags:{act}" for act in ("delete", "delete_all")),
        "os-lock-server:unlock",
        *("os-server-shares:create", "os-server-shares:delete"),
    )
]
UPDATES: dict[str, Any] = {
    "mac_address": "52:54:00:00:00:01",
    "device_id": "",
    "device_owner": "compute:nova",
    "fixed_ips": [{"ip_address": "192.0.2.9", "subnet_id": "subnet"}],
    "allowed_address_pairs": [{"ip_address": "192.0.2.0/24"}],
    "binding:vnic_type": "normal",
    "name": "of no interest",
}


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with policy.d, which both enforcers read; the ports' attributes."""
    import nova.conf
    import nova.policy
    from neutron import policy as neutron_policy

    (tmp_path / "policy.d").mkdir()
    (tmp_path / "neutron.conf").write_text("[oslo_policy]\n")
    nova.conf.CONF([], project="nova", default_config_files=[])
    nova.policy.init()  # registers oslo.policy's options
    nova.policy.reset()
    neutron_policy.reset()
    cfg.CONF.set_override(
        "policy_dirs", [str(tmp_path / "policy.d")], group="oslo_policy"
    )
    extended = dict(attributes.RESOURCES["ports"])
    for extension in (portbindings, allowedaddresspairs):
        extended |= extension.RESOURCE_ATTRIBUTE_MAP["ports"]
    monkeypatch.setitem(attributes.RESOURCES, "ports", extended)
    yield tmp_path
    cfg.CONF.clear_override("policy_dirs", group="oslo_policy")
    nova.policy.reset()
    neutron_policy.reset()


def generated(etc: Path) -> dict[str, str]:
    """Neutron's rules in force, as the command prints them that the guide shows."""
    path = etc / "neutron-rules.yaml"
    with path.open("w") as output:
        subprocess.run(
            [
                Path(sys.executable).with_name("oslopolicy-policy-generator"),
                *("--namespace", "neutron"),
                *("--config-file", etc / "neutron.conf"),
            ],
            stdout=output,
            timeout=120,
            check=True,
        )
    return maintenance_policy.read(path)


@pytest.fixture(scope="module")
def defaults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Those of a Neutron without policy files."""
    etc = tmp_path_factory.mktemp("etc")
    (etc / "neutron.conf").write_text("[oslo_policy]\n")
    return generated(etc)


def may_in_nova(who: str, rule: str) -> bool:
    from nova import context

    asking = context.RequestContext(user_id=who, **WHO[who])
    target = {"project_id": OWN, "user_id": "member"}
    return bool(asking.can(rule, target=target, fatal=False))


def may_in_neutron(who: str, action: str, target: dict[str, Any]) -> bool:
    from neutron import policy

    asking = neutron_context.Context(user_id=who, **WHO[who])
    return bool(policy.check(asking, action, target, pluralized="ports"))


def may_update(who: str, attribute: str) -> bool:
    # What Neutron fetches for a policy at PUT, and the request's body.
    known = {key: PORT[key] for key in FETCHED_AT_PUT}
    changed = {attribute: UPDATES[attribute], "attributes_to_update": [attribute]}
    return may_in_neutron(who, "update_port", known | changed)


def may_delete(who: str, host: str) -> bool:
    return may_in_neutron(who, "delete_port", PORT | {"binding:host_id": host})


def may_create(who: str, instance: str) -> bool:
    asked = {key: PORT[key] for key in FETCHED_AT_PUT} | {"device_id": instance}
    return may_in_neutron(who, "create_port", asked)


def all_that_is_let() -> set[tuple[str, str]]:
    """Each caller and call that the policies in force let, of those that we touch."""
    in_nova = {(who, rule) for who in WHO for rule in OF_NOVA if may_in_nova(who, rule)}
    return in_nova | {
        (who, what)
        for who in WHO
        for what, let in {
            **{key: may_update(who, key) for key in UPDATES},
            **{f"delete {host}": may_delete(who, host) for host in (HOST, "other")},
            **{f"create {one}": may_create(who, one) for one in (MOVING, "other")},
        }.items()
        if let
    }


def put_in_force(etc: Path, effective: dict[str, str]) -> None:
    """Nova and Neutron share a directory here: their rules have different names."""
    rules = maintenance_policy.neutron(effective, [HOST, NODE], [MOVING])
    maintenance_policy.write(etc / "policy.d/neutron.yaml", rules)
    maintenance_policy.write(etc / "policy.d/nova.yaml", maintenance_policy.nova())


def test_s2_a_member_is_refused_each_call_that_the_lock_lets_through(
    etc: Path, defaults: dict[str, str]
) -> None:
    before = all_that_is_let()
    assert ("member", "os_compute_api:servers:create_image") in before
    assert {("nova", f"delete {host}") for host in (HOST, "other")} <= before
    assert ("member", "device_id") in before

    put_in_force(etc, defaults)

    let = all_that_is_let()
    for who in ("member", "nova"):
        spared = {what for one, what in let if one == who}
        assert spared <= {"name", "delete other", "create other"}
    assert not any(may_delete("nova", host) for host in (HOST, NODE))


@pytest.mark.parametrize(
    "written", [MOVING.upper(), f"{MOVING} ", "sérver-1", "Server-1\t", f"{MOVING}\n"]
)
def test_s2_no_other_spelling_of_an_instance_gets_past_the_policy(
    etc: Path, defaults: dict[str, str], server: mariadb.Server, written: str
) -> None:
    """MariaDB finds the ports of a device whatever the case, accents and spaces are."""
    engine = sa.create_engine(server.url("mysql"))
    one, other = (f"CONVERT(:{name} USING utf8mb3)" for name in "ab")
    query = sa.text(f"SELECT {one} = {other} COLLATE utf8mb3_general_ci")
    with engine.connect() as connection:
        same = connection.scalar(query, {"a": MOVING, "b": written})
    assert same or written[-1] in "\t\n"

    put_in_force(etc, defaults)

    assert not may_create("member", written)


def test_s2_the_guides_policy_is_read_whole_whenever_nova_looks(
    etc: Path, tmp_path: Path
) -> None:
    """Also in the middle of a copy, whose end has an older time than its begin."""
    rule = "os_compute_api:servers:update"
    policy = tmp_path / "nova-policy.yaml"
    maintenance_policy.write(policy, maintenance_policy.nova())
    os.utime(policy, (1, 1))
    told = [
        one.text.replace("/etc/nova", str(etc)).split()
        for one in console_page.read(GUIDE)
        if one.host == "controller" and "maintenance.yaml" in one.text
    ]
    placed = [words for words in told if words[0] != "rm"]
    assert placed and len(told) > len(placed)

    for verb, *words in placed:
        if verb == "scp":
            assert words[:2] == ["-p", "desk:nova-policy.yaml"]
            Path(words[2]).touch()
            assert may_in_nova("member", rule)
            Path(words[2]).write_bytes(policy.read_bytes())
            os.utime(words[2], (1, 1))
        else:
            subprocess.run([verb, *words], timeout=60, check=True)

    assert not may_in_nova("member", rule)


def test_s2_virtual_servers_elsewhere_keep_their_users_calls(
    etc: Path, defaults: dict[str, str]
) -> None:
    put_in_force(etc, defaults)

    # Nova deletes a server's ports with its user's token, and creates them so.
    assert may_delete("nova", "other")
    assert may_delete("nova", f"{HOST}.evil")
    assert may_create("member", "other")
    for rule in ("create", "delete", "reboot", "resize"):
        assert may_in_nova("member", f"os_compute_api:servers:{rule}")
    assert may_update("member", "name")


def test_s2_administrators_and_services_do_what_they_did(
    etc: Path, defaults: dict[str, str]
) -> None:
    before = all_that_is_let()

    put_in_force(etc, defaults)

    spared = {"admin", "service", "service of its own project"}
    lost = before - all_that_is_let()
    assert not [one for one in lost if one[0] in spared]


def test_s2_a_policy_lets_nobody_do_more(etc: Path, defaults: dict[str, str]) -> None:
    before = all_that_is_let()
    put_in_force(etc, defaults)
    assert all_that_is_let() < before


def test_s2_it_is_in_force_and_gone_again_without_a_restart(
    etc: Path, defaults: dict[str, str]
) -> None:
    before = all_that_is_let()
    put_in_force(etc, defaults)
    assert all_that_is_let() != before

    for path in (etc / "policy.d").iterdir():
        path.unlink()

    assert all_that_is_let() == before


def test_s2_an_operators_own_rules_stay_in_force(etc: Path) -> None:
    own = '"delete_port": "role:reader and project_id:%(project_id)s"\n'
    (etc / "policy.yaml").write_text(own)
    cfg.CONF.set_override("policy_file", str(etc / "policy.yaml"), group="oslo_policy")
    assert may_delete("reader", HOST)

    put_in_force(etc, generated(etc))

    assert not may_delete("reader", HOST)
    assert may_delete("reader", "other")
    cfg.CONF.clear_override("policy_file", group="oslo_policy")


def test_s2_it_is_read_after_an_operators_own_files(
    etc: Path, defaults: dict[str, str]
) -> None:
    """The last of policy.d, by name, wins."""
    (etc / "policy.d/own.yaml").write_text(
        '"os_compute_api:os-create-backup": "rule:project_member_or_admin"\n'
        '"update_port:device_id": "rule:admin_or_owner or role:member"\n'
    )
    assert may_in_nova("member", "os_compute_api:os-create-backup")
    assert may_update("member", "device_id")
    scripts = (REPOSITORY / "grenade/maintenance.sh").read_text()
    guide = GUIDE.read_text()
    told = re.findall(r" /etc/(?:nova|neutron)/(?:policy\.d/)?(\S+ance\S+)", guide)
    (name,) = set(told)
    assert scripts.count(f"/{name}") == 3

    rules = maintenance_policy.neutron(defaults, [HOST, NODE], [MOVING])
    maintenance_policy.write(
        etc / "policy.d" / name, {**rules, **maintenance_policy.nova()}
    )

    assert not may_in_nova("member", "os_compute_api:os-create-backup")
    assert not may_update("member", "device_id")


def test_s2_written_again_it_is_the_same(etc: Path) -> None:
    (etc / "neutron.conf").write_text(f"[oslo_policy]\npolicy_dirs = {etc}/policy.d\n")
    put_in_force(etc, generated(etc))
    once = (etc / "policy.d/neutron.yaml").read_text()

    put_in_force(etc, generated(etc))

    assert (etc / "policy.d/neutron.yaml").read_text() == once
