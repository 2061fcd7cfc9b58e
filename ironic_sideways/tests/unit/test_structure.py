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

"""The rules of the house: rooms on floors, no arrow upward, and a test for each file.

A room is a folder below the package; the few modules beside them are loose. Each rule
is a function of a package's directory, and is tried on a small made-up house first.
"""

import ast
import functools
import graphlib
import re
from pathlib import Path

import pytest

NAME = "ironic_sideways"
HOUSE = Path(__file__).parents[2]

#: Lowest first: a room imports from lower floors alone.
FLOORS: tuple[set[str], ...] = (
    {"exceptions"},
    {
        *("waits", "commands", "resource_class", "progress", "secret_file"),
        *("whole_file", "masking"),
    },
    {"ipmi", "nova_bm", "proxy"},
    {"hardware", "cloud", "migrate", "compute", "conductor"},
    {"evidence", "lab"},
    {"report"},
    {"trials"},
    {"cmd"},
)
LOOSE = {*FLOORS[0], *FLOORS[1], "ipmi"}

#: What goes to an operator's machine, and what stays at home.
TRAVELLERS = {"nova_bm", "migrate", "cloud", "proxy", "compute", "conductor"}
AT_HOME = {"lab", "hardware", "trials", "report"}

#: The rooms of which ``report`` may import: those that read evidence, and loose ones.
READERS = LOOSE | {"evidence"}

#: Public paths that only pass on what stands elsewhere.
PUBLIC = {f"{NAME}.compute.virt.baremetal"}


def modules(house: Path) -> dict[str, Path]:
    """Each module's file by its dotted name, tests apart."""
    found = {}
    for path in house.rglob("*.py"):
        parts = path.relative_to(house).with_suffix("").parts
        if parts[0] != "tests":
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            found[".".join((NAME, *parts))] = path
    return found


