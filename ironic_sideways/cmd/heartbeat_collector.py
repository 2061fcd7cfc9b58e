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

"""Write the heartbeats of the machines to a file, and acknowledge them.

Listens for GET /beat?mac=..&boot_id=..&seq=..&ip=.. and appends one JSON line
per heartbeat to the file; the answer is 200 only when the line is written. A file that
exists is continued. SIGTERM and SIGINT end it.
"""

import argparse
from pathlib import Path

from ironic_sideways.evidence import heartbeat

HELP = "receive the machines' heartbeats"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to listen and where to write."""
    parser.add_argument(
        "--listen", required=True, metavar="ADDRESS", help="IPv4 address"
    )
    parser.add_argument("--port", required=True, type=int, help="TCP port")
    parser.add_argument(
        "--output", required=True, type=Path, metavar="FILE", help="JSON lines"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes."""
    record = heartbeat.Record(arguments.output)
    collector = heartbeat.Collector(arguments.listen, arguments.port, record)
    try:
        collector.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        collector.server_close()
        record.close()
    return 0
