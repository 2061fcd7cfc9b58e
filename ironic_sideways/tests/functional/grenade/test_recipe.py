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

"""The page's recipe against what Grenade, DevStack and the plugin read of it."""

import ipaddress
import re

import pytest

from ironic_sideways.tests.functional.grenade.standin import REPOSITORY, Standin

PAGE = (REPOSITORY / "doc/source/user/grenade.rst").read_text()
#: What DevStack enables where nobody chooses (stackrc, stable/2026.1).
DEFAULT_SERVICES = (
    "key,n-api,n-cpu,n-cond,n-sch,n-novnc,n-api-meta,placement-api,placement-client,"
    "g-api,c-sch,c-api,c-vol,ovn-controller,ovn-northd,ovs-vswitchd,ovsdb-server,"
    "q-svc,q-ovn-agent,horizon,rabbit,tempest,mysql,etcd3,dstat"
)
#: What Grenade's own devstack.local.conf.base enables beside.
OF_GRENADE = "s-account,s-container,s-object,s-proxy"
STOCK = f"{DEFAULT_SERVICES},{OF_GRENADE}"


def written(name: str) -> list[str]:
    """The lines that the recipe writes into a file of Grenade's."""
    (text,) = re.findall(
        rf"    \$ cat >{re.escape(name)} <<'END'\n(.*?)    END\n", PAGE, re.S
    )
    return [line.strip() for line in text.splitlines()]


def services(lines: list[str]) -> list[str]:
    found = STOCK.split(",")
    for line in lines:
        verb, *names = line.split()
        if verb == "disable_service":
            found = [one for one in found if one not in names]
        elif verb == "enable_service":
            found += names
    return found


def test_devstacks_lines_have_the_header_without_which_none_is_read():
    assert written("devstack.local.conf")[0] == "[[local|localrc]]"


def test_its_services_are_those_that_the_plugin_works_with(tmp_path):
    found = services(written("devstack.local.conf"))
    host = Standin(tmp_path)
    script = f"""
source $GRENADE_DIR/functions
source {REPOSITORY}/devstack/upgrade/checks.sh
check_services
"""

    assert host.bash(script, ENABLED_SERVICES=",".join(found)).returncode == 0
    # And DevStack's own are not.
    assert host.bash(script, ENABLED_SERVICES=STOCK).returncode == 1
    for needed in ("key", "g-api", "n-api", "n-cpu", "n-sch", "placement-api", "q-svc"):
        assert needed in found


@pytest.mark.parametrize("address", ["10.0.2.15", "172.30.0.1", "192.168.122.10"])
def test_a_usual_address_of_a_machine_is_in_none_of_its_ranges(address):
    """DevStack finds no host address in its own range (functions-common)."""
    values = dict(
        line.split("=", 1) for line in written("devstack.local.conf") if "=" in line
    )
    ranges = ("FIXED_RANGE", "IPV4_ADDRS_SAFE_TO_USE")
    for name in ranges:
        assert ipaddress.ip_address(address) not in ipaddress.ip_network(values[name])
    network = ipaddress.ip_network(values["FIXED_RANGE"])
    assert ipaddress.ip_address(values["NETWORK_GATEWAY"]) in network


def test_the_plugins_branch_is_named_and_pluginrc_writes_no_devstack_line():
    """Each resources.sh reads pluginrc, where Grenade's localrc_path is unknown."""
    (line,) = written("pluginrc")
    verb, name, url, branch = line.split()
    assert (verb, name, branch) == (
        "enable_grenade_plugin",
        "ironic-sideways",
        "master",
    )
    assert url == "https://opendev.org/openstack/ironic-sideways"
    assert "devstack_localrc base" not in PAGE
