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


from types import SimpleNamespace

from ironic_sideways.trials import workload


def test_free_nodes_boot_from_the_network_and_no_other_is_touched():
    """The agent would not fit the smallest of them, nor its image their disks."""
    free = [
        SimpleNamespace(id="survivors", deploy_interface="direct"),
        SimpleNamespace(id="new", deploy_interface="ramdisk"),
    ]
    asked, changed = [], []

    def nodes(**query):
        asked.append(query["provision_state"])
        return iter(free)

    def update_node(node, **changes):
        changed.append((node.id, changes))

    ironic = SimpleNamespace(
        baremetal=SimpleNamespace(nodes=nodes, update_node=update_node)
    )

    assert workload.boot_from_the_network(ironic) == 2
    assert asked == ["available"]
    assert changed == [("survivors", {"deploy_interface": "ramdisk"})]
