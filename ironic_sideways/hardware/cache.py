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

"""Cache entries appear atomically, and the first builder wins."""

import contextlib
import errno
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from ironic_sideways import commands, exceptions


@contextlib.contextmanager
def building(entry: Path) -> Iterator[Path]:
    """Yield a directory to build in; it becomes ``entry`` if nothing is raised.

    Another builder of the same entry may be first: then its result stays.
    """
    entry.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f"{entry.name}.part-", dir=entry.parent))
    try:
        yield part
        part.chmod(0o755)
        try:
            part.rename(entry)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


#: Seconds for one build tool.
BUILD_TIMEOUT = 900


def run(
    command: Sequence[str | Path], package: str, directory: Path | None = None
) -> str:
    """Run a build tool and return what it printed.

    :param package: Debian package that has the tool, for the error.
    :param directory: to run it in.
    :raises SidewaysError: the tool is missing or failed.
    """
    words = [str(word) for word in command]
    try:
        done = commands.run(words, BUILD_TIMEOUT, cwd=directory)
    except FileNotFoundError as error:
        raise exceptions.SidewaysError(
            f"{words[0]} is not installed: install the package {package}"
        ) from error
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[-500:]
        raise exceptions.SidewaysError(
            f"'{' '.join(words)}' failed with exit code {done.returncode}: {said}"
        )
    return done.stdout
