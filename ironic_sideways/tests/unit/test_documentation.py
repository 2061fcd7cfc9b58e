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

"""Pages that the README and the code name are where they say."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PAGES = re.compile(r"\bdoc/source/[\w./-]+\.(?:rst|png)\b")


def naming() -> Iterator[tuple[str, str]]:
    """Each page that a file names, with the file."""
    for place in ("README.rst", "devstack", "grenade", "ironic_sideways", "tools"):
        for path in [REPOSITORY / place, *(REPOSITORY / place).rglob("*")]:
            if path.is_file() and path.suffix != ".pyc":
                for page in PAGES.findall(path.read_text(errors="replace")):
                    yield page, str(path.relative_to(REPOSITORY))


@pytest.mark.parametrize(("page", "file"), sorted(set(naming())))
def test_a_page_that_is_named_exists(page: str, file: str) -> None:
    assert (REPOSITORY / page).is_file(), f"{file} names {page}"


def test_the_readme_links_every_page_but_the_index() -> None:
    linked = set(PAGES.findall((REPOSITORY / "README.rst").read_text()))
    pages = (REPOSITORY / "doc/source").rglob("*.rst")

    there = {str(page.relative_to(REPOSITORY)) for page in pages}
    assert there - linked == {"doc/source/index.rst"}
