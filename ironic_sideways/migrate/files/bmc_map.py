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

"""The operator's map from nodes to BMCs, for nodes that nova-baremetal switched
otherwise than over IPMI.
"""

import csv
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

from ironic_sideways import exceptions, secret_file
from ironic_sideways.migrate import choices, sound_options

HEADER = ["node", "address", "port", "user", "password_file"]
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


def read(name: str) -> dict[str, choices.Bmc]:
    """Node uuid, or MAC in lower case -> BMC.

    A password file's name is relative to the map's directory; its one line is the
    password, which may be empty, as may be the user (IPMI's null user).

    :raises UsageError: names the first line that is not as it should be.
    """
    path = Path(name)
    found: dict[str, choices.Bmc] = {}
    at: dict[tuple[str, int], str] = {}
    for number, words in _lines(path):
        where = f"--bmc-map {path} line {number}"
        try:
            node, bmc = _entry(path.parent, words, where)
            if node in found:
                raise ValueError(f"node {node} is in line {_line(found[node])} too")
            place = (bmc.address.lower(), bmc.port)
            if place in at:
                raise ValueError(
                    f"BMC {bmc.address} port {bmc.port} is that of {at[place]} too"
                )
        except ValueError as error:
            raise exceptions.UsageError(f"{where}: {error}") from error
        found[node] = bmc
        at[place] = node
    return found


def _line(bmc: choices.Bmc) -> str:
    return bmc.where.rpartition(" ")[2]


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines after the header, with their numbers; empty ones are left out."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            header = next(rows, [])
            if header != HEADER:
                raise exceptions.UsageError(
                    f"--bmc-map {path} line 1: expected the header "
                    f"{','.join(HEADER)}, found {','.join(header) or 'nothing'}"
                )
            yield from ((rows.line_num, words) for words in rows if words)
    except OSError as error:
        raise exceptions.UsageError(f"--bmc-map {path}: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise exceptions.UsageError(f"--bmc-map {path}: is no CSV: {error}") from error


def _entry(directory: Path, words: list[str], where: str) -> tuple[str, choices.Bmc]:
    """:raises ValueError: what is wrong with the line."""
    if len(words) != len(HEADER):
        raise ValueError(f"expected {len(HEADER)} fields, found {len(words)}")
    node, address, port, user, password_file = (word.strip() for word in words)
    if not sound_options.is_address(address):
        raise ValueError(
            f"address {address!r} is neither a host name nor an IP address"
        )
    if not password_file:
        raise ValueError("password_file is empty")
    return _node(node), choices.Bmc(
        address, _port(port), user, _password(directory / password_file), where
    )


def _node(text: str) -> str:
    node = text.lower()
    if _MAC.fullmatch(node):
        return node
    try:
        if str(uuid.UUID(node)) == node:
            return node
    except ValueError:
        pass
    raise ValueError(f"node {text!r} is neither a uuid nor a MAC address")


def _port(text: str) -> int:
    if not text:
        return choices.IPMI_PORT
    if not (text.isascii() and text.isdigit() and choices.is_port(int(text))):
        raise ValueError(f"port {text!r} is not a number from 1 to 65535")
    return int(text)


def _password(path: Path) -> str:
    """The one line of a file that is its owner's alone."""
    try:
        return secret_file.read_line(path, may_be_empty=True)
    except ValueError as error:
        raise ValueError(f"password file {path}: {error}") from error
