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


def with_option(text: str, section: str, option: str, value: str) -> str:
    """``text`` with ``option`` of ``section`` set to ``value``.

    Comments and the order of lines stay. The option's continuation lines and
    its repetitions go, because oslo.config would read the last one. A missing
    option is put at the end of its section, a missing section at the file's end.
    """
    assignment = re.compile(rf"^{re.escape(option)}\s*[=:]")
    result: list[str] = []
    written = inside = dropping = False
    for line in text.splitlines():
        header = SECTION.match(line)
        if header:
            if inside and not written:
                _insert_before_blank_lines(result, f"{option} = {value}")
                written = True
            inside, dropping = header["name"] == section, False
        elif inside and assignment.match(line):
            if not written:
                result.append(f"{option} = {value}")
            written = dropping = True
            continue
        elif dropping and line[:1] in (" ", "\t"):
            continue
        else:
            dropping = False
        result.append(line)
    if not written:
        if not inside:
            result += ["", f"[{section}]"] if result else [f"[{section}]"]
        _insert_before_blank_lines(result, f"{option} = {value}")
    return "\n".join(result) + "\n"


def _insert_before_blank_lines(lines: list[str], line: str) -> None:
    position = len(lines)
    while position and not lines[position - 1].strip():
        position -= 1
    lines.insert(position, line)


def set_option(path: Path, section: str, option: str, value: str) -> bool:
    """Set ``option`` in the file ``path``; returns whether that changed it.

    The file keeps its permissions private: any of them may hold a password.
    """
    before = path.read_text()
    after = with_option(before, section, option, value)
    if after != before:
        files.write_private(path, after)
    return after != before


def unset_option(path: Path, section: str, option: str) -> bool:
    """Remove ``option`` from the file ``path``; returns whether it was there."""
    before = path.read_text()
    after = without_option(before, section, option)
    if after != before:
        files.write_private(path, after)
    return after != before


def get_option(
    path: Path, section: str, option: str, default: str | None = None
) -> str:
    """The value of ``option`` in the file ``path``.

    :raises SidewaysError: it is not set there, and no ``default`` is given.
    """
    assignment = re.compile(rf"^{re.escape(option)}\s*[=:]\s*(?P<value>.*)$")
    inside, value = False, None
    for line in path.read_text().splitlines():
        header = SECTION.match(line)
        if header:
            inside = header["name"] == section
        elif inside and (found := assignment.match(line)):
            value = found["value"].strip()
    if value is None:
        value = default
    if value is None:
        raise exceptions.SidewaysError(f"{path}: no option {option} in [{section}]")
    return value


def without_option(text: str, section: str, option: str) -> str:
    """``text`` without ``option`` of ``section``; every other line stays."""
    assignment = re.compile(rf"^{re.escape(option)}\s*[=:]")
    result: list[str] = []
    inside = dropping = False
    for line in text.splitlines():
        header = SECTION.match(line)
        if header:
            inside, dropping = header["name"] == section, False
        elif inside and assignment.match(line):
            dropping = True
            continue
        elif dropping and line[:1] in (" ", "\t"):
            continue
        else:
            dropping = False
        result.append(line)
    return "\n".join(result) + "\n"
