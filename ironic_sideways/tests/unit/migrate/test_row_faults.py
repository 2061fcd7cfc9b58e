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

"""What of a row keeps it from moving: each spoiled column is a reason."""

import dataclasses

import pytest

from ironic_sideways.migrate import choices, classify, row_faults
from ironic_sideways.tests import rows, samples
from ironic_sideways.tests.unit.migrate.test_classify import OPTIONS, judge


@pytest.mark.parametrize(
    "task_state",
    ["building", "prepared", "deploying", "deploy complete", "deploy failed", "error"],
)
def test_nodes_that_are_not_at_rest_are_refused(task_state: str) -> None:
    verdict = judge(rows.used_node(1, task_state=task_state), rows.plugged(1))
    assert verdict.outcome is classify.Outcome.REFUSE
    assert repr(task_state) in verdict.reasons[0]


@pytest.mark.parametrize("task_state", ["initializing", "building", "active", "what?"])
def test_t4_no_other_word_is_taken_for_stale(task_state: str) -> None:
    verdict = judge(rows.free_node(1, task_state=task_state), stale_states_free=True)
    assert verdict.outcome is classify.Outcome.REFUSE


@pytest.mark.parametrize(
    "spoiled",
    [
        {"uuid": None},
        {"uuid": rows.node_uuid(0xAB).upper()},
        {"instance_uuid": "not-a-uuid"},
        {"instance_uuid": None},
        {"task_state": "deleted"},
        {"task_state": "what is this"},
        {"pm_address": None},
        {"pm_address": ""},
        {"pm_user": None},
        {"pm_password": None},
        {"cpus": -1},
        {"ephemeral_mb": -1},
    ],
    ids=str,
)
def test_a_row_with_one_spoiled_column_is_refused(spoiled: dict) -> None:
    verdict = judge(rows.used_node(1) | spoiled, rows.plugged(1))
    assert verdict.outcome is classify.Outcome.REFUSE
    assert len(verdict.reasons) == 1


@pytest.mark.parametrize("column", ["pm_user", "pm_password"])
def test_t5_an_empty_user_or_password_of_a_bmc_moves(column: str) -> None:
    verdict = judge(rows.used_node(1, **{column: ""}), rows.plugged(1))
    assert verdict.outcome is classify.Outcome.MIGRATE


def test_an_architecture_that_nobody_names_is_asked_for() -> None:
    verdict = classify.classify(
        samples.source(rows.free_node(1), rows.interface(1)),
        choices.Options(resource_class="baremetal", owner=None),
        classify.Policy(),
    )
    assert "give --node-arch" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0d000000-0000-4000-8000-0000000000ab", True),
        ("0D000000-0000-4000-8000-0000000000AB", False),
        ("0d0000000000400080000000000000ab", False),
        ("{0d000000-0000-4000-8000-0000000000ab}", False),
        ("", False),
        (None, False),
    ],
)
def test_a_uuid_is_what_nova_and_ironic_write(
    text: str | None, canonical: bool
) -> None:
    assert row_faults.is_canonical_uuid(text) is canonical


@pytest.mark.parametrize(
    ("host", "refused"), [("compute-1.example", False), ("rack 1", True), (None, True)]
)
def test_a_shard_is_a_name_that_novas_configuration_takes(
    host: str | None, refused: bool
) -> None:
    verdict = classify.classify(
        samples.source(rows.free_node(1, service_host=host), rows.interface(1)),
        dataclasses.replace(OPTIONS, shard_by_service_host=True),
        classify.Policy(),
    )

    assert any("--shard-by-service-host" in r for r in verdict.reasons) is refused
