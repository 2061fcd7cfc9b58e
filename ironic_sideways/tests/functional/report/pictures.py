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

"""Make the pictures of doc/source/user/reviewer.rst from the examples of the tests.

Usage: python -m ironic_sideways.tests.functional.report.pictures
"""

import hashlib
import tempfile
from pathlib import Path

from ironic_sideways.cmd import main
from ironic_sideways.tests.functional.report import browser
from ironic_sideways.tests.unit.report import example

ROOT = Path(__file__).parents[4]
DIRECTORY = ROOT / "doc" / "source" / "pictures"
TEMPLATES = ROOT / "ironic_sideways" / "report" / "page" / "templates"
#: Beside the pictures: what they were made of.
MADE_OF = "made-of.txt"

#: File: run, width, colours, and the section that is shown (none: the first screen).
PICTURES = {
    "passed.png": (example.good, 1400, "light", ""),
    "failed.png": (example.failed, 1400, "light", ""),
    "failed-phone.png": (example.failed, 400, "dark", ""),
    "heartbeats.png": (example.failed, 1400, "light", "#heartbeats"),
}


def digest() -> str:
    """Of the page's templates: pictures of others would show another page."""
    found = hashlib.sha256()
    for path in sorted(TEMPLATES.iterdir()):
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


def make(directory: Path) -> None:
    directory.mkdir(exist_ok=True)
    with browser.started() as chromium, tempfile.TemporaryDirectory() as scratch:
        for name, (run, width, scheme, section) in PICTURES.items():
            evidence = Path(scratch, name)
            evidence.mkdir()
            run(evidence)
            main.main(["report", str(evidence)])
            seen = browser.Seen(chromium, evidence / "report.html", width, scheme)
            shown = seen.page.locator(section) if section else seen.page
            shown.screenshot(path=directory / name, animations="disabled")
            seen.close()
    (directory / MADE_OF).write_text(f"{digest()}\n")


if __name__ == "__main__":
    make(DIRECTORY)
