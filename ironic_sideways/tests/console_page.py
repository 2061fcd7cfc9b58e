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

"""The console blocks of a documentation page, executed, so that it cannot drift.

A block is a ``.. code-block:: console``; a line of it that begins with ``$``, or with
a host's name and ``$`` or ``#``, is a command, the lines up to the next one are what it
prints. All commands of a page run in one shell, one after the other.
"""

import dataclasses
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

DIRECTIVE = re.compile(r"^\.\. code-block:: console\n\n((?:   .*\n|\n(?=   ))+)", re.M)
PROMPT = re.compile(r"\$ |[a-z][a-z0-9-]*[$#] ")
_MARK = re.compile("\x1e(\\d+)\n")
TIMEOUT_S = 600


@dataclasses.dataclass
class Command:
    """A command, and what the page says that it prints."""

    text: str
    output: list[str]
    prompt: str = "$ "

    @property
    def host(self) -> str:
        """Where it is given; empty where the page has one host."""
        return self.prompt[:-2]


def commands(block: str) -> list[Command]:
    """The commands of a block whose lines are indented by three spaces."""
    found: list[Command] = []
    lines = [line[3:] for line in block.rstrip("\n").split("\n")]
    continued = False
    for line in lines:
        prompt = PROMPT.match(line)
        if continued:
            found[-1].text += "\n" + line
        elif prompt:
            found.append(Command(line[prompt.end() :], [], prompt[0]))
        else:
            found[-1].output.append(line)
        continued = line.endswith("\\") and not found[-1].output
    return found


def read(page: Path) -> list[Command]:
    """All commands of a page, in its order."""
    return parse(page.read_text(encoding="utf-8"))


def parse(text: str) -> list[Command]:
    """All commands of a part of a page, in its order."""
    return [
        one for match in DIRECTIVE.finditer(text) for one in commands(match.group(1))
    ]


def execute(
    told: Sequence[Command],
    directory: Path,
    environment: Mapping[str, str],
    prelude: str = "",
    timeout: float = TIMEOUT_S,
    must_succeed: bool = False,
) -> list[list[str]]:
    """What each command prints, on both streams, in one shell in ``directory``.

    :param prelude: shell functions that stand for programs of the page's hosts.
    :param timeout: seconds, for all of them.
    :param must_succeed: none of them may fail, whatever it prints.
    :raises AssertionError: one did.
    """
    # The mark leaves $? to the next command.
    mark = "status=$?; printf '\\x1e%d\\n' $status; (exit $status)"
    script = prelude + "".join(f"{one.text}\n{mark}\n" for one in told)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    # Output and status by turns, and what follows the last status.
    parts = _MARK.split(done.stdout)
    printed, statuses = parts[:-1:2], parts[1::2]
    for one, said, status in zip(told, printed, statuses, strict=True):
        if must_succeed and status != "0":
            raise AssertionError(f"`{one.text}` ended with exit code {status}:\n{said}")
    return [[line.rstrip() for line in part.splitlines()] for part in printed]


def rewrite(page: Path, outputs: Sequence[Sequence[str]]) -> None:
    """Put ``outputs`` in the place of those that the page has."""
    rest = iter(outputs)

    def renew(match: re.Match[str]) -> str:
        lines: list[str] = []
        for one in commands(match.group(1)):
            lines += [f"{one.prompt}{one.text}", *next(rest)]
        body = "\n".join(lines).split("\n")
        return ".. code-block:: console\n\n" + "".join(
            f"   {line}".rstrip() + "\n" for line in body
        )

    text = page.read_text(encoding="utf-8")
    page.write_text(DIRECTIVE.sub(renew, text), encoding="utf-8")


def replacer(pairs: Sequence[tuple[str, str]]) -> Callable[[str], str]:
    """A function that replaces what differs from run to run, pattern by pattern."""
    compiled = [(re.compile(pattern), by) for pattern, by in pairs]

    def replace(line: str) -> str:
        for pattern, by in compiled:
            line = pattern.sub(by, line)
        return line

    return replace
