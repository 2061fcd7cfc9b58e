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

"""Readiness checks: whether a service of the lab works, not only runs.

A check returns READY, or in a few words what it saw instead.
"""

import contextlib
import functools
import http.client
import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psutil
import pymysql
from keystoneauth1 import exceptions as auth_exceptions
from keystoneauth1 import session
from keystoneauth1.identity import v3

from ironic_sideways import exceptions, ipmi, waits
from ironic_sideways.hardware import bmc, hypervisor
from ironic_sideways.lab import databases, passwords
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.service_table import (
    CONDUCTOR,
    LIGHT_GUESTS,
    LOOPBACK,
    PROBER,
    SECOND_CONDUCTOR,
    SIBLING,
    Service,
)
from ironic_sideways.lab.supervision import (
    ALIVE,
    RUNNING,
    State,
    Supervisor,
    log_excerpt,
)

READY = "ready"
Check = Callable[[Layout, State], str]

#: Seconds: nova.conf's service_down_time.
SERVICE_DOWN_TIME = 20

#: Seconds to wait for one service. A slow, shared machine needs it.
TIMEOUT = 120.0


@functools.cache
def admin_session(layout: Layout) -> session.Session:
    """A session of the admin user on project admin."""
    auth = v3.Password(
        auth_url=layout.url("keystone") + "/v3",
        username="admin",
        password=passwords.load(layout)["user-admin"],
        project_name="admin",
        user_domain_id="default",
        project_domain_id="default",
    )
    return session.Session(auth=auth, timeout=30)


def _database(layout: Layout, state: State) -> str:
    databases.connect(layout).close()
    return READY


def _connects(address: str, port: int) -> str:
    socket.create_connection((address, port), timeout=2).close()
    return READY


def _bus(layout: Layout) -> Any:
    import amqp  # type: ignore[import-not-found, unused-ignore]

    return amqp.Connection(
        host=f"127.0.0.1:{layout.port('rabbitmq')}",
        userid="openstack",
        password=passwords.load(layout)["rabbitmq"],
        connect_timeout=5,
    )


def _rabbitmq(layout: Layout, state: State) -> str:
    _connects(LOOPBACK, layout.port("rabbitmq"))
    with _bus(layout) as connection:
        connection.channel()
    return READY


def consumers(layout: Layout, queue: str) -> int:
    """How many processes consume messages from ``queue``."""
    with _bus(layout) as connection:
        return int(connection.channel().queue_declare(queue, passive=True)[2])


def _authenticated(layout: Layout, row: Service) -> str:
    url = layout.url(row.listener) + row.path
    answer = admin_session(layout).get(url, raise_exc=False, timeout=30)
    return READY if answer.ok else f"{row.path}: HTTP {answer.status_code}"


def _keystone(layout: Layout, state: State) -> str:
    admin_session(layout).invalidate()
    return READY if admin_session(layout).get_token() else "no token"


def _answers_http(address: str, port: int) -> str:
    connection = http.client.HTTPConnection(address, port, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", "/")
        connection.getresponse().read()
    return READY


def _dnsmasq(layout: Layout, state: State) -> str:
    sockets = psutil.Process(state.pid).net_connections("udp")
    if any(one.laddr and one.laddr.port == 67 for one in sockets):
        return READY
    return "does not listen on UDP 67"


def _libvirtd(layout: Layout, state: State) -> str:
    hypervisor.wait_ready(layout.libvirt, timeout=1)
    return READY


def _vbmcd(layout: Layout, state: State) -> str:
    found = list(bmc.credentials(layout.vbmc).items())
    # One process answers for all light machines.
    for name, known in found[:: max(1, len(found) - 1)] if layout.light else found:
        try:
            ipmi.power_status(known.bmc)
        except exceptions.SidewaysError as error:
            return f"{name}: {error}"
    return READY


def _runs(layout: Layout, state: State) -> str:
    return READY if state.state == RUNNING else "starting"


def _nova_rpc(layout: Layout, service: str, topic: str) -> str:
    from ironic_sideways.lab import nova_rpc

    answers = nova_rpc.answers(layout, topic, host_of(layout, service))
    return READY if answers else "no answer to an RPC ping"


def host_of(layout: Layout, service: str) -> str:
    """``CONF.host`` of a service of Nova."""
    return layout.compute_services.get(service, layout.compute_host)


def _nova_compute(layout: Layout, state: State) -> str:
    answer = _nova_rpc(layout, state.name, "compute")
    if answer != READY:
        return answer
    host = host_of(layout, state.name)
    # Its sibling of the same name may have answered in its place.
    states = Supervisor(layout).states()
    workers = sum(
        host_of(layout, name) == host and found.state in ALIVE
        for name, found in states.items()
        if name in (*layout.compute_services, SIBLING)
    )
    taking = consumers(layout, f"compute.{host}")
    if taking < workers:
        return f"{taking} of {workers} workers of host {host} take messages"
    with databases.connect(layout) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM nova.services WHERE `binary` = 'nova-compute' "
            "AND host = %s AND deleted = 0 "
            "AND COALESCE(updated_at, created_at) "
            "> UTC_TIMESTAMP() - INTERVAL %s SECOND",
            (host, SERVICE_DOWN_TIME),
        )
        if cursor.fetchall() != ((1,),):
            return "its service row is not up"
        cursor.execute(
            "SELECT COUNT(*) FROM nova_api.host_mappings WHERE host = %s",
            (host,),
        )
        if cursor.fetchall() != ((1,),):
            return f"host {host} is not discovered in a cell"
    return READY


