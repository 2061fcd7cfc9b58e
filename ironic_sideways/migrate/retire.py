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


"""Archive nova_bm and drop it, once Ironic holds every live row of it.

At every moment nova_bm is whole, or an archive is. What was verified is what is
archived: one snapshot serves both. Under the lock that the tables are dropped
with, they are read once more and must still be equal to the archive.
"""

import contextlib
import dataclasses
import shlex
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from ironic_sideways import exceptions, waits
from ironic_sideways.migrate import archive, classify, plan, target, verify, work
from ironic_sideways.nova_bm import database, reader, schema

#: Seconds to wait for somebody else's transaction to leave the tables.
LOCK_TIMEOUT_S = 10
#: Rows named in a refusal; all are counted.
SHOWN = 20
TABLES = tuple(sorted(schema.metadata.tables))


@dataclasses.dataclass
class Retired:
    """What ``retire`` did.

    :param verified: None: nova_bm had been dropped before.
    :param rows: of each table that went into the archive.
    :param dropped: the tables that were dropped (a dry run: would be).
    """

    archive: Path
    verified: verify.Result | None = None
    rows: dict[str, int] = dataclasses.field(default_factory=dict)
    dropped: tuple[str, ...] = ()


def retire(
    job: work.Job, path: Path, progress: work.Progress, *, dry_run: bool = False
) -> Retired:
    """Verify, archive to ``path``, read the archive again, drop.

    :raises SidewaysError: refused; nova_bm stands as before.
    :raises FollowUpNeeded: the archive is whole, and not every table dropped.
    """
    assert job.ironic_url is not None
    if job.plan.policy.nodes or job.plan.policy.service_hosts:
        raise exceptions.UsageError(
            "retire takes nova_bm as a whole: --node and --service-host do not go with "
            "it"
        )
    left = _present(job.nova_bm_url)
    if len(left) < len(TABLES) and path.exists():
        return _finish(job.nova_bm_url, path, left, dry_run)
    archive.refuse_existing(path)
    with (
        work.connect_target(job.ironic_url) as ironic,
        target.lock(ironic),
    ):
        with reader.snapshot(database.engine(job.nova_bm_url)) as source:
            _refuse_users(source)
            _refuse_triggers(source)
            _refuse_missing_rights(job.nova_bm_url)
            done = Retired(path, rows=_count(source), dropped=TABLES)
            done.verified = _verify(source, ironic, job, progress)
            if dry_run:
                return done
            digests = archive.write(path, _lines(source, TABLES))
        try:
            _drop(job.nova_bm_url, path, digests, TABLES)
        except exceptions.FollowUpNeeded:
            raise
        except BaseException:
            archive.remove(path)
            raise
        return done


def restore_command(url: URL, path: Path) -> str:
    """The command that brings nova_bm back into the database of ``url``."""
    words = ["mariadb", f"--host={url.host or 'localhost'}"]
    if url.port:
        words.append(f"--port={url.port}")
    if url.username:
        words += [f"--user={url.username}", "--password"]
    words.append(url.database or "nova_bm")
    return f"gunzip -c {shlex.quote(str(path))} | {shlex.join(words)}"


def _present(url: URL) -> tuple[str, ...]:
    """Which of nova_bm's tables are there."""
    with database.connect(database.engine(url)) as connection:
        found = set(sa.inspect(connection).get_table_names())
        return tuple(table for table in TABLES if table in found)


def _verify(
    source: sa.Connection,
    ironic: sa.Connection,
    job: work.Job,
    progress: work.Progress,
) -> verify.Result:
    """Refuse unless every live row is in Ironic, and nova_bm as it was moved.

    A row must still give the digest that the run left in Ironic: so nobody has
    written to it since. Ironic's own changes since are Ironic's business; where
    it changed nothing, every field must be as declared.

    :raises SidewaysError: says which rows.
    """
    faults: list[str] = []
    # Parts that moved one after the other may have had options of their own.
    plan_ = dataclasses.replace(job.plan, by_own_run=True)
    shared = plan.duplicates(source, plan_.policy, plan_.options.bmcs)
    advance = progress("verify: nodes", reader.count(source))
    for verdicts in plan.judge(source, plan_, ironic, shared):
        for verdict in verdicts:
            where = f"bm_nodes row {verdict.source.id} (node {verdict.source.uuid})"
            if verdict.outcome is classify.Outcome.MIGRATE:
                faults.append(f"{where}: is not in Ironic")
            elif verdict.outcome is classify.Outcome.REFUSE:
                faults.append(f"{where}: {'; '.join(verdict.reasons)}")
        advance(len(verdicts))
    found = verify.verify(
        source, ironic, plan_, pin=job.pin, accept=verify.Accept.CHANGED
    )
    if not faults:
        faults = list(verify.differences(found))
    if faults:
        more = f" and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise exceptions.SidewaysError(
            "Ironic does not hold what nova_bm says, nothing was archived or dropped: "
            + "; ".join(faults[:SHOWN])
            + more
        )
    return found


def _lines(connection: sa.Connection, tables: tuple[str, ...]) -> Iterator[str]:
    for table in tables:
        yield from archive.lines(connection, table)


