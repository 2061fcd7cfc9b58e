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

"""Each rule of the house is tried on a small made-up one."""

from pathlib import Path

import pytest

from ironic_sideways.tests.unit.house import (
    NAME,
    arrows,
    circle,
    forbidden,
    imports,
    only_passed_on,
    strange_rooms,
    untested,
    upward,
)

RULES = (strange_rooms, upward, circle, forbidden, only_passed_on)


def build(house: Path, files: dict[str, str]) -> Path:
    """A made-up house: what each of its files holds, by their paths."""
    for path, text in files.items():
        file = house / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return house


def test_a_house_that_keeps_the_rules_breaks_none(tmp_path) -> None:
    files = {
        "__init__.py": "",
        "exceptions.py": "class Error(Exception): ...",
        "cloud/__init__.py": '"""Changes a cloud."""',
        "cloud/images.py": "from ..exceptions import Error\nclass Own(Error): ...",
        "report/page.py": "from ironic_sideways.evidence import events\nX = [events.X]",
        "evidence/events.py": "X = 1",
        "cmd/main.py": "def run():\n    from ironic_sideways.report import page",
        "tests/test_page.py": "import ironic_sideways.cmd.main",
    }

    house = build(tmp_path, files)

    assert [rule(house) for rule in RULES] == [set(), [], [], [], []]
    assert len(arrows(house)) == 3


UP = (f"{NAME}.cloud.images", f"{NAME}.lab.host")


@pytest.mark.parametrize(
    "text",
    [
        "import ironic_sideways.lab.host",
        "from ironic_sideways.lab import host",
        "from ironic_sideways.lab.host import start as begin",
        "from ..lab.host import start",
        "from ..lab import host",
        "def publish():\n    from ironic_sideways.lab import host",
        "if TYPE_CHECKING:\n    from ironic_sideways.lab.host import start",
    ],
)
def test_an_arrow_upward_is_seen_however_it_is_written(tmp_path, text) -> None:
    files = {"cloud/images.py": text, "lab/host.py": "def start(): ..."}

    house = build(tmp_path, files)

    assert upward(house) == [UP]
    assert forbidden(house) == [UP]


def test_a_package_imports_from_itself_relatively(tmp_path) -> None:
    files = {"lab/__init__.py": "from . import host", "lab/host.py": "def start(): ..."}

    house = build(tmp_path, files)

    assert imports(house)[f"{NAME}.lab"] == {f"{NAME}.lab.host"}


def test_an_arrow_to_a_room_of_the_same_floor_is_upward(tmp_path) -> None:
    files = {"lab/host.py": "from ironic_sideways import evidence"}

    house = build(tmp_path, {**files, "evidence/__init__.py": ""})

    assert upward(house) == [(f"{NAME}.lab.host", f"{NAME}.evidence")]


def test_a_circle_inside_a_room_is_seen(tmp_path) -> None:
    files = {
        "lab/host.py": "from ironic_sideways.lab import guest",
        "lab/guest.py": "def stop():\n    from .host import start",
    }

    assert set(circle(build(tmp_path, files))) == {
        f"{NAME}.lab.{m}" for m in ("host", "guest")
    }


def test_a_report_that_does_more_than_read_is_seen(tmp_path) -> None:
    """``hardware`` and ``cloud`` are lower: the floors alone would allow them."""
    files = {"report/page.py": "from ironic_sideways.hardware import bmc"}

    house = build(tmp_path, {**files, "hardware/bmc.py": "X = 1"})

    assert upward(house) == []
    assert forbidden(house) == [(f"{NAME}.report.page", f"{NAME}.hardware.bmc")]


def test_a_room_without_a_floor_and_a_loose_module_are_seen(tmp_path) -> None:
    files = {"attic/old.py": "from ironic_sideways.cmd import main", "helpers.py": ""}

    house = build(tmp_path, {**files, "cmd/main.py": ""})

    assert strange_rooms(house) == {"attic", "helpers"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from ironic_sideways.lab.guest import X", [f"{NAME}.lab.host"]),
        ('"""Old."""\nfrom .guest import X\n__all__ = ["X"]', [f"{NAME}.lab.host"]),
        ("from . import guest\nX = guest.X", [f"{NAME}.lab.host"]),
        ("from . import guest\nX = guest.X + 1", []),
        ("from . import guest\nprint(guest.X)", []),
    ],
)
def test_a_module_that_only_passes_on_is_seen(tmp_path, text, found) -> None:
    files = {"lab/host.py": text, "lab/guest.py": "X = 1"}

    assert only_passed_on(build(tmp_path, files)) == found


def test_a_module_with_logic_and_without_its_test_is_seen(tmp_path) -> None:
    files = {
        "lab/host.py": "def start():\n    return 1",
        "lab/guest.py": "def start():\n    return 1",
        "lab/names.py": 'HOST = "host"\nclass Name: ...',
        "lab/said.py": 'class Said:\n    def say(self):\n        """Say it."""',
        "lab/schemas/__init__.py": "def read():\n    return 1",
        "lab/rows/__init__.py": "def read():\n    return 1",
        "tests/unit/lab/test_host.py": "",
        "tests/unit/lab/test_schemas.py": "",
        "tests/unit/test_guest.py": "",
    }

    assert untested(build(tmp_path, files)) == {"lab/guest.py", "lab/rows/__init__.py"}
