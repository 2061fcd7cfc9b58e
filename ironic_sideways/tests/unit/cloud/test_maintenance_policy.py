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
