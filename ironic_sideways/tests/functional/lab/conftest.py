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

"""One lab for all tests of this directory."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironic_sideways.lab.layout import Layout
from ironic_sideways.tests.functional.lab.running import (
    NUMBER,
    command,
    host_now,
    up,
)


@pytest.fixture(scope="package")
def layout() -> Iterator[Layout]:
    """A short directory: Unix sockets' paths have room for 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="isw-") as directory:
        # Any user gets as far as the lab, as in a repository.
        Path(directory).chmod(0o755)
        yield Layout(Path(directory, "lab"), NUMBER)


@pytest.fixture(scope="package")
def before(layout: Layout) -> dict[str, set[str]]:
    """The host before the first lab of this directory."""
    for name in ("home", "t"):
        (layout.directory.parent / name).mkdir()
    return host_now(layout)


@pytest.fixture(scope="package")
def lab(layout: Layout, before: dict[str, set[str]]) -> Iterator[Layout]:
    done = up(layout)
    # The reason first: a summary of failures shows one line of each.
    assert done.returncode == 0, done.stderr + done.stdout
    yield layout
    command(layout, "down")
