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

"""The lab's services, one row each: a new one is a row here and a template.

Ports, databases, passwords, users, catalogue entries, configuration files, programs,
checks and the order of start all follow from the rows. A command or a check that data
cannot express is a function in programs.py or checks.py, by the service's name.
"""

import dataclasses
from collections.abc import Mapping
from typing import Literal

#: When a service starts (bring_up): ``api`` with keystone, ``bus`` once RabbitMQ is
#: ready, ``compute`` when nova_bm has its nodes, once for each compute host. Ironic is
#: installed later; what is on demand is started by a person or a phase.
Group = Literal[
    "infrastructure", "hardware", "api", "bus", "compute", "on demand", "ironic"
]

LOOPBACK, BRIDGE = "127.0.0.1", "{layout.gateway}"
#: A second worker of the first compute host's name; no part of the base.
SIBLING = "nova-compute-sibling"
#: A second conductor, with a host name of its own; no part of the standard move.
CONDUCTOR, SECOND_CONDUCTOR = "ironic-conductor", "ironic-conductor-second"
#: What lives for the guests of light machines.
LIGHT_GUESTS = "light-guests"
#: What asks the APIs of whatever cloud the hardware belongs to.
PROBER = "prober"

#: Nova fills these from its own configuration: the rows hold no password.
CELL0 = "{scheme}://{username}:{password}@{hostname}:{port}/nova_cell0?{query}"
CELL1 = "{scheme}://{username}:{password}@{hostname}:{port}/{path}?{query}"
CELL1_TRANSPORT = "{scheme}://{username}:{password}@{hostname}:{port}/{path}"


@dataclasses.dataclass(frozen=True)
class Service:
    """A service of the lab.

    ``command``, ``environment``, ``addresses``, ``configurations``, ``files`` and
    ``directories`` may hold ``{name}``, ``{layout.…}``, ``{port}`` (of the first
    listener), ``{binaries}`` and ``{owner}`` (of the hardware).

    :param name: of its supervisor program.
    :param ports: listener -> position in the lab's block of ports, for ever.
    :param addresses: what it listens on.
    :param wsgi: module of a WSGI application to run, instead of ``command``.
    :param stop_seconds: after the stop signal, before SIGKILL.
    :param signal_group: whether the stop signal goes to the children too.
    :param path: answers HTTP 200 to the admin's token once the service is ready.
    :param topic: on which it answers Nova's RPC ping once it is ready.
    :param databases: all of the MariaDB user ``owner``.
    :param schema: chains of commands that make the schemas; chains run side by side.
    :param package: whose version decides what the schemas look like, ``name`` if none.
    :param catalogue: type and path of its entry; its user in keystone is ``owner``.
    :param configurations: the phases' name -> file below the lab's ``etc``.
    :param files: others below ``etc``; ``.ini`` is copied from the package.
    :param directories: below the lab's ``data``.
    :param light: of labs with light machines alone, or of all others alone.
    """

    name: str
    group: Group
    ports: Mapping[str, int] = dataclasses.field(default_factory=dict)
    addresses: tuple[str, ...] = (LOOPBACK,)
    command: tuple[str, ...] = ()
    wsgi: str = ""
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    stop_signal: str = "TERM"
    stop_seconds: int = 15
    signal_group: bool = False
    path: str = ""
    topic: str = ""
    databases: tuple[str, ...] = ()
    character_set: str = "utf8mb3"  # DevStack's.
    schema: tuple[tuple[str, ...], ...] = ()
    package: str = ""
    catalogue: tuple[str, str] | None = None
    roles: tuple[str, ...] = ("admin", "service")
    configurations: Mapping[str, str] = dataclasses.field(default_factory=dict)
    files: tuple[str, ...] = ()
    directories: tuple[str, ...] = ()
    light: bool | None = None

    @property
    def listener(self) -> str:
        """The name of its first listener, or an empty text."""
        return next(iter(self.ports), "")

    @property
    def owner(self) -> str:
        """Its user in MariaDB and, with a catalogue entry, in keystone."""
        return self.databases[0]


def _daemon(binary: str, *configurations: str) -> tuple[str, ...]:
    options = (("--config-file", "{layout.etc}/" + one) for one in configurations)
    return ("{binaries}/" + binary, *(word for option in options for word in option))


# The paste file first: the other order is a LookupError in the log alone.
_NOVA_API = "{layout.etc}/nova/api-paste.ini;{layout.etc}/nova/nova.conf"

