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

"""The commands: check, run, verify and rollback, without their printing."""

import contextlib
import dataclasses
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL

from ironic_sideways import exceptions
from ironic_sideways.migrate import (
    classify,
    conductors,
    load,
    plan,
    record,
    rollback,
    summary,
    target,
    verify,
)
from ironic_sideways.migrate.files import netboot
from ironic_sideways.migrate.preflight import inquiry
from ironic_sideways.nova_bm import database, reader

#: Opens a bar (see progress.bars).
Progress = Callable[[str, int], Callable[[int], None]]


@dataclasses.dataclass(frozen=True)
class Job:
    """Where from, where to, and how.

    :param ironic_url: None only for a check without target.
    :param heartbeat_timeout: Ironic's, in seconds.
    :param netboots: whose images a run keeps before it writes rows.
    """

    nova_bm_url: URL
    ironic_url: URL | None
    plan: plan.Plan
    pin: str | None = None
    heartbeat_timeout: int = target.HEARTBEAT_TIMEOUT_S
    netboots: netboot.NetBoots | None = None

    def knowing(self, **answers: Any) -> "Job":
        """The same with what somebody is asked: fields of ``choices.Options``."""
        options = dataclasses.replace(self.plan.options, **answers)
        plan_ = dataclasses.replace(self.plan, options=options)
        return dataclasses.replace(self, plan=plan_)

    @property
    def is_increment(self) -> bool:
        """Whether a part of the nodes moves, and others before or after it."""
        return bool(self.plan.policy.nodes or self.plan.policy.service_hosts)


@contextlib.contextmanager
def connect_target(url: URL) -> Iterator[sa.Connection]:
    """A connection to an Ironic database at the installed Ironic's schema."""
    with database.connect(database.engine(url)) as connection:
        target.require_schema(connection)
        connection.rollback()
        yield connection


def check(
    job: Job,
    entry: record.Record,
    progress: Progress,
    inquiries: Sequence[inquiry.Inquiry] = (),
) -> summary.Summary:
    """Judge every row; reads only, on both sides.

    :param inquiries: who else is asked about the rows.
    """
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(reader.snapshot(database.engine(job.nova_bm_url)))
        ironic = None
        if job.ironic_url is not None:
            ironic = stack.enter_context(connect_target(job.ironic_url))
        found = _examine(source, ironic, job, entry, progress, inquiries)
        if ironic is not None:
            found.warnings += [
                f"ironic-conductor {one.hostname} is online; 'run' needs it stopped"
                for one in target.online_conductors(
                    ironic, job.heartbeat_timeout, lock=False
                )
                if not job.is_increment
            ]
        else:
            found.warnings.append("no --ironic-db: not compared with Ironic's rows")
    return found


def _examine(
    source: sa.Connection,
    ironic: sa.Connection | None,
    job: Job,
    entry: record.Record,
    progress: Progress,
    inquiries: Sequence[inquiry.Inquiry],
) -> summary.Summary:
    """One pass that judges everything and writes nothing but the record."""
    plan.require_selected(source, job.plan.policy)
    for one in inquiries:
        one.begin(source)
    shared = plan.duplicates(source, job.plan.policy, job.plan.options.bmcs)
    found = summary.Summary(shared=shared)
    advance = progress("check: nodes", reader.count(source))
    for verdicts in plan.judge(source, job.plan, ironic, found.shared):
        for one in inquiries:
            one.judge(verdicts)
        for verdict in verdicts:
            found.add(verdict)
            entry.row(verdict)
        advance(len(verdicts))
    for one in inquiries:
        found.warnings += one.end()
    if found.freed and not any(one.knows_instances for one in inquiries):
        found.warnings.append(
            f"no --os-cloud: {found.freed} nodes are free again but not compared with "
            "Nova, which may still have an instance whose rebuild failed there"
        )
    known = job.plan.policy.known_hosts
    found.warnings += [
        f"no nova.conf names service_host {host}: its nodes are assumed to be IPMI "
        "nodes of --node-arch"
        for host in sorted(found.hosts - known if known is not None else ())
    ]
    found.add_orphans(sum(1 for card in reader.orphans(source) if not card.deleted))
    return found


@dataclasses.dataclass
class Run:
    """What ``run`` did.

    :param seconds: of the load, reading and mapping included.
    :param verified: None: nothing was written (refused or a dry run).
    """

    summary: summary.Summary
    written: load.Written = dataclasses.field(default_factory=load.Written)
    seconds: float = 0.0
    verified: verify.Result | None = None


