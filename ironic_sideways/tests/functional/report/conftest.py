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

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright import sync_api

from ironic_sideways.cmd import main
from ironic_sideways.tests.functional.report import browser
from ironic_sideways.tests.unit.report import example


def tenth(directory: Path) -> None:
    example.failed(directory, nodes=20, tests=220)


def large(directory: Path) -> None:
    example.failed(directory, nodes=200, tests=1000)


#: Runs by name. ``large`` is ten times ``tenth``.
RUNS: dict[str, Callable[..., None]] = {
    "good": example.good,
    "failed": example.failed,
    "cut": example.cut_short,
    "tenth": tenth,
    "large": large,
}


@pytest.fixture(scope="session")
def chromium() -> Iterator[sync_api.Browser]:
    with browser.started() as started:
        yield started


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The report.html of a run by its name, made when it is first asked for."""

    @functools.cache
    def written(name: str) -> Path:
        directory = tmp_path_factory.mktemp(name)
        RUNS[name](directory)
        assert main.main(["report", str(directory)]) == 0
        return directory / "report.html"

    return written


@pytest.fixture
def see(
    chromium: sync_api.Browser, report: Callable[[str], Path]
) -> Iterator[Callable[..., browser.Seen]]:
    """Opens a page by its run's name, or by its path."""
    opened: list[browser.Seen] = []

    def open_page(page: str | Path, **wanted: object) -> browser.Seen:
        file = report(page) if isinstance(page, str) else page
        opened.append(browser.Seen(chromium, file, **wanted))  # type: ignore[arg-type]
        return opened[-1]

    yield open_page
    for one in opened:
        one.close()
