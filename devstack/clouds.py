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

"""Write a clouds.yaml with DevStack's clouds and those that the phases use.

The phases use admin, system, demo and service on every deployment. Placement
allows a reshape only with the role "service", which Nova's user has.

Usage: SERVICE_PASSWORD=... clouds.py DEVSTACKS_CLOUDS_YAML OUTPUT
"""

import copy
import os
import sys
from pathlib import Path
from typing import Any

import yaml

#: The name that the phases use -> DevStack's name.
SAME = {
    "admin": "devstack-admin",
    "system": "devstack-system-admin",
    "demo": "devstack",
}
#: Seconds for one API call, also by the openstack command.
API_TIMEOUT = 120


def with_phases_names(clouds: dict[str, Any], password: str) -> dict[str, Any]:
    """DevStack's clouds and ours.

    :param password: that of the service users.
    :raises KeyError: DevStack's file lacks one of its own clouds.
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
    """Write the file; returns the exit code."""
    source, target = map(Path, sys.argv[1:])
    clouds = yaml.safe_load(source.read_text())["clouds"]
    try:
        found = with_phases_names(clouds, os.environ["SERVICE_PASSWORD"])
    except KeyError as error:
        print(f"clouds.py: {source}: expected DevStack's {error}", file=sys.stderr)
        return 1
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        yaml.safe_dump({"clouds": found}, stream, sort_keys=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
