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

"""Move the rows of nova-baremetal's database into Ironic's.

  check     judge every row; read-only on both sides, useful weeks ahead
  run       check, load in one transaction, verify; all or nothing
  verify    compare both databases field by field, through Ironic's objects
  rollback  remove what a run wrote, if Ironic has not changed it since
  retire    archive nova_bm and drop it, once Ironic holds every row

Ironic's database must be at the installed Ironic's schema (ironic-dbsync). No
conductor may be running for 'run' and 'rollback', except for a part: 'run' with
--service-host or --node, and 'rollback' of one --run-id or --service-host.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.cmd import program
from ironic_sideways.migrate import (
    arguments,
    outcome,
    record,
    retire,
    show,
    verify,
    work,
)
from ironic_sideways.migrate import (
    rollback as undoing,
)
from ironic_sideways.migrate.preflight import bmcs, inquiry, window
from ironic_sideways.nova_bm import database
from ironic_sideways.progress import bars

EPILOG = """\
example:
  ironic-nova-bm-migrate check -b @nova_bm.url -i @ironic.url -a x86_64
  ironic-nova-bm-migrate run -b @nova_bm.url -i @ironic.url -a x86_64 \\
      --owner PROJECT_ID --deploy-kernel ID --deploy-ramdisk ID

exit codes:
  0  done (check: every row can be moved; verify: no difference)
  1  refused or failed, nothing changed (verify: differences)
  2  bad usage
  3  changed, and needs the named follow-up
  129, 130, 143  ended by SIGHUP, SIGINT or SIGTERM, nothing changed
  141  its output is no longer read, nothing changed
