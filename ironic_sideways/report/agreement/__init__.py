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

"""What two documents tell of one thing agrees: what is recorded twice is judged twice.

One check for each thing; a document that is absent is missed by its own subject, or
here where it has none.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.evidence import compare, documents
from ironic_sideways.report.agreement import (
    instances,
    keys,
    machines,
    nodes,
    phases,
    run,
)
from ironic_sideways.report.agreement.looks import Document
from ironic_sideways.report.findings import Finding, in_one

Tell = Callable[[Path, Document], Iterator[str]]

#: The document that each is about, and what is told in it.
ALL: tuple[tuple[str, Tell], ...] = (
    ("workload.json", instances.workload),
    ("workload.json", instances.workload_boots),
    ("allocations.json", instances.allocations),
    ("before.json", instances.consumers),
    ("port-bindings.json", instances.port_bindings),
    ("port-bindings.json", instances.bound),
    ("before.json", instances.vifs),
    ("before.json", instances.at_rest),
    ("before.json", instances.leaning),
    ("takeover.json", nodes.takeover),
    ("resources.json", nodes.resources),
    ("migration.json", nodes.rows),
    ("heartbeat.jsonl", machines.beats),
    ("ended.json", instances.bindings),
    ("before.json", keys.alike),
    ("before.json", keys.together),
    ("bmc.json", machines.machine_powers),
    ("bmc.json", machines.switched),
    ("migration.json", nodes.options),
    ("takeover.json", nodes.conductors),
    ("operations.json", run.operations),
    ("proxy.json", run.proxied),
    ("takeover.json", run.moved_by),
    ("migration.json", nodes.asked),
    ("tempest/results.json", run.base_tests),
    ("secrets.json", run.sought),
    ("environment.json", run.environment),
    ("after.json", instances.reasons),
    ("flavors.json", instances.flavors),
    ("dhcp-options.json", instances.boot_options),
    ("before.json", machines.sequences),
    ("before.json", machines.machines),
    ("before.json", instances.providers),
    ("events.jsonl", run.moments),
    ("events.jsonl", run.begun),
    ("events.jsonl", phases.own_logs),
    ("events.jsonl", phases.instant),
    ("heartbeat.jsonl", phases.verified),
    ("judges.json", phases.judged),
    ("proxy.json", phases.proxy_asked),
    ("tempest/results.json", phases.tempest_asked),
    ("bmc.json", machines.commands),
    ("bmc.json", machines.obeyed),
    ("heartbeat.jsonl", machines.one_machine),
    ("heartbeat.jsonl", machines.strangers),
    ("leases.jsonl", machines.addresses),
    ("leases.jsonl", machines.asleep),
)

#: With the fake driver's base.
NO_INSTANCE = "no instance is on a node"

#: Of these, what no subject of its own misses.
ALONE = ("workload.json", "allocations.json", "port-bindings.json")


def check_agreement(directory: Path) -> Finding:
    """The documents tell one account of the run."""
    checks = list(check(directory))
    number = sum(check.name != NO_INSTANCE for check in checks)
    figure = f"what documents must agree on: {number}"
    told = in_one("one account", checks)
    return Finding("agreement", told, figure, nothing=not number)


def check(directory: Path) -> Iterator[compare.Check]:
    """One check for each thing that documents must agree on."""
    before = documents.read(directory / "before.json")
    if before["base_driver"] == "fake":
        yield compare.Check(NO_INSTANCE, True, "nothing is told twice of one")
        return
    for file in ALONE:
        if not (directory / file).exists():
            yield compare.Check(file, False, "absent", where=file, absent=True)
    for file, tell in ALL:
        if not (directory / file).exists():
            continue
        name = f"{tell.__name__.replace('_', ' ')} agree"
        try:
            wrong = list(tell(directory, before))
        except exceptions.SidewaysError:
            # Its own subject misses it, or its schema.
            continue
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            wrong = [f"{file} is malformed: {type(error).__name__} {error}"]
        detail = "; ".join(wrong[:3])
        yield compare.Check(name, not wrong, detail, where=f"{file}:1" if wrong else "")
