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

"""The lab's RabbitMQ beside the host's own."""

from pathlib import Path

import pytest

from ironic_sideways.lab import rabbitmq
from ironic_sideways.lab.layout import Layout


@pytest.mark.parametrize(
    "name",
    [
        "HOME",
        # rabbit_env(3.10): what is not set is looked for below /etc/rabbitmq,
        # /var/lib/rabbitmq and /var/log/rabbitmq.
        "RABBITMQ_ADVANCED_CONFIG_FILE",
        "RABBITMQ_CONFIG_FILE",
        "RABBITMQ_CONFIG_FILES",
        "RABBITMQ_CONF_ENV_FILE",
        "RABBITMQ_ENABLED_PLUGINS_FILE",
        "RABBITMQ_LOG_BASE",
        "RABBITMQ_MNESIA_BASE",
        "RABBITMQ_PID_FILE",
    ],
)
def test_each_of_its_places_is_below_the_lab(name: str) -> None:
    layout = Layout(Path("/srv/lab"), 3)

    assert Path(rabbitmq.environment(layout)[name]).is_relative_to(layout.directory)
