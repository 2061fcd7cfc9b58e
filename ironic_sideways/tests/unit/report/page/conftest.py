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

from collections.abc import Callable
from pathlib import Path

import pytest

from ironic_sideways.report import verdict
from ironic_sideways.report.page import render
from ironic_sideways.tests.unit.report import example


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Callable[..., None]], Path]:
    """An example run, to be changed."""

    def lay_down(make: Callable[..., None]) -> Path:
        make(tmp_path / "evidence")
        return tmp_path / "evidence"

    return lay_down


@pytest.fixture
def good(run) -> Path:
    return run(example.good)


@pytest.fixture
def failed(run) -> Path:
    return run(example.failed)


@pytest.fixture
def render_page() -> Callable[[Path], str]:
    return lambda directory: render.render(directory, verdict.verdict(directory))
