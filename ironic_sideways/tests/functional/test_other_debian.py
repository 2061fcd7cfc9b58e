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

"""The other supported Debian release: its host is prepared, its Python has it all.

Needs root; a minute or two. The main job there is a part of run_tests.sh --soak.
"""

import os
import platform
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a chroot needs root")

REPOSITORY = Path(__file__).parents[3]
TIMEOUT_S = 1800
#: What is compiled here, and what each service starts with.
MODULES = (
    *("libvirt", "pyuwsgi", "psutil", "greenlet", "virtualbmc.manager"),
    *("keystone.server.wsgi", "glance.common.wsgi_app", "placement.deploy"),
    *("neutron.server", "nova.cmd.compute", "ironic.conductor.manager"),
    *("supervisor.supervisord", "tempest.cmd.run", "ironic_sideways.cmd.main"),
)
STEPS = f"""
set -o errexit
. /etc/os-release
tools/prepare_host.sh
for module in {" ".join(MODULES)}; do
    .venv/bin/python -W ignore -c "import $module"
done
echo "imported on $VERSION_CODENAME by libvirt $(pkg-config --modversion libvirt)"
echo "again:"
tools/prepare_host.sh
"""


def test_the_host_is_prepared_and_imports_what_was_installed(tmp_path: Path) -> None:
    codename = platform.freedesktop_os_release()["VERSION_CODENAME"]
    done = subprocess.run(
        [REPOSITORY / "tools/other_debian.sh", tmp_path / "root", "bash", "-c", STEPS],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
    )

    assert done.returncode == 0, done.stdout
    expected = {"bookworm": "trixie by libvirt 11.", "trixie": "bookworm by libvirt 9."}
    assert f"\nimported on {expected[codename]}" in done.stdout
    # A second run installs nothing.
    assert done.stdout.endswith("\nagain:\n")
