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

"""The page for everybody: barriers as axe-core finds them, and the keyboard alone.

axe-core is the one that axe-playwright-python carries: npm's file and a newline.
"""

import pytest
from axe_playwright_python.sync_playwright import Axe

#: Marks each control that gets the focus, and whether it and its focus can be seen.
WATCH = """() => {
  window.stops = [];
  document.addEventListener("focusin", ({ target }) => {
    const shown = target.closest("label") ?? target;
    const box = shown.getBoundingClientRect();
    const style = getComputedStyle(shown);
    target.dataset.reached = "yes";
    window.stops.push({
      name: target.tagName + " " + shown.textContent.trim().slice(0, 40),
      seen: box.width > 1 && box.height > 1 && box.bottom > 0 && box.top < innerHeight,
      outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    });
  });
}"""

#: Controls that a mouse could use; of the choices of one question the chosen one.
CONTROLS = """[...document.querySelectorAll(
    "a[href], button, summary, input:not([type=radio]), input:checked, [tabindex='0']"
  )].filter((one) => one.checkVisibility({ contentVisibilityAuto: true }))"""


#: Of rows that are alike three are enough: axe takes seconds to measure each colour.
THIN = """() => document.querySelectorAll("tbody, .timeline, .hearts, .sides, pre")
  .forEach((box) => {
    const seen = {};
    for (const row of [...box.children]) {
      const kind = [row.tagName, row.className, row.dataset.kinds].join();
      seen[kind] = (seen[kind] ?? 0) + 1;
      if (seen[kind] > 3) row.remove();
    }
  })"""


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("failed", 1400, "light"),
        ("failed", 400, "dark"),
        ("good", 400, "light"),
        ("good", 1400, "dark"),
    ],
)
def test_axe_finds_no_barrier(see, name, width, scheme):
    seen = see(name, width=width, scheme=scheme)
    seen.open_all()
    seen.page.evaluate(THIN)

    found = Axe().run(seen.page, options={"resultTypes": ["violations"]}).response

    told = [
        (violation["id"], [node["target"] for node in violation["nodes"]][:3])
        for violation in found["violations"]
    ]
    assert told == []
    assert {"color-contrast", "label", "link-name"} <= {
        rule["id"] for rule in found["passes"]
    }


def test_dark_and_light_are_both_there(see):
    grounds = {
        see("good", scheme=scheme).page.evaluate(
            "getComputedStyle(document.body).backgroundColor"
        )
        for scheme in ("light", "dark")
    }

    assert len(grounds) == 2


@pytest.mark.parametrize("width", [1400, 400])
def test_every_control_is_reached_by_tab_and_its_focus_is_seen(see, width):
    page = see("failed", width=width).page
    page.evaluate(WATCH)
    number = page.evaluate(f"{CONTROLS}.length")
    assert number > 60

    for _ in range(number):
        page.keyboard.press("Tab")

    missed = page.evaluate(
        f"{CONTROLS}.filter((one) => !one.dataset.reached)"
        ".map((one) => one.tagName + ' ' + one.textContent.trim().slice(0, 40))"
    )
    assert missed == []
    stops = page.evaluate("window.stops")
    assert [one["name"] for one in stops if not one["seen"]] == []
    assert [one["name"] for one in stops if not one["outlined"]] == []


def test_the_first_stop_leads_past_the_contents(see):
    page = see("failed").page

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the evidence"
    page.keyboard.press("Enter")

    assert page.evaluate("document.activeElement.id") == "contents-of-page"


def test_a_subject_is_opened_and_closed_by_a_key(see):
    page = see("failed").page
    subject = page.locator("#subject-window")

    subject.locator("> summary").focus()
    page.keyboard.press("Enter")
    assert subject.get_attribute("open") is not None
    page.keyboard.press("Enter")

    assert subject.get_attribute("open") is None


def test_tests_are_filtered_by_words_and_by_outcome_without_a_mouse(see):
    page = see("failed").page
    shown = page.locator(".tests tbody tr:visible")
    output = page.locator(".filter output")
    assert output.inner_text() == "217 of 217 shown"

    page.get_by_role("searchbox").focus()
    page.keyboard.type("rescue driver")
    assert output.inner_text() == "1 of 217 shown"
    assert shown.count() == 1
    for _ in "rescue driver":
        page.keyboard.press("Backspace")
    assert output.inner_text() == "217 of 217 shown"
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")

    chosen = page.locator(".filter input:checked").get_attribute("value")
    kinds = shown.evaluate_all("(rows) => rows.map((row) => row.dataset.kinds)")
    assert chosen == "excluded"
    assert 0 < len(kinds) < 217
    assert all(chosen in kind.split() for kind in kinds)
