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

"""grenade/after-upgrade: what is proven after the window, and the verdict."""

from pathlib import Path

import pytest

from ironic_sideways.tests.functional.grenade.standin import REPOSITORY, Standin

AFTER = REPOSITORY / "grenade" / "after-upgrade"
TOOLS = "ironic-sideways/venv/ironic-sideways"
EVIDENCE = "/stack/data/ironic-sideways/hardware/evidence"
JUDGED = [
    f"venv/ironic-sideways verdict {EVIDENCE}",
    f"venv/ironic-sideways report {EVIDENCE}",
]


@pytest.fixture
def moved(tmp_path: Path) -> Standin:
    found = Standin(tmp_path)
    found.deployment()
    (found.state / "nova_bm.url").write_text("mysql://a:b@c/d")
    found.ironic()
    found.environment["DEPLOYMENT"] = "devstack"
    found.write(f"{EVIDENCE[1:]}/migration.json", "")
    return found


def asked(moved: Standin) -> list[str]:
    """What the tools were asked, records of phases left out."""
    calls = [c for c in moved.calls() if " record " not in c and " lab show" not in c]
    return [" ".join(c.split()[:3]) for c in calls]


@pytest.mark.parametrize("words", [[], ["destroy"]])
def test_an_unknown_word_is_bad_usage(moved, words):
    done = moved.run(AFTER, *words)

    assert done.returncode == 2
    assert "expected judge or report" in done.stderr


def test_the_proof_comes_first_and_the_page_last(moved):
    assert moved.run(AFTER, "judge").returncode == 0

    assert [call for call in asked(moved) if "ironic-sideways" in call] == [
        "venv/ironic-sideways workload verify",
        "venv/ironic-sideways evidence leases",
        "venv/ironic-sideways evidence judges",
        "venv/ironic-sideways wait-service --os-cloud",
        "venv/ironic-sideways wait-service --os-cloud",
        "venv/ironic-sideways evidence snapshot",
        "venv/ironic-sideways workload operate",
        "venv/ironic-sideways evidence judges",
        # Tempest wants free nodes, and runs where the tools are.
        "venv/ironic-sideways workload destroy",
        f"{TOOLS} tempest --os-cloud",
        "venv/ironic-sideways evidence last-look",
        "venv/ironic-sideways evidence collect",
        f"venv/ironic-sideways verdict {EVIDENCE}",
        f"venv/ironic-sideways report {EVIDENCE}",
    ]
    gathered, _, record, judged, _ = moved.calls()[-5:]
    assert gathered.endswith("--again-by ./grenade.sh")
    assert record.endswith("events.jsonl --left-out proxy")
    assert judged.endswith("/evidence/verdict.json")


def test_a_second_start_is_of_all_that_the_move_brought(moved):
    assert moved.run(AFTER, "judge").returncode == 0

    calls = moved.calls()
    stopped = [c.rpartition(" ")[2] for c in calls if "systemctl stop" in c]
    assert stopped == [
        "devstack@ir-cond.service",
        "devstack@ir-api.service",
        "devstack@n-cpu.service",
    ]
    *_, waited = (c for c in calls if " wait-service " in c)
    assert "--binary nova-compute" in waited and " --since " in waited
    (look,) = (c for c in calls if " evidence snapshot " in c)
    assert "restarted.json" in look and "--ironic-cloud system" in look
    assert calls.index("start_ironic") < calls.index(waited) < calls.index(look)


def test_upstreams_judges_are_asked_while_the_instances_are_there(moved):
    assert moved.run(AFTER, "judge").returncode == 0

    asked = [c for c in moved.calls() if " evidence judges " in c]
    assert asked == [
        "venv/ironic-sideways evidence judges --os-cloud system "
        "--nova-config /etc/nova/nova.conf --ironic-config /etc/ironic/ironic.conf "
        f"--migration {EVIDENCE}/migration.json --output {EVIDENCE}/{name}.json"
        for name in ("judges", "judges-again")
    ]


