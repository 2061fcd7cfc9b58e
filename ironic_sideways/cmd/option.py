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

"""Read or change one option of an ini file; every other line stays as it is."""

import argparse
import functools
import sys
from collections.abc import Callable
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.lab import option_file

Act = Callable[[Path, argparse.Namespace], str | None]

HELP = "read or change one option of an ini file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions get, set and unset."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, act, text in ACTIONS:
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("file", type=Path, metavar="FILE")
        add_option(action, name)
        action.set_defaults(run=functools.partial(run, act))


def add_option(parser: argparse.ArgumentParser, action: str) -> None:
    """Which option, and for ``action`` get or set what is or was its value."""
    parser.add_argument("section", metavar="SECTION")
    parser.add_argument("option", metavar="OPTION")
    if action == "get":
        parser.add_argument(
            "default", metavar="DEFAULT", nargs="?", help="where it is not set"
        )
    if action == "set":
        parser.add_argument(
            "value", metavar="VALUE", help="- reads it from standard input"
        )


def run(act: Act, arguments: argparse.Namespace) -> str | None:
    """Do one action.

    :raises UsageError: there is no such file.
    """
    path = arguments.file
    if not path.is_file():
        raise exceptions.UsageError(f"{path}: expected an ini file, found none")
    return act(path, arguments)


def value(path: Path, arguments: argparse.Namespace) -> str:
    """The option's value in the file ``path``."""
    which = (arguments.section, arguments.option)
    return option_file.get_option(path, *which, arguments.default)


def put(path: Path, arguments: argparse.Namespace) -> None:
    """Set the option in the file ``path``."""
    value = arguments.value
    if value == "-":
        value = sys.stdin.read().rstrip("\n")
    option_file.set_option(path, arguments.section, arguments.option, value)


def remove(path: Path, arguments: argparse.Namespace) -> None:
    """Remove the option from the file ``path``."""
    option_file.unset_option(path, arguments.section, arguments.option)


#: Each action's name, what does it, and its help.
ACTIONS: tuple[tuple[str, Act, str], ...] = (
    ("get", value, "print one option"),
    ("set", put, "set one option"),
    ("unset", remove, "remove one option"),
)