def run(
    job: Job,
    entry: record.Record,
    progress: Progress,
    inquiries: Sequence[inquiry.Inquiry] = (),
    *,
    dry_run: bool = False,
) -> Run:
    """Check, load in one transaction, verify.

    Nothing is written when a row is refused (see the summary's counts). Beside a
    conductor only an increment is written, and only if one will serve its nodes:
    all of its rows appear at once, by the COMMIT.

    :raises SidewaysError: refused before anything was written.
    :raises FollowUpNeeded: the server did not confirm the COMMIT.
    """
    assert job.ironic_url is not None
    done = Run(summary.Summary())
    try:
        with (
            reader.snapshot(database.engine(job.nova_bm_url)) as source,
            connect_target(job.ironic_url) as ironic,
            target.lock(ironic) as held,
        ):
            if not job.is_increment:
                target.refuse_online_conductors(ironic, job.heartbeat_timeout)
            done.summary = _examine(source, ironic, job, entry, progress, inquiries)
            if done.summary.refused or dry_run:
                return done
            if job.netboots is not None and done.summary.netbooted:
                job.netboots.keep(done.summary.netbooted)
            if done.summary.counts[classify.Outcome.MIGRATE]:
                _load(source, ironic, job, held, done, progress)
            done.verified = _verify_written(source, ironic, job, done.written)
            return done
    except KeyboardInterrupt as error:
        if not done.written.nodes:
            raise
        raise exceptions.FollowUpNeeded(
            f"run {job.plan.stamp['run_id']}: interrupted at or after its COMMIT: "
            "either everything was committed or nothing was; give the same command "
            "again, it finds out and completes the work"
        ) from error


def _verify_written(
    source: sa.Connection, ironic: sa.Connection, job: Job, written: load.Written
) -> verify.Result:
    """Verify; a failure to do so after the COMMIT is told with what was written.

    :raises FollowUpNeeded: rows were written and could not be compared.
    """
    try:
        # A conductor that runs may have taken the nodes over already.
        accept = verify.Accept.NOTHING
        if target.online_conductors(ironic, job.heartbeat_timeout, lock=False):
            accept = verify.Accept.TAKEN_OVER
        return verify.verify(source, ironic, job.plan, pin=job.pin, accept=accept)
    except (exceptions.SidewaysError, sa.exc.DBAPIError, KeyboardInterrupt) as error:
        if not written.nodes:
            raise
        raise exceptions.FollowUpNeeded(
            f"run {job.plan.stamp['run_id']}: {written.nodes} nodes were written but "
            f"not verified ({type(error).__name__}); run 'ironic-nova-bm-migrate "
            "verify' with the same options"
        ) from error


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """Leave out the search for cycles of objects, a fifth of the load's time.

    There are none among the rows. SQLAlchemy leaves a few with each statement, so
    that who works without the collector searches once in a batch.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@_without_collector()
def _load(
    source: sa.Connection,
    ironic: sa.Connection,
    job: Job,
    held: target.Lock,
    done: Run,
    progress: Progress,
) -> None:
    """Write the rows and commit; ``done`` tells what was written."""
    started = time.monotonic()
    run_id = job.plan.stamp["run_id"]
    loader = load.Loader(ironic, job.plan, job.pin)
    advance = progress("load: nodes", done.summary.counts["read"])
    for verdicts in plan.judge(source, job.plan, ironic, done.summary.shared):
        loader.write(verdicts)
        advance(len(verdicts))
        # What is new alone: all else would be a tenth of a second each time.
        gc.collect(0)
    if job.is_increment:
        conductors.require_served(ironic, run_id, job.heartbeat_timeout)
    else:
        target.refuse_online_conductors(ironic, job.heartbeat_timeout)
    held.require(ironic)
    done.written = loader.written
    load.commit(ironic, run_id)
    done.seconds = time.monotonic() - started


def verify_only(
    job: Job, accept: verify.Accept = verify.Accept.NOTHING
) -> verify.Result:
    """Compare both databases; reads only."""
    assert job.ironic_url is not None
    with (
        reader.snapshot(database.engine(job.nova_bm_url)) as source,
        connect_target(job.ironic_url) as ironic,
    ):
        plan.require_selected(source, job.plan.policy)
        return verify.verify(source, ironic, job.plan, pin=job.pin, accept=accept)


def undo(
    ironic_url: URL,
    part: rollback.Part,
    *,
    taken_over: bool,
    dry_run: bool,
    heartbeat_timeout: int = target.HEARTBEAT_TIMEOUT_S,
) -> rollback.Removed:
    """Remove what a run wrote; beside a conductor, a part that is named.

    :param heartbeat_timeout: Ironic's, in seconds.
    """
    with connect_target(ironic_url) as ironic, target.lock(ironic) as held:
        if not part.named:
            target.refuse_online_conductors(ironic, heartbeat_timeout)
        removed = rollback.rollback(
            ironic, part, taken_over=taken_over, commit=not dry_run
        )
        if not dry_run:
            held.require(ironic)
            load.commit(ironic, ", ".join(removed.run_ids))
        return removed