def _ironic_conductor(layout: Layout, state: State) -> str:
    started = datetime.fromtimestamp(state.since, UTC).replace(tzinfo=None)
    with databases.connect(layout) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM ironic.conductors WHERE hostname = %s "
            "AND online = 1 AND updated_at >= %s",
            (layout.conductor_hosts[state.name], started),
        )
        row = cursor.fetchone()
    return READY if row == (1,) else "its conductor row is not online"


#: Checks of services that neither a path nor an RPC ping alone proves ready.
OWN: dict[str, Check] = {
    "mariadb": _database,
    "epmd": lambda layout, state: _connects(LOOPBACK, layout.port("epmd")),
    "rabbitmq": _rabbitmq,
    "libvirtd": _libvirtd,
    "vbmcd": _vbmcd,
    "dnsmasq": _dnsmasq,
    "keystone": _keystone,
    SIBLING: _nova_compute,
    CONDUCTOR: _ironic_conductor,
    SECOND_CONDUCTOR: _ironic_conductor,
    PROBER: _runs,
    LIGHT_GUESTS: _runs,
}

#: What a check raises while the service is not ready yet.
NOT_YET = (
    OSError,
    EOFError,
    http.client.HTTPException,
    json.JSONDecodeError,
    psutil.Error,
    pymysql.Error,
    auth_exceptions.ClientException,
    exceptions.WaitExpired,
)


def _check(layout: Layout, state: State) -> str:
    """Its own function, or what its row says; else any answer over HTTP will do."""
    row = next(row for row in layout.services if row.name == state.name)
    if row.group == "compute":
        return _nova_compute(layout, state)
    if row.name in OWN:
        return OWN[row.name](layout, state)
    if row.path:
        return _authenticated(layout, row)
    if row.topic:
        return _nova_rpc(layout, row.name, row.topic)
    address = row.addresses[0].format(layout=layout)
    return _answers_http(address, layout.port(row.listener))


def look(layout: Layout, state: State) -> str:
    """READY, or in a few words what the service cannot do."""
    if state.state not in ALIVE:
        return state.state.lower()
    try:
        return _check(layout, state)
    except NOT_YET as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]


def wait_ready(supervisor: Supervisor, name: str, timeout: float = TIMEOUT) -> None:
    """Wait until the service ``name`` is ready.

    :param timeout: seconds.
    :raises SidewaysError: its process died; shows the end of its log.
    :raises WaitExpired: it runs but is not ready; shows the end of its log.
    """
    layout = supervisor.layout

    def once() -> str:
        state = supervisor.state(name)
        if state.state not in ALIVE:
            raise exceptions.SidewaysError(
                f"{name} died while starting ({state.spawn_error or state.state}); "
                f"the end of {layout.log(name)}:\n{log_excerpt(layout.log(name))}"
            )
        return look(layout, state)

    try:
        waits.wait_for(
            once, lambda seen: seen == READY, f"{name} to be ready", timeout, 0.3
        )
    except exceptions.WaitExpired as error:
        raise exceptions.WaitExpired(
            f"{error}; the end of {layout.log(name)}:\n{log_excerpt(layout.log(name))}"
        ) from error
