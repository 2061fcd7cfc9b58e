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

"""The table of supported interfaces, held against the installed Ironic."""

import json
import subprocess
import sys

from ironic_sideways.migrate import interfaces, mapping


def test_what_is_supported_is_what_the_installed_ironic_supports() -> None:
    """In a process of its own, for Ironic's drivers need oslo.config's global."""
    program = """
import json, sys
from importlib import metadata
from ironic.drivers import ipmi
found = {}
for kind in sys.argv[1:]:
    points = metadata.entry_points(group=f"ironic.hardware.interfaces.{kind}")
    classes = getattr(ipmi.IPMIHardware(), f"supported_{kind}_interfaces")
    found[kind] = sorted(p.name for p in points if p.load() in classes)
print(json.dumps(found))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *interfaces.SUPPORTED],
        capture_output=True,
        text=True,
        check=True,
    )
    installed = json.loads(done.stdout)
    assert mapping.PLAIN_INTERFACES.keys() == interfaces.SUPPORTED.keys()
    for kind, names in interfaces.SUPPORTED.items():
        assert set(names) <= set(installed[kind])
        assert mapping.PLAIN_INTERFACES[kind] in names
