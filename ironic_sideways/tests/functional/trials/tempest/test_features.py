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

import subprocess
import sys

from ironic_sideways.trials.tempest import features

#: In a process of its own: its configuration does not go with Nova's.
ASK = """
import ironic.conf
from ironic.drivers import ipmi
for found in ipmi.IPMIHardware().supported_console_interfaces:
    print(found.__name__)
"""


def test_a_bmc_that_speaks_ipmi_has_no_graphical_console_but_a_fake_one():
    done = subprocess.run(
        [sys.executable, "-c", ASK], capture_output=True, text=True, check=True
    )

    assert "vnc_console" in features.MISSING
    assert set(done.stdout.split()) == {
        "IPMISocatConsole",
        "NoConsole",
        "FakeGraphicalConsole",
    }
