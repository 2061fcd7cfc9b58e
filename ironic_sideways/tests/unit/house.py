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
is a function of a package's directory.
"""

import ast
import functools
import graphlib
from pathlib import Path

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


def modules(house: Path) -> dict[str, Path]:
    """Each module's file by its dotted name, tests apart."""
    found = {}
    for path in house.rglob("*.py"):
        parts = path.relative_to(house).with_suffix("").parts
        if parts[0] != "tests":
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            found[".".join((NAME, *parts))] = path
    return found


def statements(text: str) -> list[ast.stmt]:
    """The statements of a module, those inside others too."""
    found = list(ast.parse(text).body)
    for node in found:
        parts = (node, *getattr(node, "handlers", ()), *getattr(node, "cases", ()))
        for part in parts:
            for name in ("body", "orelse", "finalbody"):
                found += getattr(part, name, ())
    return found


@functools.cache
def imports(house: Path) -> dict[str, set[str]]:
    """Each module's imports of the house, those inside functions too."""
    paths = modules(house)
    return {
        name: {
            found if found in paths else found.rpartition(".")[0]
            for node in statements(path.read_text())
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


def has_logic(path: Path) -> bool:
    """Whether a function in there does more than to be documented."""
    return any(
        not isinstance(node.body[-1], ast.Expr)
        or not isinstance(node.body[-1].value, ast.Constant)
        for node in statements(path.read_text())
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
