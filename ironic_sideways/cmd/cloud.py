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

"""What the commands that talk to a cloud share: the option, and the errors."""

import argparse
import os
import sys
from collections.abc import Callable

import keystoneauth1.exceptions
import openstack
import openstack.connection
import openstack.exceptions

from ironic_sideways import exceptions

EXIT_CODES = """\
exit codes:
  0  done, or nothing to do
  1  refused or failed, nothing changed
  2  bad usage
  3  changed in part; the message names the follow-up
"""

#: Seconds for one API call: a service that accepts and never answers is an error.
API_TIMEOUT = 120

#: What openstacksdk raises for a cloud that refuses, fails or is not there.
ERRORS = (
    openstack.exceptions.SDKException,
    keystoneauth1.exceptions.ClientException,
)


def add_option(parser: argparse.ArgumentParser) -> None:
    """``--os-cloud``: an entry of clouds.yaml, by default $OS_CLOUD."""
    parser.add_argument(
        "--os-cloud",
        default=os.environ.get("OS_CLOUD"),
        metavar="NAME",
        help="the cloud's entry in clouds.yaml, with an administrator's "
        "credentials (default: $OS_CLOUD, or what $OS_AUTH_URL ... say)",
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
        connection.session.get_token()
    except openstack.exceptions.ConfigException as error:
        raise exceptions.UsageError(f"--os-cloud {name}: {line(error)}") from None
    except ERRORS as error:
        raise exceptions.SidewaysError(
            f"cloud {name or '(environment)'}: no token: {line(error)}"
        ) from None
    return connection


def line(error: BaseException) -> str:
    """``error`` in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def run(program: str, command: Callable[[], None]) -> int:
    """Run ``command``; an error becomes one line and its exit code."""
    try:
        command()
    except exceptions.SidewaysError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return error.exit_code
    except ERRORS as error:
        print(f"{program}: {line(error)}; nothing was changed", file=sys.stderr)
        return exceptions.SidewaysError.exit_code
    except KeyboardInterrupt:
        print(f"{program}: interrupted; run it again to go on", file=sys.stderr)
        return 130
    return 0
