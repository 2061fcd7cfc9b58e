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

import os
import subprocess
from pathlib import Path

from ironic_sideways.evidence import leases

SCRIPT = Path(leases.__file__).parents[1] / "lab" / "lease_event.sh"
MAC, IP = "52:54:00:00:00:01", "172.30.0.10"


def lease(time: float, expires: float, event: str = "old") -> leases.Lease:
    return leases.Lease(time, event, MAC, IP, expires)


def test_a_lease_with_a_later_expiry_was_renewed():
    found = [lease(0, 120, "add"), lease(60, 180)]

    assert leases.renewed(found, MAC, 50, 70) == IP


def test_a_lease_that_is_only_told_again_was_not_renewed():
    found = [lease(0, 120, "add"), lease(60, 120)]

    assert leases.renewed(found, MAC, 50, 70) is None


def test_a_renewal_outside_the_time_asked_for_does_not_count():
    found = [lease(0, 120, "add"), lease(60, 180)]

    assert leases.renewed(found, MAC, 61, 70) is None


def test_a_lease_of_another_machine_does_not_count():
    found = [lease(0, 120, "add"), lease(60, 180)]

    assert leases.renewed(found, "52:54:00:00:00:02", 50, 70) is None


def test_what_dnsmasq_says_is_read_as_it_was_written(tmp_path):
    (tmp_path / "evidence").mkdir()
    subprocess.run(
        [str(SCRIPT), "old", MAC, IP, "a-host-name"],
        env={
            "PATH": os.environ["PATH"],
            "IRONIC_SIDEWAYS_LAB": str(tmp_path),
            "DNSMASQ_LEASE_EXPIRES": "180",
        },
        check=True,
        timeout=30,
    )

    (found,) = leases.read(tmp_path / "evidence" / "leases.jsonl")

    assert (found.event, found.mac, found.ip, found.expires) == ("old", MAC, IP, 180)
