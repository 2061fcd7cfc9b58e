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

"""Other programs, run to their end within a bound."""

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions


def run(
    words: Sequence[str | Path], timeout: float, **options: Any
) -> subprocess.CompletedProcess[str]:
    """``subprocess.run`` that captures what is printed, as text.

    What of it is not UTF-8 is replaced.

    :param words: without secrets: they are told where the program hangs.
    :param timeout: seconds.
    :raises SidewaysError: it had not ended by then; it is killed.
    """
    try:
        return subprocess.run(
            words,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            **options,
        )
    except subprocess.TimeoutExpired as error:
        said = shlex.join(str(word) for word in words)
        raise exceptions.SidewaysError(
            f"`{said}`: did not end within {timeout:g} s and was killed"
        ) from error
