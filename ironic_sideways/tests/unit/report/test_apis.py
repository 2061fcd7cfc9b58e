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

import json

import pytest

from ironic_sideways import exceptions
from ironic_sideways.evidence import documents, prober
from ironic_sideways.report import apis, schemas
from ironic_sideways.tests.unit.report import probes, small_move
from ironic_sideways.tests.unit.report.small_move import files, phases

#: In the window: the phase takeover, and its middle.
TAKEOVER = phases.BEGIN + phases.STARTS["takeover"] + 1
SCHEDULER = phases.BEGIN + phases.STARTS["scheduler"] + 0.5
SERVICES = (*prober.APIS, prober.LOCK)


def rewrite(directory, change):
    """Let ``change`` make others of the lines of api.jsonl."""
    path = directory / "api.jsonl"
    found = [json.loads(line) for line in path.read_text().splitlines()]
    files.write_lines(path, change(found))


@documents.read_once()
def failed(directory) -> dict[str, str]:
    """Name and detail of each check that failed."""
    return {c.name: c.detail for c in apis.check_apis(directory).failures}


def test_a_good_run_is_green_with_a_row_for_each_service(evidence):
    finding = apis.check_apis(evidence)

    assert finding.ok and finding.figure == "no API was away"
    assert [c.name for c in finding.checks if c.name.endswith(" away")] == [
        f"{service} away" for service in SERVICES
    ]


@pytest.mark.parametrize("service", prober.APIS)
@pytest.mark.parametrize("answer", ["503", "ConnectFailure", "ConnectTimeout"])
def test_an_api_that_is_away_for_long_is_named_with_its_phase(
    evidence, service, answer
):
    since, until = TAKEOVER, TAKEOVER + 33
    rewrite(evidence, lambda ls: probes.away(ls, service, since, until, answer))

    told = failed(evidence)

    assert list(told) == [f"{service} away"]
    assert "33.0 s in takeover, allowed are 30 s" in told[f"{service} away"]


@pytest.mark.parametrize("answer", ["401", "204", "418", "MissingAuthPlugin"])
def test_an_answer_that_no_api_away_gives_is_red_at_once(evidence, answer):
    since = TAKEOVER
    rewrite(evidence, lambda ls: probes.away(ls, "nova", since, since + 1, answer))

    assert list(failed(evidence)) == ["nova answers"]


def test_one_slow_answer_is_no_absence(evidence):
    since = TAKEOVER
    rewrite(evidence, lambda ls: probes.away(ls, "glance", since, since + 9, "504"))

    finding = apis.check_apis(evidence)

    assert finding.ok
    assert finding.figure == "at the longest away: glance for 9.0 s in takeover"


@pytest.mark.parametrize(("seconds", "named"), [(18, []), (33, ["nova away"])])
def test_a_right_answer_that_came_late_is_an_absence(evidence, seconds, named):
    def late(lines):
        """As of a probe that waited: those that it kept from being sent are none."""
        found, number = [], 0
        for line in probes.cut(lines, lambda at: None):
            if line["service"] == "nova":
                if TAKEOVER < line["time"] < TAKEOVER + seconds:
                    continue
                number += 1
                line |= {"first": number, "last": number}
                if TAKEOVER - 1 < line["time"] <= TAKEOVER:
                    line["until"] = TAKEOVER + seconds - 0.1
            found.append(line)
        return found

    rewrite(evidence, late)

    assert list(failed(evidence)) == named
    assert "nova for" in apis.check_apis(evidence).figure


def test_the_restart_of_nova_api_has_a_budget_of_its_own(evidence):
    for service in ("nova", "lock"):
        rewrite(
            evidence,
            lambda ls, s=service: probes.away(
                ls, s, SCHEDULER, SCHEDULER + 33, "ConnectFailure"
            ),
        )

    assert apis.check_apis(evidence).ok


def test_a_restart_that_takes_too_long_is_red(evidence, monkeypatch):
    monkeypatch.setitem(apis.BUDGETS, ("nova", "scheduler"), 12.0)
    rewrite(
        evidence,
        lambda ls: probes.away(ls, "nova", SCHEDULER, SCHEDULER + 33, "502"),
    )

    assert list(failed(evidence)) == ["nova away"]


def test_an_api_that_never_comes_back_is_away_to_the_end(evidence):
    """Longer than what the deploys after the window may take from it."""
    path = evidence / "events.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    for event in events:
        if event["time"] >= phases.GATHERED:
            event["time"] += 120
    files.write_lines(path, events)
    begin, until = phases.BEGIN - 1, phases.GATHERED + 120
    held = phases.BEGIN, phases.BEGIN + 50
    good = probes.lines(begin, until - 22, held)
    files.write_lines(evidence / "api.jsonl", good)
    assert not failed(evidence)
    since = phases.OPERATED + 10
    rewrite(evidence, lambda ls: probes.away(ls, "neutron", since, since + 110, "503"))
    assert not failed(evidence)

    files.write_lines(evidence / "api.jsonl", good)
    rewrite(evidence, lambda ls: probes.away(ls, "neutron", since, 2e9, "503"))

    detail = failed(evidence)["neutron away"]
    assert "in operate, allowed are 120 s" in detail


