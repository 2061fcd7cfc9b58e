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

"""What ironic-sideways-compute hands on to Nova, in a process of its own."""

import subprocess
import sys
from pathlib import Path

#: Runs the console script with nova.cmd.compute.main() replaced by one that reads
#: the configuration alone; argument: the directory that stands for /etc/nova.
PROBE = """
import os, sys
from oslo_config import cfg
directory = sys.argv.pop()
cfg._get_config_dirs = lambda project=None: [directory]
from nova.cmd import compute
from nova import config
def report() -> None:
    config.parse_args(sys.argv, configure_db=False, init_rpc=False)
    threads = "eventlet" not in sys.modules
    print(os.path.basename(sys.argv[0]), config.CONF.host, threads)
compute.main = report
sys.argv = ["/usr/bin/ironic-sideways-compute"]
from ironic_sideways.cmd.compute import main
main()
"""


def test_nova_reads_the_configuration_that_nova_compute_reads(tmp_path: Path) -> None:
    """A process of its own: the launcher chooses Nova's concurrency on import."""
    for name, host in (("nova", "one"), ("nova-compute", "two")):
        (tmp_path / f"{name}.conf").write_text(f"[DEFAULT]\nhost = {host}\n")
    seen = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROBE, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert seen.split() == ["nova-compute", "two", "True"]
