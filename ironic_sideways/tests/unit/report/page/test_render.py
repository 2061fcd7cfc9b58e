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

"""The page is made of whatever evidence there is, and repeats no secret."""

import html.parser
import json
import re
from pathlib import Path

import pytest

from ironic_sideways.cmd import main
from ironic_sideways.evidence import tenants
from ironic_sideways.report import verdict
from ironic_sideways.report.page import render
from ironic_sideways.tests.unit.report import example
from ironic_sideways.tests.unit.report.example import clock, lab_logs
from ironic_sideways.tests.unit.report.small_move import files, log_files, phases

SECTIONS = (
    "ledger",
    "timeline",
    "heartbeats",
    "sides",
    "migration",
    "take-over",
    "resources",
    "operations",
    "proxy",
    "tempest",
    "errors",
    "logs",
    "environment",
    "again",
)

EVIDENCE = sorted(
    (
        *("before.json", "after.json", "ended.json", "migration.json"),
        *("takeover.json", "resources.json", "heartbeat.jsonl", "events.jsonl"),
        *("tempest/results.json", "environment.json", "maintenance.json"),
        *("operations.json", "proxy.json"),
    )
)


class Ids(html.parser.HTMLParser):
    """Every id of a page, and every place that a link of it leads to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self.links.append(found["href"])


def sections(page: str) -> set[str]:
    return set(re.findall('<section id="([^"]+)"', page))


def test_the_examples_are_what_they_say(run):
    directory = run(example.good)

    assert verdict.verdict(directory).passed


def test_a_good_run_has_every_section_with_something_in_it(good, render_page):
    page = render_page(good)

    assert "Nothing to show" not in page
    assert set(SECTIONS) <= sections(page)
    assert "4 instances moved to Ironic, and survived" in page


def test_the_first_screen_of_a_failed_run_says_what_why_and_where(failed, render_page):
    page = render_page(failed)
    first = page.partition('<dl class="cells">')[0]
    looked_at = verdict.verdict(failed).first
    assert looked_at
    finding, check = looked_at

    assert f"{finding.name}: {check.name}" in first
    assert "boot_id: &#39;boot-1&#39; became &#39;boot-2&#39;" in first
    assert check.where in first
    assert "tools/run_upgrade.sh --resume" in first


@pytest.mark.parametrize("name", EVIDENCE)
def test_without_any_one_file_the_page_is_there_and_says_so(good, render_page, name):
    (good / name).unlink()

    page = render_page(good)

    assert set(SECTIONS) <= sections(page)
    assert name.partition("/")[0].removesuffix(".json") in page


@pytest.mark.parametrize("name", EVIDENCE)
@pytest.mark.parametrize("text", ["{}", '[{"kind": "phase"}]'])
def test_whatever_a_file_holds_the_page_is_there(good, render_page, name, text):
    (good / name).write_text(text)

    assert set(SECTIONS) <= sections(render_page(good))


def test_an_empty_directory_has_a_page_too(tmp_path, render_page):
    page = render_page(tmp_path)

    assert set(SECTIONS) <= sections(page)
    assert "FAILED" in page


@pytest.mark.parametrize("make", [example.good, example.failed, example.cut_short])
def test_ids_are_unique_and_links_lead_somewhere(run, render_page, make):
    directory = run(make)
    found = Ids(render_page(directory))

    assert len(found.ids) == len(set(found.ids))
    for link in found.links:
        if link.startswith("#"):
            assert link[1:] in found.ids
        else:
            assert (directory / link).exists()


def test_nothing_is_asked_of_anywhere_else(failed, render_page):
    page = render_page(failed)
    # An SVG's namespace is a name, and no address.
    page = page.replace("http://www.w3.org/2000/svg", "")

    assert not re.search(r"(src|href|url|@import)[=(\s]+['\"]?(https?:)?//", page)
    assert "default-src 'none'" in page


SECRETS = {
    "of a URL": ("mysql+pymysql://nova:hunter2secret@127.0.0.1/nova", "hunter2secret"),
    "of a token": ("sent gAAAAABm0123456789abcdefghijklmnop", "gAAAAABm0123456789"),
    "of a BMC": ("{'ipmi_password': 'hunter2secret'}", "hunter2secret"),
    "of a header": ("X-Auth-Token: hunter2secret", "hunter2secret"),
}


@pytest.mark.parametrize(("text", "secret"), SECRETS.values(), ids=SECRETS)
def test_a_secret_in_the_evidence_is_not_on_the_page(failed, text, secret, capsys):
    def leak(document):
        document["nodes"][0]["last_error"] = text
        document["forbidden"].append(f"ironic-conductor.log:3: {text}")

    files.edit(failed / "takeover.json", leak)
    files.edit(failed / "environment.json", lambda d: d.update(command=text))
    events = failed / "events.jsonl"
    why = {**phases.phase("takeover", "failed", clock.BEGIN + 99), "figure": text}
    events.write_text(f"{events.read_text()}{json.dumps(why)}\n")
    log = failed / "phases" / "takeover.log"
    log.write_text(f"{text}\n")

    assert main.main(["report", str(failed)]) == 0

    for name in ("report.html", "summary.txt", "junit.xml"):
        assert secret not in (failed / name).read_text(), name
        assert "***" in (failed / name).read_text(), name


def test_what_the_evidence_holds_is_never_markup(failed, render_page):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    for name in ("after", "before"):
        files.edit(failed / f"{name}.json", lambda d: d["servers"][0].update(name=evil))
    files.edit(failed / "environment.json", lambda d: d.update(commit=evil))

    page = render_page(failed)

    assert page.count("<script>") == 1
    assert "<img" not in page


def test_a_page_elsewhere_links_back_to_the_evidence(good, tmp_path, capsys):
    output = tmp_path / "pages" / "today"

    assert main.main(["report", str(good), "--output", str(output)]) == 0

    page = output / "report.html"
    links = [x for x in Ids(page.read_text()).links if not x.startswith("#")]
    assert links
    assert all((page.parent / link).exists() for link in links)
    assert str(page) in capsys.readouterr().out


def test_what_was_written_is_told_in_one_line(good, capsys):
    main.main(["report", str(good)])

    told = f"{good}/report.html, with summary.txt and junit.xml beside it\n"
    assert capsys.readouterr().out == told


def test_no_directory_is_bad_usage(tmp_path: Path, capsys):
    assert main.main(["report", str(tmp_path / "none")]) == 2
    assert "expected an evidence directory" in capsys.readouterr().err


def test_where_nothing_can_be_written_is_said(good, capsys):
    (good / "file").touch()

    assert main.main(["report", str(good), "--output", str(good / "file")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def section(page: str, name: str) -> str:
    return page.partition(f'<section id="{name}"')[2].partition("</section>")[0]


def test_errors_that_no_rule_knows_are_listed_with_their_context(failed, render_page):
    found = section(render_page(failed), "errors")

    assert lab_logs.UNKNOWN in found
    assert "3 times" in found
    assert 'href="logs/nova-compute.log"' in found
    assert 'class="hit"' in found


def test_errors_beyond_those_with_context_are_listed_all_the_same(
    failed, render_page, monkeypatch
):
    log = failed / "logs" / "nova-api.log"
    moment = clock.span("compute")[0]
    words = [f"kind {word}" for word in "abcde"]
    lines = (
        log_files.log_line(moment + second, word, "ERROR")
        for second, word in enumerate(words)
    )
    log.write_text(log.read_text() + "".join(lines))
    monkeypatch.setattr(render, "EXCERPTS", 2)

    found = section(render_page(failed), "errors")

    assert [word for word in words if word not in found] == []
    assert found.count("<details") == 2
    assert found.count('<p class="excerpt alone">') == 4


def test_where_nobody_knows_the_window_no_error_is_said_to_be_absent(good, render_page):
    (good / "events.jsonl").unlink()

    found = section(render_page(good), "errors")

    assert "None found" not in found
    assert "Nothing to show" in found


def test_a_log_is_shown_before_a_document(failed, render_page):
    found = section(render_page(failed), "logs")

    places = re.findall(r'class="at mono">([^<:]+):', found)
    kinds = [place.endswith(".log") for place in places]
    assert kinds == sorted(kinds, reverse=True)
    assert kinds[0] and not kinds[-1]


def test_a_lost_heartbeat_is_no_goal_that_was_missed(failed, render_page):
    page = render_page(failed)

    cell = page.partition("<dt>heartbeats lost</dt>")[0].rpartition("<div ")[2]
    assert 'class="red"' in cell


@pytest.mark.parametrize("name", ["take-over", "resources"])
def test_tables_of_nodes_are_in_the_order_of_their_names(good, render_page, name):
    names = re.findall(r'<th scope="row">(bm-\d+) ', section(render_page(good), name))

    assert names == [f"bm-{number:02}" for number in range(1, 9)]


SECRET = "correct horse battery"


def test_s3_a_tenants_values_are_on_no_page_and_their_change_is(failed):
    """A secret may stand under any key: no pattern of ours would know it."""
    digest = tenants.Digests(b"of this run")
    for name, note in (("before", SECRET), ("after", f"{SECRET} changed")):
        values = {
            "metadata": digest({"note": note}),
            **{key: digest(note) for key in ("key_name", "description", "user_data")},
            "tags": digest([note]),
        }

        def tell(document, values=values):
            document["servers"][0].update(values)

        files.edit(failed / f"{name}.json", tell)
    assert (
        main.main(["verdict", str(failed), "--json", str(failed / "verdict.json")]) == 1
    )
    assert main.main(["report", str(failed)]) == 0

    for name in ("report.html", "summary.txt", "junit.xml"):
        text = " ".join((failed / name).read_text().split())
        assert SECRET not in text, name
        for key in values:
            assert f"{key}: " in text, (name, key)
    for path in failed.rglob("*"):
        assert path.is_dir() or SECRET not in path.read_text(errors="replace"), path


def test_s3_evidence_with_a_tenants_value_as_it_is_is_refused(failed):
    files.edit(
        failed / "before.json",
        lambda d: d["servers"][0].update(metadata={"note": SECRET}),
    )
    found = verdict.verdict(failed)
    (evidence,) = [one for one in found.findings if one.name == "evidence"]
    assert not evidence.ok
    assert SECRET not in str(evidence)


def test_s7_half_a_character_in_the_evidence_ends_no_report(failed, capsys):
    """JSON may have it, and no file can."""
    name = "half \ud83d \u200b\U000e0041name"
    files.edit(failed / "after.json", lambda d: d["servers"][0].update(name=name))

    assert main.main(["verdict", str(failed)]) == 1
    assert main.main(["report", str(failed)]) == 0

    assert "Traceback" not in capsys.readouterr().err
    assert "half  name" in (failed / "report.html").read_text()


def test_a_silence_of_a_survivor_is_no_mere_goal(failed, render_page):
    page = render_page(failed)

    name = "<dt>longest silence of a survivor</dt>"
    cell = page.partition(name)[0].rpartition("<div ")[2]
    assert 'class="red"' in cell