@pytest.mark.parametrize("answer", ["200", "202", "403", "404", "409"])
def test_a_call_that_the_lock_did_not_refuse_is_red(evidence, answer):
    since = TAKEOVER
    rewrite(evidence, lambda ls: probes.away(ls, "lock", since, since + 1, answer))

    told = failed(evidence)

    (detail,) = told.values()
    assert list(told) == ["a member's calls that the lock did not refuse"]
    assert detail.startswith(f"{answer}, 1 times from")


def test_a_call_before_all_is_locked_or_once_the_end_unlocks_is_none(evidence):
    begun = phases.BEGIN + 2
    rewrite(evidence, lambda ls: probes.away(ls, "lock", 0, begun - 0.5, "200"))
    ends = phases.BEGIN + phases.STARTS["end-maintenance"]
    rewrite(evidence, lambda ls: probes.away(ls, "lock", ends + 0.5, 2e9, "200"))

    assert not failed(evidence)


def test_a_lock_that_nobody_answers_for_is_away(evidence):
    since = TAKEOVER - 12
    rewrite(evidence, lambda ls: probes.away(ls, "lock", since, since + 33, "503"))

    assert list(failed(evidence)) == ["lock away"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_prober_that_was_dead_is_red(evidence, service):
    def dead(lines):
        """As one that was killed and started again: its numbers go on."""
        found, number = [], 0
        for line in probes.cut(lines, lambda at: None):
            if line["service"] == service:
                if TAKEOVER <= line["time"] < TAKEOVER + 18:
                    continue
                number += 1
                line |= {"first": number, "last": number}
            found.append(line)
        return found

    rewrite(evidence, dead)

    told = failed(evidence)

    assert list(told) == [f"{service} probed"]
    assert "without a probe from" in told[f"{service} probed"]


@pytest.mark.parametrize("service", SERVICES)
def test_what_was_never_probed_proves_nothing(evidence, service):
    rewrite(evidence, lambda ls: [one for one in ls if one["service"] != service])

    assert failed(evidence)[f"{service} probed"] == "never probed"


@pytest.mark.parametrize("service", SERVICES)
def test_a_prober_that_began_late_or_ended_early_is_red(evidence, service):
    def some(after, before):
        def change(lines):
            found, number = [], 0
            for line in lines:
                if line["service"] == service:
                    if not after <= line["time"] < before:
                        continue
                    probes_of = line["last"] - line["first"]
                    line |= {"first": number + 1, "last": number + 1 + probes_of}
                    number = line["last"]
                found.append(line)
            return found

        return change

    whole_file = (evidence / "api.jsonl").read_text()
    rewrite(evidence, some(TAKEOVER, 2e9))
    late = failed(evidence)
    (evidence / "api.jsonl").write_text(whole_file)
    rewrite(evidence, some(0, TAKEOVER))
    early = failed(evidence)

    assert list(late) == list(early) == [f"{service} probed"]


@pytest.mark.parametrize("at", range(12))
def test_each_line_is_where_it_belongs(evidence, at):
    """One that is left out, doubled, or swapped with another is missed."""
    path = evidence / "api.jsonl"
    good = [json.loads(line) for line in path.read_text().splitlines()]
    mine = [n for n, line in enumerate(good) if line["service"] == "nova"]
    here, following = mine[at % len(mine)], mine[(at + 1) % len(mine)]
    swapped = list(good)
    swapped[here], swapped[following] = good[following], good[here]
    for lines in (
        [line for n, line in enumerate(good) if n != here or n == mine[0]],
        [*good[:here], good[here], *good[here:]],
        swapped,
    ):
        files.write_lines(path, lines)
        assert lines == good or list(failed(evidence)) == ["nova probed"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("first", 1),
        ("last", 400),
        ("time", phases.BEGIN - 50),
        ("time", phases.BEGIN + 900),
        ("until", phases.BEGIN - 50),
        ("until", phases.BEGIN + 900),
        ("service", "glance"),
        ("answer", "200 "),
    ],
)
def test_each_value_of_a_line_is_judged(evidence, key, value):
    def change(lines):
        of_nova = [line for line in lines if line["service"] == "nova"]
        of_nova[len(of_nova) // 2][key] = value
        return lines

    rewrite(evidence, change)

    assert failed(evidence)


def test_without_instances_nothing_is_locked(evidence):
    small_move.without_instances(evidence)
    rewrite(evidence, lambda ls: [one for one in ls if one["service"] != "lock"])

    assert apis.check_apis(evidence).ok


def test_a_line_of_another_form_is_named_by_its_number(evidence):
    path = evidence / "api.jsonl"
    path.write_text(f'{{"service": "nova"}}\n{path.read_text()}')

    with pytest.raises(exceptions.EvidenceMalformed, match=r"api\.jsonl"):
        apis.check_apis(evidence)
    (schema,) = (one for one in schemas.every() if one.name == "api")
    assert list(schemas.faults(schema, path))


def test_a_window_that_did_not_end_is_judged_as_far_as_it_came(evidence):
    path = evidence / "events.jsonl"
    found = [json.loads(line) for line in path.read_text().splitlines()]
    until = [e.get("name") for e in found].index("takeover")
    files.write_lines(path, found[: until + 1])

    assert apis.check_apis(evidence).ok
