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

"""Two nova-compute workers of one host name in the lab, killed in turn."""

import argparse
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.cmd import connections, lab
from ironic_sideways.lab import record

HELP = "kill nova-compute workers of one host name in the lab"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    lab.add_directory(parser)
    connections.add_trial_options(parser, "clustered.json")
    parser.add_argument(
        "--each",
        type=int,
        metavar="TIMES",
        default=0,
        help="also kill during builds, and repeat each operation this often (minutes)",
    )
    parser.add_argument(
        "--single",
        metavar="CLASS",
        help="for comparison: one worker with this compute manager, restarted right "
        "after it is killed; a failed round is not a failure of the command",
    )


def run(args: argparse.Namespace) -> int:
    from ironic_sideways.evidence import documents

    found = trial(args)
    documents.write(args.output, found)
    trial_rows = found["rounds"]
    failed = [row for row in trial_rows if not row["ok"]]
    for row in trial_rows:
        mended = f" ({row['mended']})" if "mended" in row else ""
        well = "ok" if row["ok"] else "FAILED"
        print(f"{well}  {row['name']}: {row['detail']}{mended}")
    if failed and not args.single:
        raise exceptions.SidewaysError(
            f"{len(failed)} of {len(trial_rows)} rounds failed, first: "
            f"{failed[0]['name']}: {failed[0]['detail'][:300]}"
        )
    print(
        f"{len(trial_rows) - len(failed)}/{len(trial_rows)} rounds with a worker killed"
    )
    return 0


def trial(args: argparse.Namespace) -> dict[str, Any]:
    """Do the rounds that were asked for; what clustered.json holds."""
    from ironic_sideways.trials import workload
    from ironic_sideways.trials.workers import processes, rounds
    from ironic_sideways.trials.workers.trial import (
        BUILD_TIMEOUT,
        PERIODIC,
        SETTINGS,
        Trial,
        only_host,
    )

    layout, _ = record.open_lab(args.directory)
    work = workload.Workload(
        connections.connect(args.member_cloud),
        layout.evidence / "workload.json",
        layout.evidence / "heartbeat.jsonl",
    )
    settings = dict(SETTINGS)
    names: tuple[str, ...] = processes.BOTH
    if args.single:
        settings["DEFAULT", "compute_manager"] = args.single
        names = processes.BOTH[:1]
    args.changed = "compute-workers has begun"
    with processes.running(layout, names, settings) as found:
        trial = Trial(
            found,
            connections.connect(args.admin_cloud),
            connections.connect(args.ironic_cloud),
            work,
            revive=bool(args.single),
        )
        workload.ensure_keypair(work.cloud)
        workload.boot_from_the_network(trial.ironic)
        with only_host(trial, layout.compute_host):
            if not args.single:
                rounds.each_kill(trial)
            rounds.each_operation(trial, args.each)
            trial.clear()
    return {
        "workers": names,
        "each": args.each,
        "build_timeout": BUILD_TIMEOUT,
        "periodic": PERIODIC,
        "rounds": trial.rows,
        "killed": trial.killed,
    }
