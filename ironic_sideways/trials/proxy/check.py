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

"""All that the main job checks of the proxy, as one table."""

from pathlib import Path

from ironic_sideways.evidence import takeover
from ironic_sideways.lab import cloud
from ironic_sideways.lab.layout import Layout
from ironic_sideways.trials.proxy import callers, nova_proxy, old_clients, visibility
from ironic_sideways.trials.proxy.table import Nova, Table


def everything(layout: Layout, novaclient: Path | None) -> Table:
    """Do all checks in the lab's moved cloud.

    Users and a project are made and removed, and one free node's owner is
    changed for a moment.

    :param novaclient: its program; None skips it, and the verdict says so.
    """
    nova = Nova(layout.url("nova-api"))
    admin, system = cloud.connect(layout, "admin"), cloud.connect(layout, "system")
    table = Table(takeover.moved_by(system))
    with callers.made(layout) as asking:
        nodes = {name: node for name, (_, node) in visibility.in_ironic(system).items()}
        some = next(iter(nodes))
        visibility.everybody(table, nova, asking, system)
        visibility.calls(table, nova, asking, some)
        old_clients.tempest(table, admin, nodes)
        if novaclient:
            home = layout.data / "novaclient"
            home.mkdir(exist_ok=True)
            old_clients.novaclient(table, novaclient, home, admin, nodes)
        nova_proxy.compare(table, layout, nova, asking)
        nova_proxy.without_ironic(table, layout, asking, some)
        logs = [layout.log(name) for name in ("nova-api", "ironic-api", "keystone")]
        nova_proxy.leaks(table, "the services' logs", asking, logs)
    return table
