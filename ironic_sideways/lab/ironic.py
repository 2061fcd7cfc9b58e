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

"""Ironic joins the lab: its database, user, catalogue entry and configuration."""

from ironic_sideways import commands, exceptions
from ironic_sideways.lab import (
    cloud,
    configuration,
    databases,
    files,
    option_file,
    service_table,
)
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.programs import BINARIES
from ironic_sideways.lab.record import LabRecord
from ironic_sideways.lab.supervision import ALIVE, Supervisor

#: For machines without a configuration of their own (boot.ipxe chains to it):
#: the first disk, and the firmware's next boot device if that fails.
FALLBACK_SCRIPT = "#!ipxe\nsanboot --no-describe --drive 0x80 || exit\n"

AGAIN = "give the same command again"

#: Tables whose rows come with the schema or with a conductor's start.
LEFT_BY_A_CONDUCTOR = frozenset(
    {"alembic_version", "conductors", "conductor_hardware_interfaces"}
)


def write_fallback_script(layout: Layout) -> None:
    """Write what boots a machine that Ironic has no configuration for."""
    files.write_public(layout.http_boot / "fallback.ipxe", FALLBACK_SCRIPT)


@exceptions.after_change(True, AGAIN)
def install(layout: Layout, record: LabRecord) -> None:
    """Write Ironic's configuration, make its user and catalogue entry.

    Each nova-compute's configuration gets the credentials for Ironic; which
    driver it runs stays as it is. Starts nothing; safe to do again.

    :raises FollowUpNeeded: it failed; some of it may be done.
    """
    configuration.write(layout, record, "ironic")
    for user in service_table.users("ironic"):
        cloud.register(cloud.connect(layout), layout, user)
    for service in layout.compute_services:
        compute = configuration.path_of(layout, service)
        for option, value in configuration.credentials(layout, "nova").items():
            option_file.set_option(compute, "ironic", option, value)


def create_database(layout: Layout) -> None:
    """Create Ironic's schema in its database, without a row of a node.

    An existing schema, such as one that a rolled-back move left, is recreated: it
    holds no rows.

    :raises SidewaysError: the database holds rows or is in use, or MariaDB is stopped.
    :raises FollowUpNeeded: the schema could not be made in the new database.
    """
    config = configuration.path_of(layout, "ironic")
    supervisor = Supervisor(layout)
    names = service_table.names("ironic")
    running = [name for name in names if supervisor.state(name).state in ALIVE]
    if running:
        raise exceptions.SidewaysError(
            f"database ironic: in use by {', '.join(running)}; "
            f"`ironic-sideways lab service stop {' '.join(running)}` first"
        )
    if supervisor.state("mariadb").state not in ALIVE:
        raise exceptions.SidewaysError(
            "database ironic: mariadb is stopped; `ironic-sideways lab service start "
            "mariadb` first"
        )
    databases.refuse_rows(layout, "ironic", LEFT_BY_A_CONDUCTOR)
    with exceptions.after_change(True, AGAIN):
        databases.recreate(layout, "ironic")
        tool = [str(BINARIES / "ironic-dbsync"), "--config-file", str(config)]
        done = commands.run([*tool, "create_schema"], timeout=300)
        if done.returncode:
            last = "\n".join((done.stdout + done.stderr).splitlines()[-10:])
            raise exceptions.SidewaysError(
                f"ironic-dbsync create_schema failed in the new database:\n{last}"
            )
