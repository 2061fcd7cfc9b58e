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

"""What the window's policies cannot be made of; the rest is tried on real enforcers."""

from pathlib import Path

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import maintenance_policy


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "No such file"),
        ("a: [", "is no policy file"),
        ("# nothing\n", "has no rule create_port:device_id, delete_port"),
        ('"os_compute_api:servers:update": ""\n', "--namespace neutron"),
    ],
)
def test_s2_another_file_than_neutrons_rules_is_refused(
    tmp_path: Path, content: str | None, says: str
) -> None:
    path = tmp_path / "rules.yaml"
    if content is not None:
        path.write_text(content)

    with pytest.raises(exceptions.UsageError, match=says) as refused:
        maintenance_policy.read(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("host", ["a|b", "", "(x)", "a b"])
def test_s2_a_host_that_a_check_cannot_name_is_refused(host: str) -> None:
    with pytest.raises(exceptions.UsageError, match="binding:host_id"):
        maintenance_policy.neutron({}, [host], [])


#: Of each rule, what the guide's letter to the users says of it.
LETTER = {
    "os_compute_api:os-lock-server:unlock": "an unlock",
    "os_compute_api:servers:create_image": "a snapshot (createImage)",
    "os_compute_api:os-create-backup": "or backup of a server",
    "os_compute_api:servers:update": "a change of its name, description",
    "os_compute_api:os-server-tags:update": "tags",
    "os_compute_api:os-server-tags:update_all": "tags",
    "os_compute_api:os-server-tags:delete": "tags",
    "os_compute_api:os-server-tags:delete_all": "tags",
    "os_compute_api:os-server-shares:create": "or shares",
    "os_compute_api:os-server-shares:delete": "or shares",
    "update_port:mac_address": "a port's MAC address",
    "update_port:device_id": "device",
    "update_port:device_owner": "device",
    "update_port:fixed_ips": "fixed IPs",
    "update_port:allowed_address_pairs": "allowed address pairs",
    "update_port:binding:vnic_type": "vnic_type",
    "delete_port": "delete its ports",
    "create_port:device_id": "or create another for it",
}


def test_s2_the_letter_to_the_users_says_all_that_is_refused() -> None:
    guide = (Path(__file__).parents[4] / "doc/source/admin/upgrade.rst").read_text()
    _, found = guide.split("An announcement to the users:\n\n")
    letter = " ".join(found.split("\n\n")[0].split())
    forbidden = (
        *maintenance_policy.NOVA_FORBIDDEN,
        *maintenance_policy.NEUTRON_FORBIDDEN,
        *maintenance_policy.NEUTRON_NARROWED,
    )
    assert set(LETTER) == set(forbidden)
    assert [rule for rule in forbidden if LETTER[rule] not in letter] == []
    # By the lock.
    for word in ("create, reboot, stop, start, rebuild or delete", "metadata or inter"):
        assert word in letter
