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

"""The page in a real browser: what is on it, and what it does."""

import shutil

import pytest

from ironic_sideways.tests.functional.report import browser

RUNS = ("good", "failed", "cut")

#: What is cut off at the edge of what it lies in, and cannot be scrolled to.
CLIPPED = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.scrollWidth > one.clientWidth + 1
    && ["hidden", "clip"].includes(getComputedStyle(one).overflowX)
    && !one.closest(".unseen, .stack thead"))
  .map((one) => `${one.tagName}.${one.className}`)"""

#: What follows a label of the first screen, in its list.
ANSWER = "xpath=following-sibling::dd[1]"


@pytest.mark.parametrize("name", RUNS)
def test_it_says_nothing_to_the_console_and_asks_for_nothing(see, name):
    seen = see(name)

    assert seen.said == []
    assert [url for url in seen.asked if not url.startswith(("file:", "data:"))] == []
    assert sum(url.startswith("file:") for url in seen.asked) == 1


@pytest.mark.parametrize("width", browser.SIZES)
@pytest.mark.parametrize("name", RUNS)
def test_nothing_is_wider_than_the_window(see, name, width):
    seen = see(name, width=width)
    for _ in ("as it comes", "all of it open"):
        wide = seen.page.evaluate("document.documentElement.scrollWidth")
        assert wide == width
        assert seen.page.evaluate(CLIPPED) == []
        seen.open_all()


@pytest.mark.parametrize("width", browser.SIZES)
@pytest.mark.parametrize("name", ["failed", "cut"])
def test_the_first_screen_says_what_failed_why_and_where(see, name, width):
    page = see(name, width=width).page

    for label in ("What failed", "Why", "Where to look"):
        answer = page.locator(".why dt", has_text=label).first.locator(ANSWER)
        assert answer.inner_text().strip()
        box = answer.bounding_box()
        assert box and box["y"] + box["height"] <= browser.SIZES[width]


def test_the_first_screen_counts_the_errors_that_no_rule_knows(see):
    page = see("failed").page

    link = page.locator(".verdict .notes a[href='#errors']")

    assert "1 ERROR line that matches no rule" in link.locator("xpath=..").inner_text()
    error = page.locator("#errors details")
    assert error.count() == 1
    assert "MessagingTimeout" in error.locator("summary").inner_text()
    assert "3 times" in error.locator("summary").inner_text()


#: Of a good run, each section, and words that only its evidence has.
SECTIONS = {
    "ledger": "maintenance took 65 s",
    "timeline": "begin-maintenance",
    "heartbeats": "75 beats, 0 lost",
    "sides": "survivor-1",
    "migration": "verified",
    "take-over": "power on",
    "resources": "CUSTOM_BAREMETAL",
    "operations": "wait call-back, write_image",
    "proxy": "17 passed",
    "tempest": "test_rescue",
    "errors": "None found",
    "logs": "logs/nova-compute.log",
    "environment": "Debian GNU/Linux 12",
    "again": "ironic-sideways verdict DIRECTORY",
}


def test_each_section_shows_what_its_evidence_has(see):
    page = see("good").page

    told = {
        name: words in page.locator(f"#{name}").inner_text()
        for name, words in SECTIONS.items()
    }

    assert [name for name, there in told.items() if not there] == []
    links = page.locator(".contents a")
    assert links.evaluate_all("(all) => all.map((one) => one.hash.slice(1))") == [
        *SECTIONS
    ]


def test_before_and_after_lie_side_by_side_and_a_difference_is_marked(see):
    row = see("failed").page.locator("#sides tr.differs", has_text="boot_id")

    before, after = (row.locator("td").nth(n).bounding_box() for n in (0, 1))

    told = [" ".join(text.split()) for text in row.locator("td").all_inner_texts()]
    assert told == ["boot-1", "boot-2 (differs)"]
    assert before["y"] == after["y"] and before["x"] < after["x"]


def test_each_machine_has_its_heart_and_the_loss_is_seen(see):
    page = see("failed").page
    strips = page.locator("#heartbeats .heart-row:has(.label small)")

    assert strips.count() == 8
    assert page.locator("#heartbeats .hearts .loss").count() == 1
    label = page.locator("#heartbeats svg[aria-label^='bm-04']")
    assert "2 lost" in label.get_attribute("aria-label")


def test_a_link_opens_what_it_leads_to(see):
    page = see("failed").page
    page.evaluate("document.querySelectorAll('details').forEach((o) => o.open = false)")

    page.locator(".also a", has_text="BMCs").click()

    page.wait_for_function("document.querySelector('#subject-bmcs').open")
    assert "#subject-bmcs" in page.url


def test_open_all_and_close_all(see):
    page = see("good").page
    opened = page.locator("#sides details[open]")
    assert opened.count() == 0

    page.locator("#sides").get_by_role("button", name="Open all").click()
    assert opened.count() == 8
    page.locator("#sides").get_by_role("button", name="Close all").click()
    assert opened.count() == 0


def test_without_scripts_all_is_there_but_the_filter(see):
    page = see("failed", scripts=False).page

    assert page.locator(".tests tbody tr").count() == 217
    assert not page.locator(".filter").is_visible()
    assert not page.get_by_role("button", name="Open all").first.is_visible()


def test_whole_logs_open_from_wherever_the_artifacts_were_put(see, report, tmp_path):
    saved = tmp_path / "job 42" / "controller" / "logs" / "evidence"
    shutil.copytree(report("failed").parent, saved)
    page = see(saved / "report.html").page

    page.locator("#logs a", has_text="logs/ironic-conductor.log").last.click()
    page.wait_for_url("**/ironic-conductor.log")

    assert page.url.startswith(saved.as_uri())
    assert "Changing hardware state to" in page.content()
