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

"""Every fact that is recorded is judged, or stands in the table with its reason.

Of each pattern and kind of change a seeded sample; ``IRONIC_SIDEWAYS_SOAK`` takes all.
"""

import os
import random
import re
from collections import defaultdict
from pathlib import Path

import pytest

from ironic_sideways.report import schemas, verdict
from ironic_sideways.tests.unit.report import complete, mutants
from ironic_sideways.tests.unit.report.small_move import files

#: Keys that are a document's own: a uuid, a class, a host, a name.
OWN = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|port-\d+|flavor-1|lab-compute|CUSTOM_\w+|VCPU|MEMORY_MB"
    r"|DISK_GB|ironic|nova|tempest|mariadb-server|rabbitmq-server"
)

MACHINE = "what the run ran on: it explains a figure, and proves nothing of the move"
COMMAND = "for a person who runs it again"
SHORT = "an API may be away for seconds, and longer while machines are deployed"
TOLD = "a sentence for a person; what it says is judged elsewhere"
TOOK = "how long it took, for the page; a phase's own time is judged"
DEFAULT = "a default of the tool's; what each row got is judged"
URLS = "where the tool read and wrote, without a password; the rows are judged"
NOT_TOLD = "one version fewer is named"

#: Pattern, with the kind of change -> why no check notices. Only a leaf's ``value``
#: says that nobody judges that leaf.
TABLE = {
    "allocations.json:nodes.{}.added value": "for the undo: what the tool made anew",
    "allocations.json:new_classes[] dropped": "a class may have been there before",
    "bmc.json:commands[].domain swapped": (
        "of two machines that were both switched, each by an operation of its own"
    ),
    "dhcp-options.json:ports.{}.old.bootfile-name value": "the name of the base's file",
    "environment.json:command value": COMMAND,
    "environment.json:commit value": COMMAND,
    "environment.json:distributions.{} value": MACHINE,
    "environment.json:distributions.{} dropped": NOT_TOLD,
    "environment.json:host.architecture value": MACHINE,
    "api.jsonl:[].answer swapped": SHORT,
    "api.jsonl:[].service swapped": "two that answered alike, one after the other",
    "environment.json:host.cpu value": MACHINE,
    "environment.json:host.cpus value": MACHINE,
    "environment.json:host.kernel value": MACHINE,
    "environment.json:host.memory_mb value": MACHINE,
    "environment.json:host.system value": MACHINE,
    "environment.json:packages.{} value": MACHINE,
    "environment.json:packages.{} dropped": NOT_TOLD,
    "environment.json:python value": MACHINE,
    "events.jsonl:[].memory_used_mb value": "a figure of the page, with a goal",
    "events.jsonl:[].memory_used_mb swapped": "a figure of the page, with a goal",
    "heartbeat.jsonl:[] dropped": "the last of a boot that an operation ended",
    "judges.json:programs[].told[].of swapped": "two things that are as they must be",
    "judges-again.json:programs[].told[].of swapped": "the same",
    "leases.jsonl:[] doubled": "dnsmasq tells a lease that it knows again",
    "leases.jsonl:[].event swapped": "new and known are told apart by the expiry",
    "leases.jsonl:[] dropped": (
        "of a machine that was operated on since: a survivor's are without a break"
    ),
    "migration.json:options.node_arch value": DEFAULT,
    "migration.json:rows[].interfaces[] value": (
        "rows of bm_interfaces, for a person who looks one up; the MACs are judged"
    ),
    "migration.json:rows[].interfaces[] swapped": "the same",
    "migration.json:rows[].notes value": TOLD,
    "migration.json:rows[].notes[] value": TOLD,
    "migration.json:rows[].notes[] dropped": TOLD,
    "migration.json:rows[].notes[] doubled": TOLD,
    "migration.json:source value": URLS,
    "migration.json:target value": URLS,
    "migration.json:tool value": COMMAND,
    "operations.json:[].detail value": TOLD,
    "operations.json:[].detail swapped": TOLD,
    "operations.json:[].name swapped": "the order of two operations on one instance",
    "operations.json:[].seconds swapped": TOOK,
    "operations.json:[].deploy.agent.version value": MACHINE,
    "operations.json:[].deploy.changes[].step value": (
        "steps but the one that writes the disk, which is judged, are for a person"
    ),
    "operations.json:[].deploy.changes[].step swapped": "the same",
    "operations.json:[].deploy.changes[] dropped": (
        "one between the first and the last, which are judged: looks may miss one"
    ),
    "proxy.json:[].detail value": TOLD,
    "proxy.json:[].name swapped": "the order of two checks",
    "secrets.json:sought[] value": "names; each BMC's is judged",
    "tempest/results.json:tests[].name swapped": "two tests that ended alike",
    "tempest/results.json:tests[].seconds value": TOOK,
    "tempest/results.json:tests[].seconds swapped": TOOK,
    "tempest-base/results.json:tests[].name swapped": "two tests that ended alike",
    "tempest-base/results.json:tests[].seconds value": TOOK,
    "tempest-base/results.json:tests[].seconds swapped": TOOK,
}

