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

"""Each defect of 2014 (I1 to I21, J1 to J15) has a test or a case with its number."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
WANTED = {f"I{n}" for n in range(1, 22)} | {f"J{n}" for n in range(1, 16)}


def numbered() -> set[str]:
    """The numbers that names of tests, of their parameters and of cases bear."""
    found = [path.name.partition("-")[0] for path in (TESTS / "cases").iterdir()]
    for path in TESTS.rglob("test_*.py"):
        if path != Path(__file__):
            text = path.read_text(encoding="utf-8")
            found += re.findall(r"def test_(?:case_)?([ij]\d+)_", text)
            found += re.findall(r'\("([IJ]\d+): ', text)
    return {
        f"{name[0].upper()}{int(name[1:])}"
        for name in found
        if re.fullmatch(r"[IJij]\d+", name)
    }


def test_no_defect_of_2014_is_without_a_test() -> None:
    assert sorted(WANTED - numbered()) == []


def test_no_test_bears_a_number_that_no_defect_has() -> None:
    assert sorted(numbered() - WANTED) == []
