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

"""Evidence that many tests begin with is made once a process, then written again."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def laid_once(make: Callable[..., None]) -> Callable[..., None]:
    """Like ``make``, which lays evidence down in a directory that is empty."""

    @functools.cache
    def files(*how: Any, **named: Any) -> dict[Path, bytes]:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            make(directory, *how, **named)
            return {
                path.relative_to(directory): path.read_bytes()
                for path in directory.rglob("*")
                if path.is_file()
            }

    @functools.wraps(make)
    def lay_down(directory: Path, *how: Any, **named: Any) -> None:
        found = files(*how, **named)
        for parent in {path.parent for path in found}:
            (directory / parent).mkdir(parents=True, exist_ok=True)
        for path, text in found.items():
            (directory / path).write_bytes(text)

    return lay_down
