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

"""Locks and the compute service: before, in the window, and after its end."""

import pytest

from ironic_sideways.report import maintenance
from ironic_sideways.tests.unit.report.small_move import files


def failed(directory) -> list[str]:
    return [check.name for check in maintenance.check_maintenance(directory).failures]


def of_server(uuid: str, **change):
    def alter(document):
        for server in document["servers"]:
            if server["uuid"] == uuid:
                server.update(change)

    return alter


def test_the_figure_says_how_many_were_locked_before(evidence):
    finding = maintenance.check_maintenance(evidence)

    assert finding.ok
    assert finding.figure == "2 instances locked, 1 of them before"


@pytest.mark.parametrize(
    ("snapshot", "uuid", "change", "name"),
    [
        (
            "after",
            "server-run",
            {"locked": False},
            "lock of server-run in the window",
        ),
        (
            "after",
            "server-run",
            {"locked_reason": None},
            "lock of server-run in the window",
        ),
        (
            "after",
            "server-stop",
            {"locked_reason": "maintenance"},
            "lock of server-stop in the window",
        ),
        (
            "ended",
            "server-run",
            {"locked": True},
            "lock of server-run after the end",
        ),
        (
            "ended",
            "server-stop",
            {"locked": False, "locked_reason": None},
            "lock of server-stop after the end",
        ),
        (
            "ended",
            "server-stop",
            {"locked_reason": "maintenance"},
            "lock of server-stop after the end",
        ),
    ],
)
def test_a_lock_that_is_not_as_it_must_be_is_named(
    evidence, snapshot, uuid, change, name
):
    files.edit(evidence / f"{snapshot}.json", of_server(uuid, **change))

    assert failed(evidence) == [name]


def test_an_instance_that_is_gone_after_the_end_is_named(evidence):
    files.edit(evidence / "ended.json", lambda d: d["servers"].pop(0))

    assert failed(evidence) == ["lock of server-run after the end"]


def test_a_service_that_was_disabled_before_must_be_so_again(evidence):
    reason = {"status": "disabled", "disabled_reason": "a new disk"}
    files.edit(evidence / "before.json", lambda d: d["services"][0].update(reason))
    assert "record of compute service isw0" in failed(evidence)

    files.edit(evidence / "maintenance.json", lambda d: d["services"][0].update(reason))
    assert failed(evidence) == ["compute service isw0 after the end"]

    files.edit(evidence / "ended.json", lambda d: d["services"][0].update(reason))
    assert failed(evidence) == []


def test_a_record_that_forgets_an_instance_is_a_failure(evidence):
    files.edit(evidence / "maintenance.json", lambda d: d["locked_before"].clear())

    assert failed(evidence) == ["record of the locks"]


@pytest.mark.parametrize(
    ("key", "name", "detail"),
    [
        ("refused", "a member's calls in the window", "missing ['unlock']"),
        ("permitted", "a member's calls after the end", "missing ['rename']"),
    ],
)
def test_s2_a_policy_that_was_not_in_force_or_stayed_is_named(
    evidence, key, name, detail
):
    files.edit(evidence / "maintenance.json", lambda d: d[key].pop())
    [failure] = maintenance.check_maintenance(evidence).failures
    assert (failure.name, detail in failure.detail) == (name, True)

    files.edit(evidence / "maintenance.json", lambda d: d.pop(key))
    assert failed(evidence) == [name]


def test_a_record_that_tells_nothing_of_the_end_is_red(evidence):
    def cut(document):
        del document["ending"], document["ended"]

    files.edit(evidence / "maintenance.json", cut)

    failed = maintenance.check_maintenance(evidence).failures
    assert [check.name for check in failed] == ["maintenance ended"]


def test_a_window_that_did_not_end_is_judged_all_the_same(evidence):
    (evidence / "ended.json").unlink()
    files.edit(evidence / "after.json", lambda d: d["servers"][0].update(locked=False))

    failures = maintenance.check_maintenance(evidence).failures

    assert [(check.name, check.state) for check in failures] == [
        ("lock of server-run in the window", "failed"),
        ("all after the end", "absent"),
    ]