"""


def build_parser() -> program.Parser:
    """The command line."""
    parser = program.Parser(
        prog="ironic-nova-bm-migrate", description=__doc__, epilog=EPILOG
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, function in (
        ("check", check),
        ("run", run),
        ("verify", verify_only),
        ("retire", retire_source),
    ):
        command = _add(commands, name, function)
        arguments.add_source(command)
        arguments.add_target(command, required=name != "check")
        arguments.add_mapping(command, owner_required=name != "check")
        if name in ("check", "run"):
            command.add_argument(
                "--output", metavar="FILE", help="record every row's outcome as JSON"
            )
            command.add_argument(
                "--os-cloud",
                metavar="NAME",
                help="compare with Nova, and ask Neutron on which NIC each VIF is: the "
                "cloud's entry in clouds.yaml, with an administrator's credentials",
            )
            command.add_argument(
                "--ask-bmcs",
                action="store_true",
                help="ask each node's BMC over IPMI, with what Ironic will be given",
            )
    command = commands.choices["retire"]
    command.add_argument(
        "--archive",
        required=True,
        type=Path,
        metavar="FILE",
        help="the compressed SQL dump to write, with its SHA-256 in FILE.sha256; mode "
        "0600, as it holds the BMCs' passwords",
    )
    command = _add(commands, "rollback", rollback)
    arguments.add_target(command, required=True)
    command.add_argument(
        "--run-id", help="the run to undo (default: the only one there is)"
    )
    command.add_argument(
        "--service-host",
        action="append",
        default=[],
        metavar="HOST",
        help="only nodes of this service_host, of whatever run; repeatable",
    )
    for name in ("verify", "rollback"):
        commands.choices[name].add_argument(
            "--taken-over",
            action="store_true",
            help="Ironic had started: accept what a conductor writes at take-over",
        )
    for name, words in (
        ("run", "stop before the load"),
        ("rollback", "only look"),
        ("retire", "verify, and stop before the archive is written"),
    ):
        commands.choices[name].add_argument(
            "--dry-run", action="store_true", help=words
        )
    return parser


def _add(commands: Any, name: str, function: Any) -> argparse.ArgumentParser:
    text = function.__doc__.splitlines()[0]
    command = commands.add_parser(name, help=text, description=text, epilog=EPILOG)
    command.add_argument("--json", action="store_true", help="print JSON, no tables")
    command.set_defaults(run=function, changed="")
    return command


def check(parsed: argparse.Namespace) -> int:
    """Judge every row; read-only on both sides."""
    job = arguments.job(parsed)
    settings = window.settings(parsed.ironic_config)
    with (
        record.recording(
            arguments.output(parsed), **outcome.head("check", job)
        ) as entry,
        bars(quiet=parsed.json) as progress,
    ):
        job, inquiries = _ask(parsed, job, progress)
        found = work.check(job, entry, progress, inquiries)
        steps = window.estimate(found.moving, found.active, settings)
        told = outcome.check(found, steps, settings)
        entry.fields(**outcome.recorded(told))
    if parsed.json:
        print(json.dumps(told))
    else:
        show.verdicts(found)
        show.counts(found)
        show.estimate(steps, settings.origin)
        show.check(found)
    return 1 if told["result"] == "refused" else 0


def run(parsed: argparse.Namespace) -> int:
    """Check, load in one transaction, verify; all or nothing."""
    job = arguments.job(parsed)
    run_id = job.plan.stamp["run_id"]
    with (
        record.recording(arguments.output(parsed), **outcome.head("run", job)) as entry,
        bars(quiet=parsed.json) as progress,
    ):
        job, inquiries = _ask(parsed, job, progress)
        done = work.run(job, entry, progress, inquiries, dry_run=parsed.dry_run)
        if done.written.nodes:
            parsed.changed = f"run {run_id} has written {done.written.nodes} nodes"
        told = outcome.run(done, run_id, dry_run=parsed.dry_run)
        entry.fields(**outcome.recorded(told))
    if parsed.json:
        print(json.dumps(told))
    else:
        show.verdicts(done.summary)
        show.counts(done.summary)
        show.run(run_id, done, dry_run=parsed.dry_run)
    if done.verified and done.verified.different:
        show.differences(done.verified)
        if not done.written.nodes:
            return 1
        raise exceptions.FollowUpNeeded(
            f"run {run_id}: {done.verified.different} nodes differ from nova_bm after "
            "the load; find out why, or undo it with 'ironic-nova-bm-migrate rollback "
            f"--run-id {run_id}'"
        )
    return 1 if told["result"] == "refused" else 0


def verify_only(parsed: argparse.Namespace) -> int:
    """Compare both databases field by field; give the options of the run."""
    accept = verify.Accept.TAKEN_OVER if parsed.taken_over else verify.Accept.NOTHING
    result = work.verify_only(arguments.job(parsed), accept)
    if parsed.json:
        print(json.dumps(outcome.verify(result)))
    else:
        show.differences(result)
        show.verified(result)
    return 1 if result.different else 0


def rollback(parsed: argparse.Namespace) -> int:
    """Remove what a run wrote, if Ironic has not changed it since."""
    arguments.refuse_empty(parsed)
    part = undoing.Part(parsed.run_id, frozenset(parsed.service_host))
    removed = work.undo(
        database.option_url(parsed.ironic_db, "--ironic-db"),
        part,
        taken_over=parsed.taken_over,
        dry_run=parsed.dry_run,
        heartbeat_timeout=arguments.heartbeat_timeout(parsed),
    )
    if removed.nodes and not parsed.dry_run:
        parsed.changed = f"rollback has removed {removed.nodes} nodes"
    if parsed.json:
        print(json.dumps(outcome.rollback(removed)))
    elif not removed.nodes:
        whose = str(part) if part.named else "this tool"
        print(f"rollback: no rows of {whose}, nothing to remove")
    else:
        verb = "would be removed" if parsed.dry_run else "removed"
        nodes = show.several(removed.nodes, "node")
        print(f"rollback: {nodes} and {show.several(removed.ports, 'port')} {verb}")
    return 0


def retire_source(parsed: argparse.Namespace) -> int:
    """Archive nova_bm and drop its tables; give the options of the run."""
    job = arguments.job(parsed)
    with bars(quiet=parsed.json) as progress:
        done = retire.retire(job, parsed.archive, progress, dry_run=parsed.dry_run)
        if done.dropped and not parsed.dry_run:
            parsed.changed = f"nova_bm is dropped and {done.archive} whole"
    restore = retire.restore_command(job.nova_bm_url, done.archive)
    if parsed.json:
        print(json.dumps(outcome.retired(done, restore, dry_run=parsed.dry_run)))
    else:
        show.retired(done, restore, dry_run=parsed.dry_run)
    return 0


def _ask(
    parsed: argparse.Namespace, job: work.Job, progress: work.Progress
) -> tuple[work.Job, list[inquiry.Inquiry]]:
    """Whom the options ask besides the two databases; the job knows the answers."""
    asked: list[inquiry.Inquiry] = []
    nova = None
    if parsed.os_cloud:
        # openstacksdk takes a second to import, and most runs do without it.
        from ironic_sideways.cmd import connections
        from ironic_sideways.migrate.preflight import instances, vifs

        cloud = connections.connect(parsed.os_cloud)
        nova = instances.Instances(cloud, parsed.os_cloud)
        asked.append(nova)
        if not parsed.vifs_as_recorded:
            macs = vifs.Vifs(cloud, parsed.os_cloud)
            asked.append(macs)
            job = job.knowing(vif_macs=macs)
    if parsed.ask_bmcs:
        asked.append(bmcs.Bmcs(job.plan, nova, progress))
    return job, asked


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    return program.main(build_parser(), words)


if __name__ == "__main__":
    sys.exit(main())