def test_what_was_done_is_not_done_again_and_judged_anew(moved):
    moved.run(AFTER, "judge")
    moved.run(AFTER, "judge")

    assert asked(moved) == ["venv/ironic-sideways evidence collect", *JUDGED]


@pytest.mark.parametrize("name", ["verify", "operate", "tempest"])
def test_whatever_fails_there_is_a_verdict(moved, name):
    """Of a Grenade whose verb fails, nothing that comes later runs."""
    moved.run(AFTER, "judge")
    (number,) = (
        n
        for n, c in enumerate(moved.calls(), 1)
        if c.startswith(
            {
                "verify": "venv/ironic-sideways workload verify",
                "operate": "venv/ironic-sideways workload operate",
                "tempest": f"{TOOLS} tempest",
            }[name]
        )
    )
    for mark in (moved.state / "hardware/evidence/phases").glob("*.done"):
        mark.unlink()

    done = moved.run(AFTER, "judge", FAIL_AT=str(number))

    assert done.returncode == 1
    assert asked(moved)[-2:] == JUDGED


def test_the_verdicts_line_is_the_last_that_the_console_says(moved):
    """The stand-in's verdict is the call itself, which is what it prints."""
    verdict = moved.root / "stack/data/venv/bin/ironic-sideways"
    line = "verdict: FAILED: operations: new server: no node | operations.json"
    verdict.write_text(
        verdict.read_text() + f'[[ $1 != verdict ]] || {{ echo "{line}"; exit 1; }}\n'
    )
    summary = moved.root / "summary"

    done = moved.run(
        "bash", "-c", f"IRONIC_SIDEWAYS_SUMMARY=6 {AFTER} judge 6>{summary}"
    )

    assert done.returncode == 1
    *phases, said, report, resume = summary.read_text().splitlines()
    assert [one.split()[0] for one in phases] == [
        "verify",
        "restarted",
        "operate",
        "tempest",
        "last-look",
        "collect",
    ]
    assert said == f"ironic-sideways: {line}"
    assert report.split()[0] == "report:"
    assert report.endswith("/hardware/evidence/report.html")
    assert resume.split() == ["resume:", "DEPLOYMENT=devstack", str(AFTER), "judge"]


def of_the_last_run(moved: Standin, name: str) -> str:
    """The number of the one call of ironic-sideways with this word."""
    (number,) = (n for n, c in enumerate(moved.calls(), 1) if c.split()[1:2] == [name])
    return str(number)


@pytest.mark.parametrize("name", ["verdict", "report"])
def test_a_red_verdict_and_a_page_that_is_not_written_fail_the_run(moved, name):
    moved.run(AFTER, "judge")
    moved.run(AFTER, "judge")

    done = moved.run(AFTER, "judge", FAIL_AT=of_the_last_run(moved, name))

    assert done.returncode == 1
    assert asked(moved)[-2:] == JUDGED


def test_who_goes_on_is_told_how(moved):
    moved.run(AFTER, "judge")

    again = "--go-on-by DEPLOYMENT=devstack REPOSITORY/grenade/after-upgrade judge "
    assert again in moved.calls()[0]


def test_a_run_that_failed_is_shown_as_it_is(moved):
    assert moved.run(AFTER, "report").returncode == 0

    assert asked(moved) == ["venv/ironic-sideways evidence collect", *JUDGED]
    # Not by what shows it is it gone on with.
    assert not any("--go-on-by" in call for call in moved.calls())


def test_the_page_of_a_red_run_is_a_page_and_one_that_is_not_written_is_not(moved):
    moved.run(AFTER, "report")
    red, unwritten = (of_the_last_run(moved, name) for name in ("verdict", "report"))

    assert moved.run(AFTER, "report", FAIL_AT=red).returncode == 0
    assert moved.run(AFTER, "report", FAIL_AT=unwritten).returncode == 1
