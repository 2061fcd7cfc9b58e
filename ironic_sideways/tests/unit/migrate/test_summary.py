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

"""What a pass over nova_bm counts, keeps and warns of."""

from ironic_sideways.migrate import classify, summary
from ironic_sideways.tests import rows, samples

Outcome = classify.Outcome


def judged(outcome: Outcome, row: dict, **more: object) -> classify.Verdict:
    source = samples.source(row, rows.interface(row["id"]))
    return classify.Verdict(source, outcome, **more)  # type: ignore[arg-type]


def test_each_verdict_is_counted_by_what_becomes_of_it() -> None:
    found = summary.Summary()
    boot = samples.NETBOOT[rows.instance_uuid(1)]
    found.add(judged(Outcome.MIGRATE, rows.used_node(1), netboot=boot))
    found.add(judged(Outcome.PRESENT, rows.used_node(2), notes=["look"]))
    found.add(judged(Outcome.MIGRATE, rows.free_node(3, task_state="deleted")))
    found.add(judged(Outcome.SKIP, rows.free_node(4, service_host="elsewhere")))
    found.add(judged(Outcome.REFUSE, rows.free_node(5), reasons=["no BMC"]))

    assert (found.moving, found.active, found.freed) == (3, 2, 1)
    assert found.netbooted == [rows.instance_uuid(1)]
    assert dict(found.tables["bm_nodes"]) == {
        **{"read": 5, "to_write": 2, "moved_before": 1},
        **{"skipped": 1, "refused": 1},
    }
    assert found.tables["bm_interfaces"]["read"] == 5
    assert [len(kept) for kept in (found.refused, found.noted)] == [1, 1]
    assert "elsewhere" not in found.hosts and len(found.hosts) == 1


def test_only_so_many_are_kept_and_all_are_counted() -> None:
    found = summary.Summary()
    for number in range(1, summary.SHOWN + 3):
        found.add(judged(Outcome.REFUSE, rows.free_node(number), reasons=["no BMC"]))
    assert len(found.refused) == summary.SHOWN
    assert found.counts[Outcome.REFUSE] == summary.SHOWN + 2


def test_interfaces_of_no_node_are_a_warning() -> None:
    found = summary.Summary()
    found.add_orphans(0)
    assert found.warnings == []
    found.add_orphans(2)
    assert found.warnings == [
        "2 bm_interfaces rows name no bm_nodes row and stay behind"
    ]
    assert found.tables["bm_interfaces"]["skipped"] == 2
