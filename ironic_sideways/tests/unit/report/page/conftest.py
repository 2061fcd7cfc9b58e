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
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ironic_sideways.report import verdict
from ironic_sideways.report.page import render
from ironic_sideways.tests.unit.report import example


@pytest.fixture(scope="session")
def laid_down(tmp_path_factory) -> Callable[[Callable[..., None]], Path]:
    """Each run of example.py once; nobody changes these."""

    @functools.cache
    def lay_down(make: Callable[..., None]) -> Path:
        directory = tmp_path_factory.mktemp(make.__name__) / "evidence"
        directory.mkdir()
        make(directory)
        return directory

    return lay_down


@pytest.fixture
def run(laid_down, tmp_path: Path) -> Callable[[Callable[..., None]], Path]:
    """A copy of a run of example.py, to be changed."""

    def copy(make: Callable[..., None]) -> Path:
        return Path(shutil.copytree(laid_down(make), tmp_path / "evidence"))

    return copy


@pytest.fixture
def good(run) -> Path:
    return run(example.good)


@pytest.fixture
def failed(run) -> Path:
    return run(example.failed)


@pytest.fixture
def render_page() -> Callable[[Path], str]:
    return lambda directory: render.render(directory, verdict.verdict(directory))
