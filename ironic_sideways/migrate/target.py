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

"""The Ironic database: its tables, versions, guards and lock.

Everything is taken from the installed Ironic, nothing from memory.
"""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from alembic.runtime import migration as alembic_migration
from alembic.script import ScriptDirectory
from ironic.common import release_mappings
from ironic.db.sqlalchemy import migration as ironic_migration
from ironic.db.sqlalchemy import models

from ironic_sideways import exceptions
from ironic_sideways.nova_bm import database

nodes: sa.Table = models.Node.__table__
ports: sa.Table = models.Port.__table__
conductors: sa.Table = models.Conductor.__table__

#: Ironic's [conductor] heartbeat_timeout, in seconds, where no ironic.conf was given.
HEARTBEAT_TIMEOUT_S = 60

#: The server must not end the idle connection that holds the lock.
LOCK_PATIENCE_S = 24 * 3600


@dataclasses.dataclass(frozen=True)
class Conductor:
    """A conductor that heartbeats."""

    hostname: str
    seconds: int


@functools.cache
def schema_head() -> str:
    """The Alembic revision that the installed Ironic's dbsync upgrades to."""
    versions = Path(ironic_migration.__file__).parent / "alembic"
    head = ScriptDirectory(str(versions)).get_current_head()
    assert head is not None
    return head


def require_schema(connection: sa.Connection) -> None:
    """Refuse a database that is not at the installed Ironic's schema head.

    :raises SidewaysError: another revision, or no Ironic schema at all.
    """
    found = alembic_migration.MigrationContext.configure(
        connection
    ).get_current_revision()
    head = schema_head()
    if found != head:
        what = f"schema version {found}" if found else "no Ironic schema"
        raise exceptions.SidewaysError(
            f"database {database.redacted(connection.engine.url)}: expected Ironic's "
            f"schema at version {head}, found {what}; run 'ironic-dbsync "
            f"{'upgrade' if found else 'create_schema'}' of the installed Ironic"
        )


def object_version(name: str, pin: str | None = None) -> str:
    """The version that rows of object ``name`` must carry.

    NULL or a version that the services do not know makes every load of the row
    raise (``ironic.objects.base.IronicObject.get_target_version``).

    :param pin: Ironic's [DEFAULT] pin_release_version.
    :raises UsageError: a pin that the installed Ironic does not know.
    """
    release = pin or "master"
    if release not in release_mappings.RELEASE_MAPPING:
        raise exceptions.UsageError(
            f"pin_release_version {pin}: unknown to the installed Ironic, expected "
            f"one of {', '.join(release_mappings.RELEASE_VERSIONS)}"
        )
    versions = release_mappings.RELEASE_MAPPING[release]["objects"][name]
    return max(versions, key=lambda text: tuple(map(int, text.split("."))))


def online_conductors(
    connection: sa.Connection,
    timeout: int = HEARTBEAT_TIMEOUT_S,
    *,
    lock: bool = True,
) -> list[Conductor]:
    """The conductors that sent a heartbeat within ``timeout`` seconds.

    :param lock: keep any conductor from registering between this question and
        the end of the transaction; needs more than SELECT on some servers.
    """
    age = sa.func.timestampdiff(
        sa.text("SECOND"), conductors.c.updated_at, sa.func.utc_timestamp()
    )
    query = sa.select(conductors.c.hostname, age.label("age")).where(
        conductors.c.online.is_(True)
    )
    found = connection.execute(query.with_for_update(read=True) if lock else query)
    return [
        Conductor(row.hostname, row.age)
        for row in found
        if row.age is not None and row.age <= timeout
    ]


def refuse_online_conductors(
    connection: sa.Connection, timeout: int = HEARTBEAT_TIMEOUT_S
) -> None:
    """Refuse to write beside a conductor, which could act on a part of the rows.

    :raises SidewaysError: a conductor is online.
    """
    online = online_conductors(connection, timeout)
    if online:
        shown = ", ".join(f"{c.hostname} ({c.seconds} s ago)" for c in online)
        raise exceptions.SidewaysError(
            f"ironic-conductor is online: {shown}; stop it first (one that was "
            f"killed counts as online for {timeout} s), or name a part with "
            "--service-host: that may go beside it"
        )


@dataclasses.dataclass(frozen=True)
class Lock:
    """The advisory lock, and the connection that holds it."""

    name: str
    holder: int

    def require(self, connection: sa.Connection) -> None:
        """Refuse to go on when the connection that held the lock was lost.

        :raises SidewaysError: another run may have begun meanwhile.
        """
        found = connection.execute(sa.select(sa.func.is_used_lock(self.name))).scalar()
        if found != self.holder:
            raise exceptions.SidewaysError(
                f"database {connection.engine.url.database}: the lock of this run was "
                "lost with its connection; nothing was changed; try again"
            )


@contextlib.contextmanager
def lock(connection: sa.Connection) -> Iterator[Lock]:
    """Hold the advisory lock of this Ironic database: one run at a time.

    A connection of its own holds it and does nothing else: so the server can
    tell another run since when. It frees the lock when that connection ends,
    however that happens.

    :raises SidewaysError: another run holds it; says who and since when.
    """
    name = lock_name(connection)
    with database.connect(connection.engine) as own:
        own.execution_options(isolation_level="AUTOCOMMIT")
        holder = own.execute(sa.select(sa.func.connection_id())).scalar_one()
        own.exec_driver_sql(f"SET SESSION wait_timeout = {LOCK_PATIENCE_S}")
        if own.execute(sa.select(sa.func.get_lock(name, 0))).scalar() != 1:
            raise exceptions.SidewaysError(
                f"another run works on database {own.engine.url.database}: "
                f"{_lock_holder(own, name)}; wait until it has ended"
            )
        try:
            yield Lock(name, holder)
        finally:
            # What a lost connection held is free already.
            with contextlib.suppress(sa.exc.DBAPIError, sa.exc.InvalidRequestError):
                connection.rollback()
            with contextlib.suppress(sa.exc.DBAPIError, sa.exc.InvalidRequestError):
                own.execute(sa.select(sa.func.release_lock(name)))


def lock_name(connection: sa.Connection) -> str:
    """At most 64 characters, and of this database alone."""
    return f"nova-bm-migrate:{connection.engine.url.database}"[:64]


def _lock_holder(connection: sa.Connection, name: str) -> str:
    """Who holds the lock; without PROCESS the server names none of other users."""
    holder = connection.execute(sa.select(sa.func.is_used_lock(name))).scalar()
    row = connection.execute(
        sa.text(
            "SELECT user, host, UTC_TIMESTAMP() - INTERVAL time SECOND AS since "
            "FROM information_schema.processlist WHERE id = :id"
        ),
        {"id": holder},
    ).first()
    if row is None:
        return f"connection {holder} of the server holds its lock"
    return (
        f"{row.user} from {row.host} (connection {holder}) holds its lock since "
        f"{row.since:%Y-%m-%d %H:%M:%S} UTC"
    )
