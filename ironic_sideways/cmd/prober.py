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

"""Ask each API once a second, as a member, and write what it answers to a file.

Appends to the file, which is made with mode 0600. An unavailable service, keystone too,
and an expired token are what it is there to see: it goes on. SIGTERM and SIGINT end it.
"""

import argparse
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keystoneauth1.session import Session

HELP = "ask each API once a second, as a member"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """As whom to ask, and where to write."""
    parser.add_argument("--os-cloud", required=True, help="a member, by clouds.yaml")
    parser.add_argument(
        "--evidence",
        required=True,
        type=Path,
        metavar="DIRECTORY",
        help="the run's, where a maintenance's record appears; api.jsonl goes there",
    )


def run(arguments: argparse.Namespace) -> int:
    """Probe until a signal comes."""
    import openstack

    from ironic_sideways.evidence import prober

    def session() -> "Session":
        cloud = openstack.connect(cloud=arguments.os_cloud, app_name="ironic-sideways")
        # Also of a token, and whatever clouds.yaml says for commands.
        cloud.session.timeout = prober.TIMEOUT
        found: Session = cloud.session
        return found

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    prober.run(session, arguments.evidence / "api.jsonl", arguments.evidence, stop)
    return 0
