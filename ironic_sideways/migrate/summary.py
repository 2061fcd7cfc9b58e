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


"""What a pass over nova_bm found: counts, and the rows that a person looks at."""

import collections
import dataclasses

from ironic_sideways.migrate import classify

#: Refused rows, and rows with notes, that are kept to be shown; all are counted
#: and recorded.
SHOWN = 25
#: Outcome -> what the tables of counts call it.
COLUMNS = {
    classify.Outcome.MIGRATE: "to_write",
    classify.Outcome.PRESENT: "moved_before",
    classify.Outcome.SKIP: "skipped",
    classify.Outcome.REFUSE: "refused",
}


@dataclasses.dataclass
class Summary:
    """What a pass over nova_bm found.

    :param tables: bm_nodes and bm_interfaces: rows read, and what becomes of them.
    :param active: nodes with an instance that are or will be in Ironic.
    :param freed: nodes without an instance that had one before.
    :param netbooted: instances whose images Ironic will need.
    :param shared: bm_nodes row id -> what it shares with other rows.
    """

    counts: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter
    )
    tables: dict[str, collections.Counter[str]] = dataclasses.field(
        default_factory=lambda: {
            "bm_nodes": collections.Counter(),
            "bm_interfaces": collections.Counter(),
        }
    )
    active: int = 0
    freed: int = 0
    refused: list[classify.Verdict] = dataclasses.field(default_factory=list)
    noted: list[classify.Verdict] = dataclasses.field(default_factory=list)
    hosts: set[str] = dataclasses.field(default_factory=set)
    warnings: list[str] = dataclasses.field(default_factory=list)
    netbooted: list[str] = dataclasses.field(default_factory=list)
    shared: dict[int, list[str]] = dataclasses.field(default_factory=dict)

    @property
    def moving(self) -> int:
        """Nodes that are or will be in Ironic."""
        return (
            self.counts[classify.Outcome.MIGRATE]
            + self.counts[classify.Outcome.PRESENT]
        )

    def add(self, verdict: classify.Verdict) -> None:
        """Count one verdict; keep it when a person should look at it."""
        self.counts["read"] += 1
        self.counts[verdict.outcome] += 1
        self.counts["interfaces skipped"] += len(verdict.skipped)
        self._add_tables(verdict)
        source = verdict.source
        if verdict.outcome is not classify.Outcome.SKIP and source.service_host:
            self.hosts.add(source.service_host)
        if (
            verdict.outcome in (classify.Outcome.MIGRATE, classify.Outcome.PRESENT)
            and source.instance_uuid
        ):
            self.active += 1
            if verdict.netboot:
                self.netbooted.append(source.instance_uuid)
        elif verdict.outcome is classify.Outcome.MIGRATE and source.task_state:
            self.freed += 1
        if verdict.outcome is classify.Outcome.REFUSE:
            _keep(self.refused, verdict)
        elif verdict.notes:
            self.counts["noted"] += 1
            _keep(self.noted, verdict)

    def add_orphans(self, count: int) -> None:
        """Count bm_interfaces rows that name no bm_nodes row."""
        if not count:
            return
        cards = self.tables["bm_interfaces"]
        cards["read"] += count
        cards["skipped"] += count
        self.warnings.append(
            f"{count} bm_interfaces rows name no bm_nodes row and stay behind"
        )

    def _add_tables(self, verdict: classify.Verdict) -> None:
        nodes, cards = self.tables["bm_nodes"], self.tables["bm_interfaces"]
        column = COLUMNS[verdict.outcome]
        nodes["read"] += 1
        nodes[column] += 1
        cards["read"] += len(verdict.source.interfaces)
        cards["skipped"] += len(verdict.skipped)
        cards[column] += len(verdict.source.interfaces) - len(verdict.skipped)


def _keep(kept: list[classify.Verdict], verdict: classify.Verdict) -> None:
    if len(kept) < SHOWN:
        kept.append(verdict)
