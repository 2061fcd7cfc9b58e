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

"""What the commands that talk to a cloud share: options, and errors."""

import argparse
import os
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path

import openstack
import openstack.connection
import openstack.exceptions
import requests

from ironic_sideways import exceptions
from ironic_sideways.cloud import in_turn
from ironic_sideways.cloud.in_turn import ERRORS

#: Seconds for one API call: a service that accepts and never answers is an error.
API_TIMEOUT = 120


def add_option(parser: argparse.ArgumentParser) -> None:
    """``--os-cloud``: an entry of clouds.yaml, by default $OS_CLOUD."""
    parser.add_argument(
        "--os-cloud",
        default=os.environ.get("OS_CLOUD"),
        metavar="NAME",
        help="the cloud's entry in clouds.yaml, with an administrator's "
        "credentials (default: $OS_CLOUD, or what $OS_AUTH_URL ... say)",
    )


def add_trial_options(parser: argparse.ArgumentParser, output: str) -> None:
    """The clouds of a trial, and ``--output``.

    :param output: what the evidence is called.
    """
    parser.set_defaults(changed="", again="give the same command again")
    parser.add_argument("--member-cloud", default="demo", help="whose servers are used")
    parser.add_argument("--admin-cloud", default="admin")
    parser.add_argument("--ironic-cloud", default="system", help="who sees all nodes")
    parser.add_argument("--output", type=Path, required=True, help=output)


def add_class_options(parser: argparse.ArgumentParser, by_shape: str) -> None:
    """``--resource-class`` and ``--resource-class-by-shape``.

    :param by_shape: the help of the latter, which says where a shape is from.
    """
    parser.add_argument(
        "--resource-class",
        metavar="NAME",
        help="the nodes' resource class in Ironic, such as baremetal; Placement's "
        "name is made of it as IronicDriver does (CUSTOM_BAREMETAL)",
    )
    parser.add_argument("--resource-class-by-shape", action="store_true", help=by_shape)


def add_migration_option(parser: argparse.ArgumentParser) -> None:
    """``--migration``."""
    parser.add_argument(
        "--migration",
        type=Path,
        metavar="FILE",
        help="what ironic-nova-bm-migrate run wrote with --output",
    )


def add_change_options(parser: argparse.ArgumentParser) -> None:
    """``--undo-file``, ``--undo`` and ``--dry-run``."""
    parser.add_argument(
        "--undo-file",
        type=Path,
        metavar="FILE",
        help="record the previous state here first (mode 0600), for --undo; required "
        "unless --dry-run; a repeated run keeps what the first one recorded",
    )
    parser.add_argument(
        "--undo",
        type=Path,
        metavar="FILE",
        help="restore what an earlier run recorded in its --undo-file; refused, and "
        "nothing changed, where somebody else has changed it since",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be done, change nothing"
    )


def check_change_options(
    parsed: argparse.Namespace,
    needed: dict[str, object],
    others: Iterable[object] = (),
) -> None:
    """See that this is a whole change or a bare --undo.

    :param needed: what a change needs, by the options' names.
    :param others: values of further options that --undo does not take.
    :raises UsageError: it is neither.
    """
    if parsed.undo is None:
        if lacking := [name for name, value in needed.items() if not value]:
            raise exceptions.UsageError(
                f"expected {', '.join(lacking)}, or --undo FILE"
            )
        if not parsed.undo_file and not parsed.dry_run:
            raise exceptions.UsageError("expected --undo-file FILE, or --dry-run")
    elif any((*needed.values(), *others, parsed.undo_file)):
        raise exceptions.UsageError("--undo can only be combined with --dry-run")


def make(
    parsed: argparse.Namespace,
    changes: Iterable[in_turn.Made],
    call: Callable[[in_turn.Made], None],
    thing: str,
    again: str,
    unlike: Callable[[], Iterable[str]],
) -> None:
    """Make the changes, and see that they are there when read again.

    :param thing: what each changes, as in "flavor".
    :param again: what to do when only some were made, or one is not there.
    :param unlike: reads again, and names those that are not as set.
    :raises FollowUpNeeded: where some were made and others not, or one is not there.
    """
    if changed := in_turn.apply(changes, call, f"{thing}s", again):
        parsed.changed, parsed.again = f"{changed} {thing}s changed", again
    if left := list(unlike()):
        raise exceptions.FollowUpNeeded(
            f"{thing} {', '.join(left)}: not as set when read again; {again}"
        )


def connect(name: str | None) -> openstack.connection.Connection:
    """A connection to the cloud ``name``; one that answers to a first token.

    :raises UsageError: where clouds.yaml has no such entry.
    :raises SidewaysError: where keystone cannot be reached or refuses.
    """
    try:
        connection = openstack.connect(
            cloud=name, app_name="ironic-sideways", api_timeout=API_TIMEOUT
        )
        connection.session.session.hooks["response"].append(_require_json)
        connection.session.get_token()
    except (AttributeError, KeyError, TypeError) as error:
        raise exceptions.UsageError(
            f"--os-cloud {name}: its clouds.yaml is not what openstacksdk reads: "
            f"{exceptions.line(error)}"
        ) from None
    # OSError: a cacert, cert or key that is not there.
    except (openstack.exceptions.ConfigException, OSError) as error:
        raise exceptions.UsageError(
            f"--os-cloud {name}: {exceptions.line(error)}"
        ) from None
    except ERRORS as error:
        raise exceptions.SidewaysError(
            f"cloud {name or '(environment)'}: no token: {exceptions.line(error)}"
        ) from None
    return connection


def _require_json(response: requests.Response, **_: object) -> None:
    """Refuse a proxy's page, and JSON that no OpenStack API answers with.

    :raises SDKException: names the address, and what was found there.
    """
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
    if not response.ok or kind not in ("application/json", "text/html"):
        return
    if not response.content:
        return
    found = kind
    if kind == "application/json":
        try:
            found = type(response.json()).__name__
        except ValueError:
            found = "something that is not JSON"
    if found != "dict":
        raise openstack.exceptions.SDKException(
            f"{response.url} answered {response.status_code} with {found}, expected a "
            "JSON object: is this the API's address, or a proxy in front of it?"
        )


def is_strange_answer(error: BaseException) -> bool:
    """Whether openstacksdk failed over the shape of what an API answered."""
    if not isinstance(error, AttributeError | KeyError | TypeError | ValueError):
        return False
    *_, last = traceback.walk_tb(error.__traceback__)
    module = str(last[0].f_globals.get("__name__"))
    return module.partition(".")[0] in ("openstack", "keystoneauth1")