#: In the order of their start.
SERVICES: tuple[Service, ...] = (
    Service("mariadb", "infrastructure", {"mariadb": 0}),
    Service(
        "epmd",
        "infrastructure",
        {"epmd": 2},
        command=("epmd", "-address", LOOPBACK, "-port", "{port}"),
    ),
    Service(
        "rabbitmq",
        "infrastructure",
        {"rabbitmq": 1, "rabbitmq-dist": 3},
        signal_group=True,
        files=("rabbitmq/rabbitmq.conf",),
    ),
    Service("libvirtd", "hardware", light=False),
    Service("vbmcd", "hardware", signal_group=True),
    Service(
        LIGHT_GUESTS,
        "hardware",
        command=(
            *("{binaries}/python", "-P", "-m", "ironic_sideways.hardware.light.guests"),
            *("{layout.machines}", "{layout.disks}", "{layout.guests}"),
            *("{layout.tftp_boot}", "{layout.http_boot}"),
        ),
        light=True,
    ),
    Service(
        "dnsmasq",
        "hardware",
        command=(
            *("dnsmasq", "--keep-in-foreground", "--log-facility=-"),
            *("--user={owner}", "--conf-file={layout.etc}/dnsmasq/dnsmasq.conf"),
        ),
        files=("dnsmasq/dnsmasq.conf",),
    ),
    Service(
        "nginx",
        "hardware",
        {"http-boot": 11},
        addresses=(BRIDGE,),
        command=("nginx", "-e", "stderr", "-c", "{layout.etc}/nginx/nginx.conf"),
        stop_signal="QUIT",
        files=("nginx/nginx.conf",),
    ),
    Service(
        "heartbeat",
        "hardware",
        {"heartbeat": 10},
        addresses=(BRIDGE,),
        command=(
            *("{binaries}/ironic-sideways", "heartbeat-collector"),
            *("--listen", BRIDGE, "--port", "{port}"),
            *("--output", "{layout.evidence}/heartbeat.jsonl"),
        ),
    ),
    Service(
        "keystone",
        "api",
        {"keystone": 4},
        wsgi="keystone.wsgi.api",
        environment={"OS_KEYSTONE_CONFIG_DIR": "{layout.etc}/keystone"},
        databases=("keystone",),
        schema=(("keystone-manage db_sync",),),
        configurations={"keystone": "keystone/keystone.conf"},
    ),
    Service(
        "placement",
        "api",
        {"placement": 6},
        wsgi="placement.wsgi.api",
        environment={"OS_PLACEMENT_CONFIG_DIR": "{layout.etc}/placement"},
        path="/resource_providers",
        databases=("placement",),
        schema=(("placement-manage db sync",),),
        package="openstack-placement",
        catalogue=("placement", ""),
        configurations={"placement": "placement/placement.conf"},
    ),
    Service(
        "glance",
        "api",
        {"glance": 5},
        wsgi="glance.wsgi.api",
        environment={"OS_GLANCE_CONFIG_DIR": "{layout.etc}/glance"},
        path="/v2/images?limit=1",
        databases=("glance",),
        schema=(("glance-manage db_sync",),),
        catalogue=("image", ""),
        configurations={"glance": "glance/glance-api.conf"},
        files=("glance/glance-api-paste.ini",),
        directories=("glance/images", "glance/staging", "glance/tasks"),
    ),
    Service(
        "neutron",
        "api",
        {"neutron": 7},
        wsgi="neutron.wsgi.api",
        environment={"OS_NEUTRON_CONFIG_FILES": "{layout.etc}/neutron/neutron.conf"},
        path="/v2.0/networks",
        databases=("neutron",),
        schema=(("neutron-db-manage upgrade head",),),
        catalogue=("network", ""),
        configurations={"neutron": "neutron/neutron.conf"},
        files=("neutron/api-paste.ini",),
        directories=("neutron",),
    ),
    Service(
        "nova-conductor",
        "bus",
        command=_daemon("nova-conductor", "nova/nova.conf"),
        topic="conductor",
    ),
    Service(
        "nova-scheduler",
        "bus",
        command=_daemon("nova-scheduler", "nova/nova.conf"),
        topic="scheduler",
    ),
    Service(
        "nova-api",
        "bus",
        {"nova-api": 8},
        wsgi="nova.wsgi.osapi_compute",
        environment={"OS_NOVA_CONFIG_FILES": _NOVA_API},
        path="/v2.1/servers?limit=1",
        databases=("nova", "nova_api", "nova_cell0"),
        schema=(
            (
                "nova-manage api_db sync",
                f"nova-manage cell_v2 map_cell0 --database_connection {CELL0}",
                "nova-manage cell_v2 create_cell --name cell1 "
                f"--database_connection {CELL1} --transport-url {CELL1_TRANSPORT}",
            ),
            ("nova-manage db sync --local_cell",),
        ),
        package="nova",
        catalogue=("compute", "/v2.1"),
        configurations={
            "nova": "nova/nova.conf",
            "nova-api-paste": "nova/api-paste.ini",
        },
        directories=("nova",),
    ),
    Service(
        "nova-compute",
        "compute",
        command=_daemon("ironic-sideways-compute", "{name}/nova.conf"),
        # Its graceful stop takes 11 s; a hanging one is cut off.
        stop_seconds=30,
        topic="compute",
        databases=("nova_bm",),
        # Of the 2014 upgrade job.
        character_set="latin1",
        configurations={"{name}": "{name}/nova.conf"},
        directories=("{name}",),
    ),
    Service(
        SIBLING,
        "on demand",
        command=_daemon(
            "ironic-sideways-compute", "nova-compute/nova.conf", "{name}/nova.conf"
        ),
        stop_seconds=30,
        topic="compute",
        files=("{name}/nova.conf",),
        directories=("{name}",),
    ),
    Service(
        CONDUCTOR,
        "ironic",
        command=_daemon("ironic-conductor", "ironic/ironic.conf"),
        stop_seconds=30,
    ),
    Service(
        "ironic-api",
        "ironic",
        {"ironic": 9},
        # The deploy ramdisk calls back from the bridge.
        addresses=(LOOPBACK, BRIDGE),
        wsgi="ironic.wsgi.api",
        environment={"IRONIC_CONFIG_FILE": "{layout.etc}/ironic/ironic.conf"},
        path="/v1/nodes?limit=1",
        databases=("ironic",),
        # `ironic-status upgrade check` warns of any other.
        character_set="utf8mb4",
        catalogue=("baremetal", ""),
        configurations={"ironic": "ironic/ironic.conf"},
        directories=(
            *("ironic", "ironic/tftp", "ironic/tftp-master"),
            *("ironic/images", "ironic/master-images"),
        ),
    ),
    Service(
        SECOND_CONDUCTOR,
        "on demand",
        command=_daemon("ironic-conductor", "ironic/ironic.conf", "{name}/ironic.conf"),
        stop_seconds=30,
        files=("{name}/ironic.conf",),
        directories=(
            *("{name}", "{name}/tftp", "{name}/tftp-master"),
            *("{name}/images", "{name}/master-images"),
        ),
    ),
    Service(
        "nova-metadata",
        "on demand",
        {"nova-metadata": 12},
        # Instances ask it from the bridge; it knows them by their addresses.
        addresses=(BRIDGE,),
        wsgi="nova.wsgi.metadata",
        environment={"OS_NOVA_CONFIG_FILES": _NOVA_API},
    ),
    Service(
        PROBER,
        "on demand",
        command=(
            *("{binaries}/ironic-sideways", "prober", "--os-cloud", "demo"),
            *("--evidence", "{layout.evidence}"),
        ),
        environment={
            "OS_CLIENT_CONFIG_FILE": "{layout.etc}/clouds.yaml",
            # A proxy reaches others than this host.
            "no_proxy": "127.0.0.1",
        },
    ),
)


def listeners(*groups: Group) -> dict[str, int]:
    """Position in the lab's block of ports, by listener; of all groups if none."""
    rows = [row for row in SERVICES if not groups or row.group in groups]
    return {name: position for row in rows for name, position in row.ports.items()}


def names(group: Group) -> list[str]:
    """The services of a group, in the order of their start."""
    return [row.name for row in SERVICES if row.group == group]


def databases() -> dict[str, Service]:
    """The row of each database."""
    return {name: row for row in SERVICES for name in row.databases}


def users(*groups: Group) -> dict[str, Service]:
    """The row of each service user in keystone, of all groups if none."""
    rows = (row for row in SERVICES if row.catalogue)
    return {row.owner: row for row in rows if not groups or row.group in groups}
