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

"""A second conductor of the lab takes over from one that is killed."""

import argparse

from ironic_sideways import exceptions
from ironic_sideways.cmd import connections, lab

HELP = "kill the lab's conductor, and let a second one take over"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    lab.add_directory(parser)
    connections.add_trial_options(parser, "fail-over.json")


def run(args: argparse.Namespace) -> int:
    from ironic_sideways.evidence import documents
    from ironic_sideways.lab import record
    from ironic_sideways.nova_bm import database
    from ironic_sideways.trials import fail_over, workload
    from ironic_sideways.trials.survivors import Survivors

    layout, _ = record.open_lab(args.directory)
    work = workload.Workload(
        connections.connect(args.member_cloud),
        layout.evidence / "workload.json",
        layout.evidence / "heartbeat.jsonl",
    )
    admin = connections.connect(args.admin_cloud)
    ironic = connections.connect(args.ironic_cloud)
    url = database.resolve_url(f"@{layout.database_url_file('ironic')}", "ironic")
    trial = fail_over.FailOver(
        layout, Survivors(work, admin, ironic), database.engine(url)
    )
    args.changed = "fail-over has begun"
    document = trial.everything()
    documents.write(args.output, document)
    for step in document["steps"]:
        well = "ok" if step["ok"] else "FAILED"
        print(f"{well}  {step['name']} ({step['seconds']} s): {step['detail']}")
    last = document["steps"][-1]
    if not last["ok"]:
        raise exceptions.SidewaysError(f"{last['name']}: {last['detail']}")
    took = sum(step["seconds"] for step in document["steps"])
    print(f"a second conductor took over and gave back, {took:.0f} s")
    return 0
