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

"""grenade/cloud.sh: what the phases ask the cloud."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[4] / "grenade" / "cloud.sh"


@pytest.mark.parametrize(
    ("listed", "taken"),
    [
        ("c890fbde-2b11-5b69-97a3-1b8b904176e2", True),
        ("", False),
        ("c890fbde-2b11-5b69-97a3-1b8b904176e2\n" * 2, False),
    ],
)
def test_s6_a_deploy_image_by_name_is_the_one_that_is_public(tmp_path, listed, taken):
    """Another project's of the same name was taken, or ended the window."""
    asked = tmp_path / "asked"
    script = f"""
    set -o errexit
    function openstack {{ echo "$*" >{asked}; printf '%s' "$LISTED"; }}
    source {SCRIPT}
    image_id ironic-deploy-kernel
    """

    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "LISTED": listed},
        capture_output=True,
        text=True,
        timeout=180,
    )

    assert "image list --public --name ironic-deploy-kernel" in asked.read_text()
    assert (done.returncode == 0) is taken
    assert done.stdout.strip() == (listed if taken else "")
    assert taken or "expected one that is public" in done.stderr
