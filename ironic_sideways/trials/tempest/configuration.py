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
from collections.abc import Iterable
from pathlib import Path

from openstack.connection import Connection

from ironic_sideways import whole_file
from ironic_sideways.trials.tempest import features

Options = dict[str, dict[str, str]]


#: Seconds for whatever waits for a machine: TCG on a busy host is slow.
PATIENCE = "600"


def options(
    cloud: Connection,
    images: tuple[str, str],
    flavors: tuple[str, str],
    network: str,
    missing: Iterable[str],
    log_in: bool,
) -> Options:
    """Section -> option -> value; the administrator's password is among them.

    :param cloud: an admin, whose credentials Tempest makes its users with.
    :param images: two names; filters can only be tested with different ones.
    :param flavors: likewise.
    :param missing: features that are off; those that Tempest has off by default and
        that the cloud has are on.
    :param log_in: the images have an SSH server, and Ironic has the nodes.
    """
    auth = cloud.config.get_auth_args()
    image_ids = [cloud.image.find_image(name, False).id for name in images]
    flavor_ids = [cloud.compute.find_flavor(name, False).id for name in flavors]
    validated = str(log_in).lower()
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
            # DevStack's clouds.yaml leaves the version to discovery; Tempest does not.
            "uri_v3": auth["auth_url"].rstrip("/").removesuffix("/v3") + "/v3",
            "region": cloud.config.get_region_name("identity") or "RegionOne",
        },
        "compute": {
            "image_ref": image_ids[0],
            "image_ref_alt": image_ids[1],
            "flavor_ref": flavor_ids[0],
            "flavor_ref_alt": flavor_ids[1],
            "fixed_network_name": network,
            "build_timeout": PATIENCE,
            "build_interval": "2",
            "max_microversion": "latest",
        },
        "compute-feature-enabled": {
            **dict.fromkeys(features.PRESENT, "true"),
            **dict.fromkeys(missing, "false"),
        },
        # The machines are on a provider network, flat and without a router.
        "network": {"shared_physical_network": "true"},
        "network-feature-enabled": {"floating_ips": "false"},
        "validation": {
            "run_validation": validated,
            "connect_method": "fixed",
            "network_for_ssh": network,
            "image_ssh_user": "root",
            "image_alt_ssh_user": "root",
            "ping_timeout": PATIENCE,
            "ssh_timeout": PATIENCE,
        },
        "service_available": {
            "cinder": "false",
            "glance": "true",
            "horizon": "false",
            "ironic": validated,
            "neutron": "true",
            "nova": "true",
            "swift": "false",
        },
        "baremetal": {
            "driver": "ipmi",
            "min_microversion": "1.1",
            "max_microversion": "latest",
            # Kernel and ramdisk are what the plugin calls a partition image.
            "partition_image_ref": image_ids[0],
            "default_boot_option": "netboot",
            **dict.fromkeys(
                (
                    "association_timeout",
                    "deploywait_timeout",
                    "active_timeout",
                    "power_timeout",
                    "unprovision_timeout",
                ),
                PATIENCE,
            ),
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
    with whole_file.replacing(path, 0o600) as file:
        parser.write(file)
    return path
