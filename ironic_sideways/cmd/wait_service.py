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

"""Wait until a service of Nova reports itself up, and nova-api says so."""

import argparse
from datetime import UTC, datetime
from typing import Any

from ironic_sideways import exceptions, waits

HELP = "wait until a service of Nova is up again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which service, and since when."""
    parser.add_argument("--os-cloud", required=True, help="an admin, by clouds.yaml")
    parser.add_argument("--binary", required=True, metavar="NAME", help="nova-compute")
    parser.add_argument("--host", required=True, help="the service's CONF.host")
    parser.add_argument(
        "--since",
        type=float,
        default=0,
        metavar="TIME",
        help="seconds since the epoch: an older report does not count",
    )
    parser.add_argument("--timeout", type=float, default=120, metavar="SECONDS")


def run(args: argparse.Namespace) -> int:
    """Wait, and print one line.

    :raises WaitExpired: says what was seen last.
    """
    from ironic_sideways.cmd import connections

    def look() -> str:
        try:
            # A new connection: nova-api or keystone may have restarted meanwhile.
            services = connections.connect(args.os_cloud).compute.services(
                binary=args.binary, host=args.host
            )
            return state(list(services), args.since)
        except (exceptions.SidewaysError, *connections.ERRORS) as error:
            return exceptions.line(error)

    what = f"{args.binary} on {args.host}"
    waits.wait_for(look, lambda seen: seen == "up", what, args.timeout, interval=1)
    print(f"{what} is up")
    return 0


def state(services: list[Any], since: float) -> str:
    """``up``, or in a few words what is not yet so.

    :param services: Nova's records of the one service.
    :param since: seconds since the epoch.
    """
    if not services:
        return "Nova has no such service"
    service = services[0]
    if service.state != "up":
        return f"Nova sees it {service.state}"
    if not service.updated_at:
        return "it has not reported yet"
    reported = datetime.fromisoformat(service.updated_at).replace(tzinfo=UTC)
    if reported.timestamp() < since:
        return f"its last report, of {service.updated_at}, is older than its start"
    return "up"
