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

"""An RPC ping: whether a Nova service answers on the message bus."""

import functools
import logging
import warnings

from oslo_config import cfg

from ironic_sideways.lab import rabbitmq
from ironic_sideways.lab.layout import Layout

with warnings.catch_warnings():
    # oslo.service warns every importer that eventlet is deprecated.
    warnings.simplefilter("ignore")
    import oslo_messaging

# What it logs while a service is still starting is noise.
logging.getLogger("oslo.messaging").addHandler(logging.NullHandler())

#: Seconds for one answer.
TIMEOUT = 3


@functools.cache
def _transport(layout: Layout) -> oslo_messaging.Transport:
    # oslo.messaging registers its tracing options with the global CONF alone.
    cfg.CONF([], project="nova", default_config_files=[])
    return oslo_messaging.get_rpc_transport(cfg.CONF, url=rabbitmq.url(layout))


def answers(layout: Layout, topic: str, host: str) -> bool:
    """Ping Nova's service of ``topic`` (conductor, scheduler, compute) on ``host``.

    The method is nova.baserpc.BaseRPCAPI's, which every Nova service has; it
    answers once the service has initialised its host and listens.
    """
    target = oslo_messaging.Target(
        exchange="nova",
        topic=topic,
        server=host,
        namespace="baseapi",
        version="1.0",
    )
    client = oslo_messaging.get_rpc_client(_transport(layout), target, timeout=TIMEOUT)
    try:
        client.call({}, "ping", arg="lab")
    except oslo_messaging.MessagingTimeout:
        return False
    return True
