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

"""Print the package's requirements without Ironic, which the base does not have yet.

DevStack installs them with the release's own constraints. Ironic itself is installed
from its repository, on the target side.

Usage: requirements.py PYPROJECT_TOML
"""

import re
import sys
import tomllib
from pathlib import Path


def wanted(pyproject: Path) -> list[str]:
    """The requirements of the package in ``pyproject``, without Ironic's."""
    project = tomllib.loads(pyproject.read_text())["project"]
    return [
        line
        for line in project["dependencies"]
        if re.split(r"[^A-Za-z0-9._-]", line)[0] != "ironic"
    ]


if __name__ == "__main__":
    print("\n".join(wanted(Path(sys.argv[1]))))
