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

"""tempest.conf for a cloud whose instances are bare-metal nodes of the lab."""

import configparser
import os
from pathlib import Path

from openstack.connection import Connection

#: What bare metal under Ironic does not have; the list is DevStack's for
#: VIRT_DRIVER=ironic (lib/tempest), and no test is turned off beyond it.
MISSING_FEATURES = (
    "change_password",
    "cold_migration",
    "console_output",
    "interface_attach",
    "live_migration",
    "pause",
    "personality",
    "rescue",
    "resize",
    "shelve",
    "snapshot",
    "suspend",
    "swap_volume",
    "vnc_console",
)

Options = dict[str, dict[str, str]]


def options(
    cloud: Connection, images: tuple[str, str], flavors: tuple[str, str], network: str
) -> Options:
    """Section -> option -> value; the administrator's password is among them.

    :param cloud: an admin, whose credentials Tempest makes its users with.
    :param images: two names; filters can only be tested with different ones.
    :param flavors: likewise.
    """
    auth = cloud.config.get_auth_args()
    image_ids = [cloud.image.find_image(name, False).id for name in images]
    flavor_ids = [cloud.compute.find_flavor(name, False).id for name in flavors]
    return {
        "auth": {
            "use_dynamic_credentials": "true",
            "create_isolated_networks": "false",
            "admin_username": auth["username"],
            "admin_password": auth["password"],
            "admin_project_name": auth["project_name"],
            "admin_domain_name": "Default",
        },
        "identity": {
            "auth_version": "v3",
            "uri_v3": auth["auth_url"],
            "region": cloud.config.get_region_name("identity") or "RegionOne",
        },
        "compute": {
            "image_ref": image_ids[0],
            "image_ref_alt": image_ids[1],
            "flavor_ref": flavor_ids[0],
            "flavor_ref_alt": flavor_ids[1],
            "fixed_network_name": network,
            "build_timeout": "300",
            "build_interval": "2",
            "max_microversion": "latest",
        },
        "compute-feature-enabled": dict.fromkeys(MISSING_FEATURES, "false"),
        # The guest has no SSH server: its heartbeat is the data plane's proof.
        "validation": {"run_validation": "false"},
        "service_available": {
            "cinder": "false",
            "glance": "true",
            "horizon": "false",
            "neutron": "true",
            "nova": "true",
            "swift": "false",
        },
    }


def write(directory: Path, values: Options) -> Path:
    """Write ``etc/tempest.conf`` below ``directory``, readable by root alone."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_dict(values)
    parser["DEFAULT"]["log_file"] = str(directory / "tempest.log")
    parser["oslo_concurrency"] = {"lock_path": str(directory / "locks")}
    path = directory / "etc" / "tempest.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    # `tempest init` has left one that all may read.
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        parser.write(file)
    return path
