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

import os
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
    patcher = sys.modules.get("eventlet.patcher")
    threads = not (patcher and patcher.is_monkey_patched("thread"))
    print(os.path.basename(sys.argv[0]), config.CONF.host, threads)
compute.main = report
sys.argv = ["/usr/bin/ironic-sideways-compute"]
from ironic_sideways.cmd.compute import main
main()
"""


#: Nova's own choice, which differs by release: eventlet in 2026.1, threads since.
STOCK = """
import sys
from nova.cmd import compute
patcher = sys.modules.get("eventlet.patcher")
print(not (patcher and patcher.is_monkey_patched("thread")))
"""


def test_nova_reads_the_configuration_that_nova_compute_reads(tmp_path: Path) -> None:
    """A process of its own: the launcher chooses Nova's concurrency on import."""
    for name, host in (("nova", "one"), ("nova-compute", "two")):
        (tmp_path / f"{name}.conf").write_text(f"[DEFAULT]\nhost = {host}\n")
    seen = output(PROBE, str(tmp_path))
    assert seen.split() == ["nova-compute", "two", output(STOCK).strip()]


def output(program: str, *words: str) -> str:
    """What a Python program prints."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *words],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


#: nova-compute as far as its imports, by its own script and by ours.
IMPORTS = {
    "stock": "from nova.cmd import compute; compute.main = print",
    "ours": "from ironic_sideways.cmd.compute import main",
}


def test_n8_under_eventlet_nova_warns_of_no_more_than_stock(tmp_path: Path) -> None:
    (tmp_path / "nova.conf").write_text("[DEFAULT]\nconcurrency_backend = eventlet\n")
    words = ["--config-file", str(tmp_path / "nova.conf")]
    said = {}
    for name, imports in IMPORTS.items():
        program = (
            f"{imports}\nimport sys\nif {name == 'ours'}:\n"
            "    from ironic_sideways.compute import launcher\n"
            "    from nova.cmd import compute\n"
            "    compute.main = print\n"
            "    launcher.main()\n"
            "from eventlet import patcher\n"
            "assert patcher.is_monkey_patched('thread')\n"
        )
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program, *words],
            capture_output=True,
            text=True,
            env={**os.environ, "OS_NOVA_DISABLE_EVENTLET_PATCHING": ""},
        )
        assert done.returncode == 0, done.stderr
        said[name] = done.stderr
    assert said["ours"] == said["stock"]
