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

"""No command takes an abbreviated option, and no script of ours needs one."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironic_sideways.cmd import (
    bind_ports,
    clear_dhcp_options,
    convert_allocations,
    main,
    migrate,
    update_flavors,
)

REPOSITORY = Path(__file__).parents[4]
#: Options of upgrade-ironic and of cpio that begin as one of ours does.
# prepare_host.sh has its own.
NOT_OURS = {"--hardware", "--list", "--null", "--root"}
PARSERS = [
    main.build_parser(None),
    *(
        module.build_parser()
        for module in (
            bind_ports,
            clear_dhcp_options,
            convert_allocations,
            migrate,
            update_flavors,
        )
    ),
]


def every(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and those of its subcommands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from every(one)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.prog)
def test_j6_no_command_takes_an_abbreviated_option(parser):
    assert [one.prog for one in every(parser) if one.allow_abbrev] == []


def test_j6_no_script_abbreviates_an_option():
    known = {
        name
        for parser in PARSERS
        for one in every(parser)
        for action in one._actions
        for name in action.option_strings
    }
    scripts = [*REPOSITORY.glob("grenade/**/*"), *REPOSITORY.glob("tools/*.sh")]
    used = {
        word
        for script in scripts
        if script.is_file()
        for word in re.findall(r"(?<![\w-])--[a-z][a-z-]+", script.read_text())
    }
    assert len(used & known) > 20
    short = [word for word in used - known if any(k.startswith(word) for k in known)]
    assert sorted(set(short) - NOT_OURS) == []
