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

"""What an operator creates first in the lab's cloud: users, catalogue, network."""

import openstack
import yaml
from openstack.connection import Connection

from ironic_sideways import commands, exceptions
from ironic_sideways.lab import databases, files, passwords, service_table
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.programs import BINARIES

NETWORK = "provisioning"
PHYSICAL_NETWORK = "lab"

OPENRC = """\
# Use the lab's cloud: `. {openrc}`, then `openstack server list`,
# `openstack --os-cloud demo ...`, `baremetal node list`.
export OS_CLIENT_CONFIG_FILE={clouds}
export OS_CLOUD=${{OS_CLOUD:-admin}}
# `baremetal` would else look for a token of its own, and find none.
export OS_AUTH_TYPE=password
export IRONIC_SIDEWAYS_LAB={directory}
export no_proxy=127.0.0.1${{no_proxy:+,$no_proxy}}
export PATH={binaries}:$PATH
"""


def write_client_files(layout: Layout) -> None:
    """Write clouds.yaml and openrc."""
    secrets = passwords.load(layout)

    def cloud(user: str, **scope: str) -> dict[str, object]:
        return {
            # Seconds for one call, also by the openstack command.
            "api_timeout": 120,
            "auth_type": "password",
            "auth": {
                "auth_url": layout.url("keystone") + "/v3",
                "username": user,
                "password": secrets[f"user-{user}"],
                "user_domain_id": "default",
                **scope,
            },
            "region_name": "RegionOne",
            "identity_api_version": 3,
        }

    def project(name: str) -> dict[str, str]:
        return {"project_name": name, "project_domain_id": "default"}

    clouds = {
        "admin": cloud("admin", **project("admin")),
        "system": cloud("admin", system_scope="all"),
        "demo": cloud("demo", **project("demo")),
        "service": cloud("nova", **project("service")),
    }
    path = layout.etc / "clouds.yaml"
    files.write_private(path, yaml.safe_dump({"clouds": clouds}, sort_keys=False))
    openrc = layout.directory / "openrc"
    files.write_private(
        openrc,
        OPENRC.format(
            openrc=openrc, clouds=path, directory=layout.directory, binaries=BINARIES
        ),
    )


def is_bootstrapped(layout: Layout) -> bool:
    """Whether keystone has an endpoint, the last thing that bootstrap makes."""
    with databases.connect(layout) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM keystone.endpoint")
        return cursor.fetchall() != ((0,),)


def bootstrap(layout: Layout, environment: dict[str, str]) -> None:
    """Make keystone's first user, roles and endpoint; safe to do again.

    :param environment: of the services; the password is added to it.
    :raises SidewaysError: keystone-manage failed; shows the end of its output.
    """
    url = layout.url("keystone") + "/v3"
    command = [
        str(BINARIES / "keystone-manage"),
        *("--config-file", str(layout.etc / "keystone" / "keystone.conf")),
        *("bootstrap", "--bootstrap-region-id", "RegionOne"),
        *("--bootstrap-public-url", url, "--bootstrap-internal-url", url),
    ]
    password = passwords.load(layout)["user-admin"]
    done = commands.run(
        command,
        env={**environment, "OS_BOOTSTRAP_PASSWORD": password},
        timeout=120,
    )
    if done.returncode:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
        raise exceptions.SidewaysError(f"keystone-manage bootstrap failed:\n{last}")


def write_keystone_keys(layout: Layout) -> None:
    """Write keystone's key repositories, as its ``fernet_setup`` does."""
    from cryptography.fernet import Fernet

    for name in ("fernet-keys", "receipt-keys", "credential-keys"):
        repository = layout.etc / "keystone" / name
        if repository.exists():
            continue
        files.make_private_directory(repository)
        # 0 is the staged key, the highest number the primary one.
        for index in ("0", "1"):
            files.write_private(repository / index, Fernet.generate_key().decode())


def connect(layout: Layout, cloud: str = "admin") -> Connection:
    """A connection by the lab's clouds.yaml."""
    config = openstack.config.OpenStackConfig(
        config_files=[str(layout.etc / "clouds.yaml")],
        load_envvars=False,
    )
    return Connection(config=config.get_one(cloud))


def register(connection: Connection, layout: Layout, service: str) -> None:
    """Make a service's user, roles and catalogue entry; safe to do again."""
    identity = connection.identity
    project = identity.find_project("service", ignore_missing=False)
    user = _user(connection, layout, service, project.id)
    row = service_table.users()[service]
    for role in row.roles:
        _assign(connection, project.id, user, role)
    assert row.catalogue
    kind, path = row.catalogue
    entry = next(iter(identity.services(type=kind, name=service)), None)
    if entry is None:
        entry = identity.create_service(type=kind, name=service)
    if not next(iter(identity.endpoints(service_id=entry.id)), None):
        identity.create_endpoint(
            service_id=entry.id,
            interface="public",
            region_id="RegionOne",
            url=layout.url(row.listener) + path,
        )


def _user(connection: Connection, layout: Layout, name: str, project: str) -> str:
    password = passwords.load(layout)[f"user-{name}"]
    user = connection.identity.find_user(name)
    if user is None:
        user = connection.identity.create_user(
            name=name,
            password=password,
            default_project_id=project,
            domain_id="default",
        )
    return str(user.id)


def _assign(connection: Connection, project: str, user: str, role_name: str) -> None:
    identity = connection.identity
    role = identity.find_role(role_name, ignore_missing=False)
    identity.assign_project_role_to_user(project, user, role)


def create_projects(connection: Connection, layout: Layout) -> None:
    """Make the projects service and demo, and demo's user, who is no admin."""
    identity = connection.identity
    for name in ("service", "demo"):
        if identity.find_project(name) is None:
            identity.create_project(name=name, domain_id="default")
    demo = identity.find_project("demo", ignore_missing=False)
    user = _user(connection, layout, "demo", demo.id)
    _assign(connection, demo.id, user, "member")


def create_network(connection: Connection, layout: Layout) -> None:
    """Make the shared flat network that the machines are on; safe to do again."""
    network = connection.network.find_network(NETWORK)
    if network is None:
        network = connection.network.create_network(
            name=NETWORK,
            provider_network_type="flat",
            provider_physical_network=PHYSICAL_NETWORK,
            is_shared=True,
        )
    if connection.network.find_subnet(NETWORK) is None:
        connection.network.create_subnet(
            name=NETWORK,
            network_id=network.id,
            ip_version=4,
            cidr=str(layout.network),
            gateway_ip=layout.gateway,
            # The lab's own dnsmasq answers, not an agent of Neutron's.
            enable_dhcp=False,
            allocation_pools=[dict(zip(("start", "end"), layout.pool, strict=True))],
        )
