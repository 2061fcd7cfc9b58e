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

"""The lab's passwords: random for each lab, in one file that only root reads."""

import json
import secrets

from ironic_sideways import exceptions
from ironic_sideways.lab import files, service_table
from ironic_sideways.lab.layout import Layout


def names() -> list[str]:
    """What has a password: databases' owners, keystone's users, RabbitMQ."""
    owners = {row.owner for row in service_table.databases().values()}
    users = ("admin", "demo", *service_table.users())
    return [
        *(f"database-{name}" for name in sorted(owners)),
        *(f"user-{name}" for name in users),
        *("rabbitmq", "erlang-cookie"),
    ]


def load(layout: Layout) -> dict[str, str]:
    """The lab's passwords by name, made at the first call.

    :raises SidewaysError: when the file is there and lacks a password.
    """
    try:
        known = json.loads(layout.secrets.read_text())
    except FileNotFoundError:
        # Letters and digits only: they stand in URLs, ini files and SQL.
        known = {name: secrets.token_hex(16) for name in names()}
        files.make_private_directory(layout.etc)
        files.write_private(layout.secrets, json.dumps(known, indent=2) + "\n")
    missing = sorted(set(names()) - set(known))
    if missing:
        raise exceptions.SidewaysError(
            f"{layout.secrets}: no password for {', '.join(missing)}; the lab is of "
            f"another version: `ironic-sideways lab down`, then remove it"
        )
    return {name: str(value) for name, value in known.items()}
