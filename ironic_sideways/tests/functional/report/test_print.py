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

"""The page on paper: all of it, and dark on white."""

import re

#: A4 without its margins, in pixels of 1/96 inch.
PAPER = {"width": 718, "height": 1046}

#: What of a printed page cannot be read: cut off, or in a box that scrolls.
LOST = """() => [...document.querySelectorAll("body *")]
  .filter((one) => getComputedStyle(one).overflow !== "visible"
    && !one.closest(".unseen, svg")
    && (one.scrollWidth > one.clientWidth + 1
      || one.scrollHeight > one.clientHeight + 1))
  .map((one) => `${one.tagName}.${one.className}`)"""

#: Grounds that are not light: the least of red, green and blue.
DARK = r"""() => [...document.querySelectorAll("html, body, body *")]
  .filter((one) => one.checkVisibility())
  .map((one) => [one, getComputedStyle(one).backgroundColor])
  .map(([one, ground]) => [one, ground.match(/[\d.]+/g).map(Number)])
  .filter(([one, [r, g, b, a = 1]]) => a > 0 && Math.min(r, g, b) < 200
    && !one.closest(".dot, .unseen"))
  .map(([one]) => `${one.tagName}.${one.className}`)"""


#: How many of some elements are shown, and not skipped in what is closed.
VISIBLE = "(all) => all.filter((one) => one.checkVisibility()).length"


def printed(seen):
    """The page as it goes to the printer, whatever its reader has on the screen."""
    seen.page.set_viewport_size(PAPER)
    seen.page.emulate_media(media="print", color_scheme="dark")
    return seen.page


def test_all_rows_are_printed_whatever_is_filtered(see):
    seen = see("good")
    seen.page.get_by_role("searchbox").fill("rescue")
    rows = seen.page.locator(".tests tbody tr")
    assert rows.evaluate_all(VISIBLE) == 1

    page = printed(seen)

    assert rows.evaluate_all(VISIBLE) == 217
    assert not page.locator(".filter").is_visible()


def test_what_is_closed_is_printed_as_well(see):
    seen = see("good")
    closed = seen.page.locator("details:not([open]) td")
    number = closed.count()
    assert number > 100
    assert not seen.page.locator("#subject-proxy td").first.is_visible()

    printed(seen)

    assert closed.evaluate_all(VISIBLE) == number


def test_nothing_is_cut_off(see):
    page = printed(see("failed"))

    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER["width"]
    assert page.evaluate(LOST) == []


def test_who_reads_in_the_dark_prints_on_white(see):
    seen = see("failed", scheme="dark")
    assert seen.page.evaluate(DARK) != []

    assert printed(seen).evaluate(DARK) == []


def test_a_pdf_has_all_its_pages(see):
    page = see("good").page

    document = page.pdf(format="A4")

    # As many as the printed height needs, whatever the breaks between them add.
    pages = len(re.findall(rb"/Type\s*/Page\b", document))
    assert pages >= 5
