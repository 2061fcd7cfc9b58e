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

"""``leases.jsonl``: each DHCP lease when it was given, renewed or released.

A survivor keeps its address only if its lease is renewed, in the window and
after it, by the same DHCP server that Neutron feeds.
"""

import dataclasses
from pathlib import Path

from ironic_sideways.evidence import documents


@dataclasses.dataclass(frozen=True)
class Lease:
    """One event: seconds since the epoch, and what dnsmasq said.

    :param event: "add", "old" (known or renewed) or "del".
    :param expires: when the lease ends, seconds since the epoch.
    """

    time: float
    event: str
    mac: str
    ip: str
    expires: float


def read(path: Path) -> list[Lease]:
    """All events of ``path``, in order of time.

    :raises EvidenceAbsent: there is no such evidence.
    :raises EvidenceMalformed: a line is not a JSON object.
    :raises TypeError: a line is another object.
    """
    return [Lease(**row) for row in documents.read_lines(path)]


def renewed(leases: list[Lease], mac: str, begin: float, end: float) -> str | None:
    """The IP that ``mac`` renewed between ``begin`` and ``end``; None if none.

    A repetition of what is known has the same expiry, and is not a renewal.
    """
    known = 0.0
    for lease in leases:
        if lease.mac != mac or lease.event == "del":
            continue
        if (
            begin <= lease.time <= end
            and lease.event == "old"
            and lease.expires > known
        ):
            return lease.ip
        known = max(known, lease.expires)
    return None
