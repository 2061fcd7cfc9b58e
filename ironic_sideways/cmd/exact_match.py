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

"""Prove on the moved cloud that a flavor lands on nodes of exactly its shape."""

import argparse

from ironic_sideways import exceptions
from ironic_sideways.cmd import connections

HELP = "prove that flavors land on nodes of exactly their shape"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    connections.add_trial_options(parser, "exact-match.json")
    parser.add_argument(
        "--resource-class", default="baremetal", help="what all classes begin with"
    )


def run(args: argparse.Namespace) -> int:
    from ironic_sideways.evidence import documents
    from ironic_sideways.trials import exact_match

    trial = exact_match.ExactMatch(
        connections.connect(args.admin_cloud),
        connections.connect(args.ironic_cloud),
        connections.connect(args.member_cloud),
        args.resource_class,
    )
    args.changed = "exact-match has begun"
    document = trial.everything()
    documents.write(args.output, document)
    found = document["checks"]
    for row in found:
        print(f"{'ok' if row['ok'] else 'FAILED'}  {row['name']}: {row['detail']}")
    failed = [row for row in found if not row["ok"]]
    if failed:
        raise exceptions.SidewaysError(
            f"exact match: {len(failed)} of {len(found)} checks failed, first: "
            f"{failed[0]['name']}: {failed[0]['detail']}"
        )
    print(f"{len(found)} checks: flavors land on nodes of exactly their shape")
    return 0