@functools.cache
def imports(house: Path) -> dict[str, set[str]]:
    """Each module's imports of the house, those inside functions too."""
    paths = modules(house)
    return {
        name: {
            found if found in paths else found.rpartition(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            for found in imported(node, name, path.stem == "__init__")
            if found.split(".")[0] == NAME
        }
        for name, path in paths.items()
    }


def imported(node: ast.AST, module: str, is_package: bool) -> list[str]:
    """The dotted names that an import statement of ``module`` takes in."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    above = module.split(".")
    above = above[: len(above) + is_package - node.level] if node.level else []
    base = ".".join((*above, *([node.module] if node.module else [])))
    return [f"{base}.{alias.name}" for alias in node.names]


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


def arrows(house: Path) -> list[tuple[str, str]]:
    """Importer and imported of each import between two rooms."""
    return [
        (name, other)
        for name, others in imports(house).items()
        for other in others
        if room(other) and room(name) != room(other)
    ]


def strange_rooms(house: Path) -> set[str]:
    """Rooms that stand on no floor, and loose modules that should be in a room."""
    known = set().union(*FLOORS) | {""}
    loose = {path.stem for path in house.glob("*.py")} - {"__init__"}
    return {room(name) for name in modules(house)} - known | loose - LOOSE


def upward(house: Path) -> list[tuple[str, str]]:
    floor = {name: number for number, floor in enumerate(FLOORS) for name in floor}
    return [
        (name, other)
        for name, other in arrows(house)
        if floor.get(room(name), len(FLOORS)) <= floor.get(room(other), -1)
    ]


def circle(house: Path) -> list[str]:
    """Modules that import each other in a circle, of one room or of several."""
    try:
        graphlib.TopologicalSorter(imports(house)).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def forbidden(house: Path) -> list[tuple[str, str]]:
    """Arrows from a traveller to what stays at home, and from ``report`` to a doer."""
    return [
        (name, other)
        for name, other in arrows(house)
        if (room(name) in TRAVELLERS and room(other) in AT_HOME)
        or (room(name) == "report" and room(other) not in READERS)
    ]


def only_passed_on(house: Path) -> list[str]:
    """Modules that define nothing, and import what others take from them."""
    return [
        name
        for name, path in modules(house).items()
        if (body := ast.parse(path.read_text()).body)
        and any(isinstance(node, ast.Import | ast.ImportFrom) for node in body)
        and all(passes_on(node) for node in body)
    ]


def passes_on(node: ast.stmt) -> bool:
    """Whether a statement makes nothing new: import, docstring, alias, ``__all__``."""
    if isinstance(node, ast.Assign):
        names = [getattr(target, "id", "") for target in node.targets]
        return names == ["__all__"] or isinstance(node.value, ast.Name | ast.Attribute)
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, ast.Import | ast.ImportFrom)


def test_every_room_has_its_floor() -> None:
    assert strange_rooms(HOUSE) == set()


def test_the_guide_tells_how_large_the_house_is() -> None:
    guide = HOUSE.parent / "doc/source/contributor/developer.rst"
    told = re.search(
        r"(\d+) rooms and (\d+) loose modules on (\d+) floors, about (\d+) files",
        guide.read_text(),
    )
    assert told
    *exact, about = map(int, told.groups())
    rooms = {room(name) for name in modules(HOUSE)} - LOOSE - {""}
    assert exact == [len(rooms), len(LOOSE), len(FLOORS)]
    assert abs(len(modules(HOUSE)) - about) < about / 10
    readme = (HOUSE.parent / "README.rst").read_text()
    assert f"  {len(rooms)} rooms of ``ironic_sideways/``" in readme


def test_no_room_imports_from_its_own_floor_or_a_higher_one() -> None:
    assert len(arrows(HOUSE)) > 100
    assert upward(HOUSE) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(HOUSE) == []


def test_what_travels_leaves_the_rest_at_home_and_the_report_only_reads() -> None:
    assert forbidden(HOUSE) == []


def test_no_module_but_a_public_one_only_passes_on() -> None:
    assert set(only_passed_on(HOUSE)) == PUBLIC


#: Modules with logic that have no unit test of their name, by the reason: the test
#: that tries them instead, or why none does.
ELSEWHERE: dict[str, tuple[str, ...]] = {
    "functional/cloud/test_allocations.py": ("cloud/allocations.py",),
    "functional/cmd/test_convert_allocations.py": ("cmd/convert_allocations.py",),
    "functional/conductor/test_netbooted.py": ("conductor/netbooted.py",),
    "functional/compute/test_launcher.py": ("cmd/compute.py",),
    "functional/hardware/test_disks.py": ("hardware/disks.py",),
    "functional/lab/test_bridge.py": ("lab/bridge.py",),
    "functional/lab/test_supervision.py": ("lab/supervision.py",),
    "functional/lab/test_lab.py": (
        "lab/bare_metal.py",
        "lab/bring_up.py",
        "lab/checks.py",
        "lab/cloud.py",
        "lab/console.py",
        "lab/databases.py",
        "lab/nova_rpc.py",
        "lab/programs.py",
        "lab/schemas.py",
        "lab/status.py",
    ),
    "functional/migrate/test_cases.py": (
        "migrate/bmc_rows.py",
        "migrate/fields.py",
        "migrate/plan.py",
        "migrate/summary.py",
        "migrate/target.py",
        "migrate/work.py",
    ),
    "functional/migrate/test_cli.py": (
        "migrate/arguments.py",
        "migrate/outcome.py",
        "migrate/show.py",
    ),
    "functional/migrate/test_increments.py": ("migrate/conductors.py",),
    "functional/migrate/test_retire.py": ("migrate/retire.py",),
    "functional/migrate/test_rollback.py": ("migrate/rollback.py",),
    "functional/migrate/test_verify.py": ("migrate/verify.py",),
    "functional/nova_bm/test_reader.py": ("nova_bm/reader.py",),
    "functional/nova_bm/test_schema.py": ("nova_bm/schema.py",),
    "functional/nova_bm/test_seed_tool.py": (
        "nova_bm/rows_file.py",
        "nova_bm/seed.py",
    ),
    "unit/cmd/test_bind_ports.py": ("cloud/port_bindings.py",),
    "unit/cmd/test_clear_dhcp_options.py": (
        "cloud/dhcp_options.py",
        "cloud/in_parallel.py",
        "cloud/undo_file.py",
    ),
    "unit/cmd/test_lab.py": ("cmd/main.py",),
    "unit/proxy/test_middleware.py": ("proxy/__init__.py",),
    "unit/report/test_agreement.py": (
        "report/agreement/instances.py",
        "report/agreement/keys.py",
        "report/agreement/looks.py",
        "report/agreement/machines.py",
        "report/agreement/nodes.py",
        "report/agreement/run.py",
    ),
    "unit/report/test_owners.py": ("evidence/accepted.py",),
    "unit/report/page/test_render.py": (
        "cmd/report.py",
        "report/page/headline.py",
        "report/page/tables.py",
    ),
    "unit/report/test_verdict.py": (
        "cmd/verdict.py",
        "report/faults.py",
        "report/findings.py",
    ),
    "reads options and connects, and hands on to a tested room": (
        "cmd/compute_workers.py",
        "cmd/evidence.py",
        "cmd/exact_match.py",
        "cmd/proxy.py",
        "cmd/record.py",
    ),
    "asks a keystone and a nova-api as a lab has them": (
        "trials/proxy/callers.py",
        "trials/proxy/check.py",
    ),
}


def has_logic(path: Path) -> bool:
    """Whether a function in there does more than to be documented."""
    return any(
        not isinstance(node.body[-1], ast.Expr)
        or not isinstance(node.body[-1].value, ast.Constant)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def untested(house: Path) -> set[str]:
    """The files with logic that have no unit test of their name, as paths."""
    return {
        str(path.relative_to(house))
        for path in modules(house).values()
        if has_logic(path) and not home_of_test(house, path).exists()
    }


def home_of_test(house: Path, path: Path) -> Path:
    """Where the unit test of a module, or of a package's ``__init__.py``, is."""
    named = path.parent if path.stem == "__init__" else path
    place = named.parent.relative_to(house)
    return house / "tests" / "unit" / place / f"test_{named.stem}.py"


def test_each_module_with_logic_has_a_unit_test_of_its_name() -> None:
    excused = [path for paths in ELSEWHERE.values() for path in paths]
    assert sorted(untested(HOUSE)) == sorted(excused)


def test_the_tests_that_excuse_a_module_are_there() -> None:
    named = [reason for reason in ELSEWHERE if reason.endswith(".py")]
    assert [name for name in named if not (HOUSE / "tests" / name).exists()] == []


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