#: Of these, what a sample need not find.
SELDOM = ("heartbeat.jsonl:[] dropped",)

#: Nobody may declare that these do not matter.
NEVER = re.compile(
    r"state|status|power|uuid|instance|mac|bmc|ip|ips|address|host|node|time|taken_at"
    r"|created_at|started_at|finished_at|begin|id|boot_id|seq|vif|vifs|port|owner"
)

#: Of each pattern and kind of change.
SAMPLE = 2
SOAK = bool(os.environ.get("IRONIC_SIDEWAYS_SOAK"))

#: What only some runs leave, and what the verdict itself writes.
ADDED = (
    *("base-before.json", "base-after.json"),
    *("clustered.json", "exact-match.json", "fail-over.json", "verdict.json"),
)
FILES = sorted({f for schema in schemas.every() for f in schema.files} - {*ADDED})

Groups = dict[str, list[mutants.Mutant]]


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> mutants.Judge:
    directory = tmp_path_factory.mktemp("complete")
    complete.lay_down(directory, nodes=8)
    return mutants.Judge(directory)


def groups(directory: Path, file: str) -> Groups:
    """The changes of a document, by pattern and kind."""
    found = defaultdict(list)
    for mutant in mutants.of(directory, file, OWN):
        found[str(mutant)].append(mutant)
    return found


def unnoticed(judge: mutants.Judge, every: list[mutants.Mutant]) -> mutants.Steps:
    """The place of a change that no check notices; empty where each is noticed."""
    # A change that the table allows is sought until one is found.
    most = 40 if str(every[0]) in TABLE else SAMPLE
    chosen = random.Random(18)  # noqa: S311
    some = every if SOAK else chosen.sample(every, min(most, len(every)))
    return next((mutant.steps for mutant in some if not judge.red(mutant)), ())


def test_the_evidence_is_of_a_good_run_and_has_each_document(judge):
    assert verdict.verdict(judge.directory).red == []
    assert mutants.files(judge.directory) == FILES


@pytest.mark.parametrize("file", FILES)
def test_every_change_is_red_or_stands_in_the_table(judge, file):
    every = groups(judge.directory, file)
    green = {name: unnoticed(judge, found) for name, found in every.items()}
    table = {name for name in TABLE if name.startswith(f"{file}:")}
    must = table if SOAK else table - {*SELDOM}

    assert {n: steps for n, steps in green.items() if steps and n not in table} == {}
    assert [name for name in must if not green.get(name)] == [], "is judged, or absent"


def test_a_key_that_nobody_judges_is_found(tmp_path):
    complete.lay_down(tmp_path, nodes=8)
    planted = {"planted": "by this test"}
    files.edit(tmp_path / "maintenance.json", lambda d: d.update(planted))
    every = groups(tmp_path, "maintenance.json")["maintenance.json:planted value"]

    assert unnoticed(mutants.Judge(tmp_path), every) == ("planted",)


def test_the_table_is_of_few_leaves_and_of_nothing_else(tmp_path):
    complete.lay_down(tmp_path)
    every: Groups = {}
    for file in FILES:
        every |= groups(tmp_path, file)
    of_leaves = {n: len(found) for n, found in every.items() if n.endswith(" value")}
    covered = sum(number for name, number in of_leaves.items() if name in TABLE)

    assert covered / sum(of_leaves.values()) <= 0.05, covered
    assert [name for name in TABLE if name not in every] == []


def test_the_table_has_no_state_identity_address_power_or_time():
    leaves = [name.split()[0] for name in TABLE if name.endswith(" value")]
    told = [
        one
        for one in leaves
        if NEVER.fullmatch(re.split(r"[.:]", one.rstrip("[]"))[-1])
    ]

    assert told == []


def test_the_table_tells_why():
    assert all(TABLE.values())
    assert not [name for name in TABLE if "*" in name or len(name.split()) != 2]
