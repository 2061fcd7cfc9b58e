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

"""Tempest's tests after the move, beside those of the base where it ran there."""

import collections
import dataclasses
import re
from pathlib import Path

from ironic_sideways.evidence import documents

#: What a reviewer wants to see first.
ORDER = ("failed", "skipped", "excluded", "passed")


@dataclasses.dataclass(frozen=True)
class Test:
    """One test; ``before`` is its outcome on the base, empty where it did not run.

    :param suite: the class, without the package that all have in common.
    :param source: where the reason of a test that did not run is written.
    """

    suite: str
    name: str
    outcome: str
    before: str
    reason: str
    source: str
    seconds: float | None

    @property
    def changed(self) -> bool:
        return bool(self.before) and self.before != self.outcome


@dataclasses.dataclass(frozen=True)
class Results:
    """:param base: whether Tempest ran on the base as well."""

    tests: list[Test]
    counts: dict[str, int]
    base: bool
    seconds: float

    @property
    def changed(self) -> int:
        return sum(test.changed for test in self.tests)


def results(directory: Path) -> Results:
    document = documents.read(directory / "tempest" / "results.json")
    base = directory / "tempest-base" / "results.json"
    was = {}
    if base.exists():
        was = {t["name"]: t["outcome"] for t in documents.read(base)["tests"]}
    tests = [
        Test(
            *split(test["name"]),
            outcome=test["outcome"],
            before=was.get(test["name"], ""),
            reason=test.get("reason", ""),
            source=test.get("source", ""),
            seconds=test.get("seconds"),
        )
        for test in document["tests"]
    ]
    found = collections.Counter(test.outcome for test in tests)
    names = [*ORDER, *sorted(found.keys() - {*ORDER})]
    return Results(
        sorted(tests, key=lambda test: (names.index(test.outcome), test.suite)),
        {name: found[name] for name in names if name in found},
        bool(was),
        sum(test.seconds or 0 for test in tests),
    )


def split(name: str) -> tuple[str, str]:
    """A test's class and method, without its tags: ``[id-...,smoke]``."""
    plain = re.sub(r"\[[^\]]*\]$", "", name)
    # A class whose set-up failed or was skipped is named so: setUpClass (name)
    if match := re.fullmatch(r"(\w+) \(([\w.]+)\)", plain):
        return short(match[2]), match[1]
    suite, _, method = plain.rpartition(".")
    return short(suite), method


def short(suite: str) -> str:
    return suite.removeprefix("tempest.api.")
