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

"""What was done after the move is told as its evidence has it, failures first."""

import pytest

from ironic_sideways.report import verdict
from ironic_sideways.report.page import afterwards
from ironic_sideways.tests.unit.report.small_move import files

SHAPES = {
    "resource_class": "baremetal",
    "nodes": [
        {
            **{"uuid": f"node-{cpus}", "cpu_arch": "x86_64", "cpus": cpus},
            **{"memory_mb": 256, "local_gb": 2},
            "resource_class": f"baremetal_{cpus}",
        }
        for cpus in (1, 2)
    ],
    "flavors": [],
    "checks": [
        {
            **{"name": "small on small", "ok": True, "detail": "on node-1"},
            "seconds": 70.2,
        },
        {"name": "no third shape", "ok": False, "detail": "was built", "seconds": 3.0},
    ],
}

ROUNDS = {
    "workers": ["one", "two"],
    "killed": ["one", "two", "one"],
    "each": 0,
    "build_timeout": 60,
    "periodic": 10,
    "rounds": [
        {"name": "idle, one", "ok": True, "detail": "two serves", "seconds": 12.0}
    ],
}


def steps(name, directory):
    return afterwards.steps(verdict.SUBJECTS[name], directory)


def test_a_deploy_tells_what_its_node_went_through(good):
    found = steps("operations", good)

    (rebuild,) = (row for row in found.rows if row.name == "rebuild")
    assert rebuild.way == [
        (2, "deploying, deploy"),
        (12, "wait call-back, write_image"),
        (30, "active"),
    ]
    assert rebuild.note == "direct, agent 13.0.0 seen"


def test_a_state_that_stays_is_told_once(good):
    def stay(found):
        changes = found[3]["deploy"]["changes"]
        changes.insert(1, {**changes[0], "after": 5})

    files.edit(good / "operations.json", stay)

    (rebuild,) = (r for r in steps("operations", good).rows if r.name == "rebuild")
    assert [after for after, _state in rebuild.way] == [2, 12, 30]


def test_a_deploy_without_agent_says_so(good):
    files.edit(good / "operations.json", lambda d: d[3]["deploy"].update(agent=None))

    (rebuild,) = (r for r in steps("operations", good).rows if r.name == "rebuild")
    assert rebuild.note == "direct, no agent heartbeat"


def test_an_operation_that_failed_is_on_the_page_with_its_reason(good, render_page):
    change = {"ok": False, "detail": "no node would take it"}
    files.edit(good / "operations.json", lambda d: d[0].update(change))

    page = render_page(good)
    section = page.partition('id="operations"')[2].partition("</section>")[0]

    first = section.partition("</tr>")[2].partition("</tr>")[0]
    assert "no node would take it" in first
    assert 'class="red"' in first


def test_each_question_to_the_api_is_there(good, render_page):
    section = render_page(good).partition('id="proxy"')[2].partition("</section>")[0]

    assert section.count('<th scope="row">') == len(steps("proxy", good).rows) == 17
    assert "no token is 401" in section


def test_a_long_answer_is_cut_and_has_no_control_characters(good):
    answer = {"detail": "x" * 5000 + "\x1b[31m"}
    files.edit(good / "proxy.json", lambda d: d[0].update(answer))

    assert len(steps("proxy", good).rows[0].detail) < 500


@pytest.mark.parametrize(
    ("name", "document", "words"),
    [
        (
            "exact-match.json",
            SHAPES,
            ("Flavors and shapes", "was built", "metal_2"),
        ),
        ("clustered.json", ROUNDS, ("Workers of one host", "two serves", "3 kills")),
    ],
)
def test_what_only_some_runs_did_has_a_section_in_those(
    good, render_page, name, document, words
):
    assert words[0] not in render_page(good)

    files.write(good / name, document)

    page = render_page(good)
    assert [word for word in words if word not in page] == []


@pytest.mark.parametrize("name", ["exact-match.json", "clustered.json"])
def test_such_evidence_that_is_malformed_has_its_section_and_says_so(
    good, render_page, name
):
    (good / name).write_text("{}")

    assert "its evidence is malformed: KeyError" in render_page(good)


@pytest.mark.parametrize("name", ["operations", "proxy"])
def test_what_was_left_out_is_said_in_its_place(good, render_page, name):
    (good / f"{name}.json").unlink()
    record = '{"kind": "left-out", "time": 1.0, "memory_used_mb": 1, "subjects": ["X"]}'
    events = good / "events.jsonl"
    events.write_text(f"{events.read_text()}{record.replace('X', name)}\n")

    page = render_page(good)

    section = page.partition(f'id="{name}"')[2].partition("</section>")[0]
    assert "Left out of this run." in section
    assert f"Left out of this run: {name}" in page.partition('class="cells"')[0]
