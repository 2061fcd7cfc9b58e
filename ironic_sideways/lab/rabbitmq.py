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

"""The lab's RabbitMQ and its epmd, apart from the host's own.

Run directly, without the distribution's wrapper, which would become the user
``rabbitmq`` and use the host's fixed places.
"""

from ironic_sideways.lab import files, passwords
from ironic_sideways.lab.layout import Layout

SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"


def prepare(layout: Layout) -> None:
    """Make RabbitMQ's own directories and its cookie."""
    home = layout.data / "rabbitmq"
    files.make_private_directory(home)
    cookie = home / ".erlang.cookie"
    if not cookie.exists():
        files.write_private(cookie, passwords.load(layout)["erlang-cookie"])
        cookie.chmod(0o400)
    files.write_private(layout.etc / "rabbitmq" / "enabled_plugins", "[].\n")
    files.write_private(layout.etc / "rabbitmq" / "rabbitmq-env.conf", "")


def url(layout: Layout) -> str:
    """oslo.messaging's ``transport_url``."""
    password = passwords.load(layout)["rabbitmq"]
    return f"rabbit://openstack:{password}@127.0.0.1:{layout.port('rabbitmq')}/"


def environment(layout: Layout) -> dict[str, str]:
    """What makes a RabbitMQ of our own: node name, places, ports."""
    home = layout.data / "rabbitmq"
    etc = layout.etc / "rabbitmq"
    return {
        "HOME": str(home),
        "RABBITMQ_NODENAME": f"{layout.bridge}@localhost",
        "RABBITMQ_CONFIG_FILE": str(etc / "rabbitmq.conf"),
        # Of a host that has its own RabbitMQ, they would be read too; there are none.
        "RABBITMQ_CONFIG_FILES": str(etc / "conf.d" / "*.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(etc / "advanced.config"),
        "RABBITMQ_CONF_ENV_FILE": str(etc / "rabbitmq-env.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(etc / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home / "log"),
        "RABBITMQ_PID_FILE": str(layout.run / "rabbitmq.pid"),
        "RABBITMQ_DIST_PORT": str(layout.port("rabbitmq-dist")),
        # One scheduler thread: the lab's machine is small.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none"
        ),
        "ERL_EPMD_PORT": str(layout.port("epmd")),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