def _count(connection: sa.Connection) -> dict[str, int]:
    return {
        name: connection.execute(
            sa.select(sa.func.count()).select_from(schema.metadata.tables[name])
        ).scalar_one()
        for name in TABLES
    }


def _finish(url: URL, path: Path, left: tuple[str, ...], dry_run: bool) -> Retired:
    """A retirement that ended before its last table was dropped, or after."""
    archive.refuse_altered(path)
    digests = archive.read(path)
    missing = [table for table in TABLES if table not in digests]
    if missing:
        raise exceptions.SidewaysError(
            f"--archive {path}: holds no {', '.join(missing)}, and database "
            f"{database.redacted(url)} does not either; nothing was changed"
        )
    if left and not dry_run:
        _drop(url, path, digests, left)
    return Retired(path, dropped=left)


def _drop(
    url: URL, path: Path, digests: dict[str, str], tables: tuple[str, ...]
) -> None:
    """Lock the tables, compare them with the archive, drop them.

    :raises SidewaysError: they differ, or are in use; none was dropped.
    :raises FollowUpNeeded: the server failed at the drop.
    """
    names = ", ".join(tables)
    with _locked(url, tables) as connection:
        found = archive.digests(_lines(connection, tables))
        for table in tables:
            if found[table] != digests[table]:
                raise exceptions.SidewaysError(
                    f"table {table} was changed while it was archived; stop what "
                    "writes to nova_bm and try again; nothing was dropped"
                )
        try:
            connection.exec_driver_sql(f"DROP TABLE {names}")
        except (sa.exc.DBAPIError, KeyboardInterrupt) as error:
            raise exceptions.FollowUpNeeded(
                f"archive {path} is whole, but the server did not confirm DROP TABLE "
                f"{names} ({database.driver_text(error)}); give the same command again"
            ) from error


@contextlib.contextmanager
def _locked(url: URL, tables: tuple[str, ...]) -> Iterator[sa.Connection]:
    """A connection that alone may read and write ``tables``."""
    with database.connect(database.engine(url)) as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        wanted = ", ".join(f"`{table}` WRITE" for table in tables)
        try:
            connection.exec_driver_sql(
                f"SET SESSION lock_wait_timeout = {LOCK_TIMEOUT_S}"
            )
            connection.exec_driver_sql(f"LOCK TABLES {wanted}")
        except sa.exc.DBAPIError as error:
            raise exceptions.SidewaysError(
                f"database {database.redacted(url)}: LOCK TABLES: "
                f"{database.driver_text(error)}; stop what uses nova_bm, or grant LOCK "
                "TABLES on it; nothing was dropped"
            ) from error
        try:
            yield connection
        finally:
            with contextlib.suppress(sa.exc.DBAPIError):
                connection.exec_driver_sql("UNLOCK TABLES")


def _refuse_users(source: sa.Connection) -> None:
    """Refuse while another connection has nova_bm open.

    Without the PROCESS privilege the server shows those of the same user only;
    the lock before the drop sees them all.
    """
    query = sa.text(
        "SELECT user, host FROM information_schema.processlist "
        "WHERE db = DATABASE() AND id <> CONNECTION_ID() ORDER BY id"
    )

    def others() -> str:
        return ", ".join(f"{row.user} from {row.host}" for row in source.execute(query))

    try:
        # The server forgets a connection some moments after it was closed.
        waits.wait_for(others, lambda seen: not seen, "nova_bm to be free", 5)
    except exceptions.WaitExpired:
        raise exceptions.SidewaysError(
            f"database {database.redacted(source.engine.url)} is in use by {others()}: "
            "stop it (a nova-compute or nova-api that still serves nova-baremetal?); "
            "nothing was archived or dropped"
        ) from None


def _refuse_triggers(source: sa.Connection) -> None:
    """Refuse what the archive would not hold."""
    found = source.execute(
        sa.text(
            "SELECT trigger_name FROM information_schema.triggers WHERE "
            "trigger_schema = DATABASE() AND event_object_table IN :tables"
        ).bindparams(sa.bindparam("tables", TABLES, expanding=True))
    ).scalars()
    if names := ", ".join(found):
        raise exceptions.SidewaysError(
            f"nova_bm has triggers that the archive would not hold: {names}; drop them "
            "first; nothing was archived or dropped"
        )


def _refuse_missing_rights(url: URL) -> None:
    """Refuse a user that may not lock and drop; asks by doing both to nothing."""
    with database.connect(database.engine(url)) as connection:
        try:
            connection.exec_driver_sql("DROP TABLE IF EXISTS ironic_sideways_probe")
            connection.exec_driver_sql(f"LOCK TABLES {TABLES[0]} READ")
            connection.exec_driver_sql("UNLOCK TABLES")
        except sa.exc.DBAPIError as error:
            raise exceptions.SidewaysError(
                f"database {database.redacted(url)}: retire needs SELECT, LOCK TABLES "
                f"and DROP on it: {database.driver_text(error)}; nothing was archived "
                "or dropped"
            ) from error
