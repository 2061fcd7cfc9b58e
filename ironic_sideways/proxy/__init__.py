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

"""Nova's bare-metal API as a read-only proxy to Ironic: a filter for nova-api.

The specification's "REST API impact": list and show of ``os-baremetal-nodes``
are answered from Ironic with the user's own token after Nova's policy check;
the four writes are 404. Two lines of nova-api's api-paste.ini enable it, and
``python -m ironic_sideways.proxy.install`` writes them::

    [filter:baremetal_proxy]
    paste.filter_factory = ironic_sideways.proxy:filter_factory

This package imports nothing else of ironic-sideways.
"""

from collections.abc import Callable
from typing import Any


def filter_factory(
    _global_conf: dict[str, str], **_local_conf: str
) -> Callable[[Any], Any]:
    """The paste.deploy filter factory; settings come from nova.conf alone."""
    from oslo_config import cfg

    from ironic_sideways.proxy import ironic, middleware, options

    options.register(cfg.CONF)
    client = ironic.Client(cfg.CONF)

    def wrap(application: Any) -> middleware.BaremetalProxy:
        return middleware.BaremetalProxy(application, client)

    return wrap
