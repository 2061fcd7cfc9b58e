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

"""The page of 200 nodes and 1,000 tests: as quick as one of eight.

Nothing here is timed, for a machine may be busy. What is held is the shape: ten times
the evidence is ten times the page and no more, and a word in the filter is answered
before the browser draws again.
"""

import pytest

#: Types a word as a person does, and says what is shown before anything is drawn.
TYPE = """(word) => {
  const words = document.querySelector(".filter input[type=search]");
  words.value = word;
  words.dispatchEvent(new Event("input", { bubbles: true }));
  return [document.querySelector(".filter output").textContent,
    document.querySelectorAll(".tests tbody tr:not([hidden])").length];
}"""

ELEMENTS = "document.querySelectorAll('*').length"


@pytest.fixture(scope="module")
def sizes(report):
    """Bytes of the page of a tenth, and of the whole."""
    return tuple(report(name).stat().st_size for name in ("tenth", "large"))


def test_ten_times_the_evidence_is_at_most_ten_times_the_file(sizes):
    few, many = sizes

    assert many < 10 * few
    assert many < 8 * 1024 * 1024


def test_ten_times_the_evidence_is_at_most_ten_times_the_page(see):
    few, many = (see(name).page.evaluate(ELEMENTS) for name in ("tenth", "large"))

    # Nothing is drawn for each pair of things, and a telephone holds it all.
    assert many < 10 * few
    assert many < 65_000


def test_every_node_and_every_test_is_there(see):
    page = see("large").page

    assert page.locator("#heartbeats .heart-row:has(.label small)").count() == 200
    assert page.locator("#sides > .panel > details").count() == 200
    assert page.locator(".tests tbody tr").count() == 1001


def test_the_filter_answers_before_the_next_frame(see):
    page = see("large").page

    assert page.evaluate(TYPE, "limit_996") == ["1 of 1001 shown", 1]
    assert page.evaluate(TYPE, "") == ["1001 of 1001 shown", 1001]


def test_a_row_that_is_out_of_sight_is_not_laid_out(see):
    row = see("large").page.locator(".tests tbody tr").nth(500)

    assert row.evaluate("(one) => getComputedStyle(one).contentVisibility") == "auto"
