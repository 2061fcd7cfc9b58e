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

"""The reference page has each command's --help as it is.

    UPDATE_PAGES=1 tox -e functional -- ironic_sideways/tests/functional/docs

writes what is printed now into the page, to be read before it is committed.
"""

import os
import re
import sys
from pathlib import Path

from ironic_sideways.tests import console_page

PAGE = Path(__file__).parents[4] / "doc/source/reference.rst"


def test_the_reference_has_what_help_prints(tmp_path: Path) -> None:
    told = console_page.read(PAGE)
    assert len(told) > 10
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "COLUMNS": "88",
    }

    printed = console_page.execute(told, tmp_path, environment)

    if os.environ.get("UPDATE_PAGES"):
        console_page.rewrite(PAGE, printed)
    else:
        assert [(one.text, as_printed(one.output)) for one in told] == [
            (one.text, as_printed(lines))
            for one, lines in zip(told, printed, strict=True)
        ]


def as_printed(lines: list[str]) -> list[str]:
    """As Python before 3.13 prints it; a newer one names an option's value once.

    That changes where lines fold, so there each page is one line.
    """
    if sys.version_info < (3, 13):
        return lines
    text = " ".join(" ".join(lines).split())
    return [re.sub(r"(--[\w-]+) (\S+), (-\w) \2(?= )", r"\1, \3 \2", text)]
