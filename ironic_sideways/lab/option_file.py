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

"""Setting one option of an ini file, every other line left as it is."""

import re
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.lab import files

SECTION = re.compile(r"^\[(?P<name>[^]]+)\]\s*$")


def _find(lines: list[str], section: str, option: str) -> tuple[list[int], int | None]:
    """The numbers of the lines that set ``option``, and where its section ends."""
    assignment = re.compile(rf"^{re.escape(option)}\s*[=:]")
    found: list[int] = []
    end, inside = None, False
    for number, line in enumerate(lines):
        header = SECTION.match(line)
        if header:
            inside = header["name"] == section
        elif inside and (
            assignment.match(line)
            or (line[:1] in (" ", "\t") and found[-1:] == [number - 1])
        ):
            found.append(number)
        if inside:
            end = number + 1
    return found, end


def with_option(text: str, section: str, option: str, value: str | None) -> str:
    """``text`` with ``option`` of ``section`` set to ``value``, or without it if None.

    Comments and the order of lines stay. The option's continuation lines and
    its repetitions go, because oslo.config would read the last one. A missing
    option is put at the end of its section, a missing section at the file's end.
    """
    lines = text.splitlines()
    found, position = _find(lines, section, option)
    lines = [line for number, line in enumerate(lines) if number not in found]
    if value is not None:
        if found:
            position = found[0]
        elif position is None:
            lines += [*([""] if lines else []), f"[{section}]"]
            position = len(lines)
        while not found and not lines[position - 1].strip():
            position -= 1
        lines.insert(position, f"{option} = {value}")
    return "\n".join(lines) + "\n"


def set_option(path: Path, section: str, option: str, value: str | None) -> None:
    """Set ``option`` in the file ``path``, or remove it if ``value`` is None.

    The file stays private: any of them may hold a password. One that would not
    change is not written.
    """
    before = path.read_text()
    after = with_option(before, section, option, value)
    if after != before:
        files.write_private(path, after)


def unset_option(path: Path, section: str, option: str) -> None:
    """Remove ``option`` from the file ``path``."""
    set_option(path, section, option, None)


def get_option(
    path: Path, section: str, option: str, default: str | None = None
) -> str:
    """The value of ``option`` in the file ``path``, the last one if it is repeated.

    :raises SidewaysError: it is not set there, and no ``default`` is given.
    """
    lines = path.read_text().splitlines()
    found = [lines[number] for number in _find(lines, section, option)[0]]
    values = [line[len(option) :] for line in found if line.startswith(option)]
    if values:
        return values[-1].lstrip()[1:].strip()
    if default is None:
        raise exceptions.SidewaysError(f"{path}: no option {option} in [{section}]")
    return default
