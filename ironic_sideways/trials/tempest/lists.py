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

"""Which of Tempest's tests run: all, but those of not_run.yaml, each with a reason.

Every test of ``tempest.api.compute`` and of the plugin's basic operations either
runs or is in that list by its full name: no pattern, no class.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from ironic_sideways import exceptions
from ironic_sideways.report.tempest import ALL, FLOORS, ON_BASE, bare

#: What is considered: the names that begin so.
CONSIDERED = (
    "tempest.api.compute.",
    "ironic_tempest_plugin.tests.scenario.test_baremetal_basic_ops.",
)
NOT_RUN = Path(__file__).with_name("not_run.yaml")
#: What does not run beyond that where servers have no SSH server.
LOG_IN = NOT_RUN.with_name("log_in.yaml")
#: What the base lacks beyond that.
NOT_ON_BASE = NOT_RUN.with_name("not_on_base.yaml")
SELECTION = Path(__file__).with_name("selection.txt")


@dataclasses.dataclass(frozen=True)
class Excluded:
    """Why a test does not run, and where that is written."""

    name: str
    reason: str
    source: str


def excluded(path: Path = NOT_RUN) -> list[Excluded]:
    """The tests that do not run, in the order of the file.

    :raises SidewaysError: a group of the file lacks a key, or has an empty one.
    """
    found = []
    for number, group in enumerate(yaml.safe_load(path.read_text()), start=1):
        for key in ("reason", "source", "tests"):
            if not group.get(key):
                raise exceptions.SidewaysError(
                    f"{path}: group {number}: expected a {key}, found none"
                )
        found += [
            Excluded(name, group["reason"], group["source"]) for name in group["tests"]
        ]
    return found


@dataclasses.dataclass(frozen=True)
class Choice:
    """What a run is to run.

    :param name: the list's, one of ``report.tempest.FLOORS``.
    :param wanted: ids, as Tempest finds them.
    :param floor: how many of them run at least.
    """

    name: str
    wanted: list[str]
    excluded: list[Excluded]
    floor: int


def choose(names: Sequence[str], everything: bool, base: bool) -> Choice:
    """What of the tests ``names`` (ids) runs.

    :param everything: not the selection alone; only then are there servers that can
        be logged in to.
    :param base: before the move, by the base's driver.
    :raises SidewaysError: a list has a line that is dead or there twice.
    """
    lines = excluded()
    if not everything:
        lines += excluded(LOG_IN)
    if base:
        lines += excluded(NOT_ON_BASE)
    for fault in faults(names, lines):
        raise exceptions.SidewaysError(f"list of tests that do not run: {fault}")
    out = {line.name for line in lines}
    wanted = [name for name in names if bare(name) not in out]
    if not everything:
        wanted = chosen(wanted, patterns())
    name = ALL if everything else ON_BASE if base else "selection"
    return Choice(name, wanted, lines, FLOORS[name])


def faults(names: Iterable[str], lines: Sequence[Excluded]) -> list[str]:
    """What is wrong with the list, given the ``names`` of all tests there are."""
    known = {bare(name) for name in names}
    listed = [line.name for line in lines]
    dead = [f"{name}: no test has this name" for name in listed if name not in known]
    twice = [
        f"{name}: is in the list {listed.count(name)} times"
        for name in sorted(set(listed))
        if listed.count(name) > 1
    ]
    return dead + twice


def chosen(names: Iterable[str], patterns: Iterable[str]) -> list[str]:
    """Those of ``names`` (ids) that one of the ``patterns`` finds.

    :raises SidewaysError: a pattern finds none.
    """
    names = list(names)
    wanted = set()
    for pattern in patterns:
        found = {name for name in names if re.search(pattern, name)}
        if not found:
            raise exceptions.SidewaysError(
                f"{SELECTION}: no test matches {pattern}; correct or remove the line"
            )
        wanted |= found
    return [name for name in names if name in wanted]


def patterns() -> list[str]:
    """The selection's lines, without comments."""
    lines = SELECTION.read_text().splitlines()
    return [word for line in lines if (word := line.partition("#")[0].strip())]
