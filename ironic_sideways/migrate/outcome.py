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


"""What the commands found and did, as ``--json`` and the record tell it.

check     result (ready, refused), counts, tables, warnings, rows, window
run       result (done, refused, different, dry run), run_id, counts, tables,
          warnings, rows, load_seconds, differences
verify    equal, different, differences
rollback  run_ids, nodes, ports
retire    result, archive, sha256, rows, equal, changed, dropped, restore

``counts`` has read, migrate, present, skip, refuse, interfaces_skipped; a run adds
planned, written, ports_written, verified and different. ``tables`` has read,
to_write, moved_before, skipped and refused of bm_nodes and bm_interfaces. ``rows``
are the first refused or noted ones: bm_node_id, uuid, service_host, outcome,
reasons, notes; the record (``--output``) has every row. ``window`` has settings,
seconds, and for each step name, seconds, assumption and shorten.
"""

import dataclasses
from typing import Any

from ironic_sideways.migrate import archive, arguments, classify, retire, summary, work
from ironic_sideways.migrate import rollback as rollbacks
from ironic_sideways.migrate import verify as verification
from ironic_sideways.migrate.preflight import window
from ironic_sideways.nova_bm import database


def head(command: str, job: work.Job) -> dict[str, Any]:
    """What the record says first."""
    return {
        "command": command,
        **job.plan.stamp,
        "source": database.redacted(job.nova_bm_url),
        "target": job.ironic_url and database.redacted(job.ironic_url),
        "options": arguments.describe(job.plan.options),
    }


def check(
    found: summary.Summary, steps: list[window.Step], settings: window.Settings
) -> dict[str, Any]:
    """What ``check`` found."""
    return {
        "result": "refused" if found.counts[classify.Outcome.REFUSE] else "ready",
        **_found(found),
        "window": _window(steps, settings.origin),
    }


def run(done: work.Run, run_id: str, *, dry_run: bool) -> dict[str, Any]:
    """What ``run`` did."""
    result = "done"
    if done.summary.counts[classify.Outcome.REFUSE]:
        result = "refused"
    elif dry_run:
        result = "dry run"
    elif done.verified and done.verified.different:
        result = "different"
    told = _found(done.summary)
    told["counts"] |= {
        "planned": done.summary.counts[classify.Outcome.MIGRATE],
        "written": done.written.nodes,
        "ports_written": done.written.ports,
        "verified": done.verified.equal if done.verified else 0,
        "different": done.verified.different if done.verified else 0,
    }
    return {
        "result": result,
        "run_id": run_id,
        **told,
        "load_seconds": round(done.seconds, 3),
        "differences": done.verified.differences if done.verified else [],
    }


def recorded(told: dict[str, Any]) -> dict[str, Any]:
    """The same for the record, which has every row already."""
    return {key: value for key, value in told.items() if key not in ("rows", "run_id")}


def verify(result: verification.Result) -> dict[str, Any]:
    """What ``verify`` found."""
    return {
        "equal": result.equal,
        "different": result.different,
        "differences": list(verification.differences(result)),
    }


def rollback(removed: rollbacks.Removed) -> dict[str, Any]:
    """What ``rollback`` removed, or would."""
    return {
        "run_ids": list(removed.run_ids),
        "nodes": removed.nodes,
        "ports": removed.ports,
    }


def retired(done: retire.Retired, restore: str, *, dry_run: bool) -> dict[str, Any]:
    """What ``retire`` did."""
    return {
        "result": "dry run" if dry_run else "done",
        "archive": str(done.archive),
        "sha256": None if dry_run else archive.checksum(done.archive),
        "rows": done.rows,
        "equal": done.verified.equal if done.verified else None,
        "changed": done.verified.changed if done.verified else None,
        "dropped": list(done.dropped),
        "restore": restore,
    }


def _found(found: summary.Summary) -> dict[str, Any]:
    """The keys that check and run share."""
    return {
        "counts": {
            "read": found.counts["read"],
            **{outcome.value: found.counts[outcome] for outcome in classify.Outcome},
            "interfaces_skipped": found.counts["interfaces skipped"],
        },
        "tables": {
            table: {name: numbers[name] for name in ("read", *summary.COLUMNS.values())}
            for table, numbers in found.tables.items()
        },
        "warnings": found.warnings,
        "rows": [
            {
                "bm_node_id": verdict.source.id,
                "uuid": verdict.source.uuid,
                "service_host": verdict.source.service_host,
                "outcome": verdict.outcome,
                "reasons": verdict.reasons,
                "notes": verdict.notes,
            }
            for verdict in found.refused + found.noted
        ],
    }


def _window(steps: list[window.Step], origin: str) -> dict[str, Any]:
    """The estimate."""
    return {
        "settings": origin,
        "seconds": round(window.total(steps), 1),
        "steps": [
            {**dataclasses.asdict(step), "seconds": round(step.seconds, 1)}
            for step in steps
        ],
    }
