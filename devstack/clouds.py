#!/usr/bin/env python3
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

"""Write a clouds.yaml with DevStack's clouds, and those that the phases name.

The phases say admin, system, demo and service on every deployment. Placement
lets nobody but the role "service" reshape, which Nova's user has.

Usage: SERVICE_PASSWORD=... clouds.py DEVSTACKS_CLOUDS_YAML OUTPUT
"""

import copy
import os
import sys
from pathlib import Path
from typing import Any

import yaml

#: Name of the phases -> name of DevStack.
SAME = {
    "admin": "devstack-admin",
    "system": "devstack-system-admin",
    "demo": "devstack",
}
#: Seconds for one call, also by the openstack command.
API_TIMEOUT = 120


def with_phases_names(clouds: dict[str, Any], password: str) -> dict[str, Any]:
    """DevStack's clouds and ours.

    :param password: of the service users.
    :raises KeyError: DevStack has not one of its own clouds.
    """
    found = dict(clouds)
    for ours, devstacks in SAME.items():
        found[ours] = copy.deepcopy(clouds[devstacks]) | {"api_timeout": API_TIMEOUT}
    found["service"] = copy.deepcopy(found["admin"])
    found["service"]["auth"] |= {
        "username": "nova",
        "password": password,
        "project_name": "service",
        "project_domain_id": "default",
    }
    return found


def main() -> int:
    """Read, add, write; returns the exit code."""
    source, target = map(Path, sys.argv[1:])
    clouds = yaml.safe_load(source.read_text())["clouds"]
    try:
        found = with_phases_names(clouds, os.environ["SERVICE_PASSWORD"])
    except KeyError as error:
        print(f"clouds.py: {source}: expected {error} of DevStack", file=sys.stderr)
        return 1
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        yaml.safe_dump({"clouds": found}, stream, sort_keys=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
