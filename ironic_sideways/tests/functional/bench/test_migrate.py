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

"""The benchmark itself: small, but with every contender."""

import json
import subprocess
import sys


def test_its_last_line_compares_the_load_with_every_contender() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "ironic_sideways.tests.bench.migrate"),
            *("--nodes", "20", "--repetitions", "1"),
            *("--rest-nodes", "2", "--no-growth"),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    ratios = ("load_over_bare_insert", "orm2014_over_load", "rest_over_load")
    assert all(found[name] > 0 for name in (*ratios, "peak_mb"))
    assert set(found["seconds"]) == {"run", "check", "verify", "rollback"}
