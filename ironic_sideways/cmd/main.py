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

"""``ironic-sideways``: the lab, the evidence and the verdict, by subcommand.

Each subcommand is a module of this package with HELP, ``add_arguments`` and
``run``; only the one that is called is imported.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Any

from ironic_sideways import exceptions

EXIT_CODES = """\
exit codes:
  0  done
  1  refused or failed, nothing changed
  2  bad usage
  3  changed, and needs the named follow-up
"""

#: Subcommand -> module below ironic_sideways.cmd.
COMMANDS = {
    "compute-workers": "compute_workers",
    "evidence": "evidence",
    "exact-match": "exact_match",
    "heartbeat-collector": "heartbeat_collector",
    "lab": "lab",
    "maintenance": "maintenance",
    "option": "option",
    "publish-images": "publish_images",
    "proxy": "proxy",
    "record": "record",
    "report": "report",
    "sabotage": "sabotage",
    "tempest": "tempest",
    "verdict": "verdict",
    "wait-service": "wait_service",
    "workload": "workload",
}


class Parser(argparse.ArgumentParser):
    """Takes no abbreviated option: one of today may mean another one tomorrow.

    Subparsers are of their parser's class.
    """

    def __init__(self, *words: Any, **named: Any) -> None:
        super().__init__(*words, **{"allow_abbrev": False, **named})


def build_parser(chosen: str | None) -> argparse.ArgumentParser:
    """The parser; only ``chosen`` is filled in, or all of them when None."""
    parser = Parser(
        prog="ironic-sideways",
        description="Move a nova-baremetal deployment to Ironic, and prove it.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module_name in COMMANDS.items():
        if chosen is not None and name != chosen:
            continue
        module = importlib.import_module(f"ironic_sideways.cmd.{module_name}")
        subparser = subparsers.add_parser(
            name,
            help=module.HELP,
            description=module.__doc__,
            epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return parser


def cloud_errors() -> tuple[type[Exception], ...]:
    """What openstacksdk raises, if the command imported it at all."""
    if "openstack" not in sys.modules:
        return ()
    from ironic_sideways.cmd import connections

    return connections.ERRORS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; an error of ours becomes one line and its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    chosen = words[0] if words and words[0] in COMMANDS else None
    parsed = build_parser(chosen).parse_args(words)
    try:
        return int(parsed.run(parsed))
    except exceptions.SidewaysError as error:
        print(f"ironic-sideways: {error}", file=sys.stderr)
        return error.exit_code
    except cloud_errors() as error:
        text = " ".join(str(error).split()) or type(error).__name__
        print(f"ironic-sideways: the cloud says: {text}", file=sys.stderr)
        return exceptions.SidewaysError.exit_code
    except KeyboardInterrupt:
        print("ironic-sideways: interrupted", file=sys.stderr)
        return 130
