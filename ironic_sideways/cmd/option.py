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
import sys
from pathlib import Path

from ironic_sideways import exceptions

HELP = "read or change one option of an ini file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions get, set and unset."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, text in (
        ("get", "print an option"),
        ("set", "set an option"),
        ("unset", "remove an option"),
    ):
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("file", type=Path, metavar="FILE")
        add_option(action, name)


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


def run(arguments: argparse.Namespace) -> None:
    """Do one action.

    :raises UsageError: there is no such file.
    """
    path = arguments.file
    if not path.is_file():
        raise exceptions.UsageError(f"{path}: expected an ini file, found none")
    act(arguments.action, path, arguments)


def act(action: str, path: Path, arguments: argparse.Namespace) -> None:
    """Do ``action`` with the option of the file ``path`` that was asked for."""
    from ironic_sideways.lab import option_file

    which = (path, arguments.section, arguments.option)
    if action == "get":
        print(option_file.get_option(*which, arguments.default))
    elif action == "set":
        value = arguments.value
        if value == "-":
            value = sys.stdin.read().rstrip("\n")
        option_file.set_option(*which, value)
    else:
        option_file.unset_option(*which)
