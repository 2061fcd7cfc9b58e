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

"""Publish a deploy kernel and ramdisk in glance, and flavors that reference them.

Uses the cloud that OS_CLOUD and OS_CLIENT_CONFIG_FILE name, as its administrator.
What is there already with the same content stays; the ids are printed.
"""

import argparse
from pathlib import Path

from ironic_sideways.cloud import images
from ironic_sideways.cmd import connections
from ironic_sideways.evidence import documents

HELP = "publish deploy images, and flavors that reference them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this subcommand."""
    parser.add_argument(
        "--prefix",
        required=True,
        help="the images are named PREFIX-kernel and PREFIX-ramdisk",
    )
    parser.add_argument("--kernel", required=True, type=Path, metavar="FILE")
    parser.add_argument("--ramdisk", required=True, type=Path, metavar="FILE")
    parser.add_argument(
        "--flavors",
        action="store_true",
        help="also the flavors "
        + ", ".join(flavor.name for flavor in images.BAREMETAL_FLAVORS)
        + " with these images as their deploy kernel and ramdisk",
    )
    parser.add_argument(
        "--record",
        type=Path,
        metavar="FILE",
        help="write ids, states and checksums there as JSON",
    )
    parser.set_defaults(changed="", again="publish again to go on")


def run(arguments: argparse.Namespace) -> None:
    """Publish, print one line an object, record.

    :raises SidewaysError: refused, or the cloud cannot be asked.
    """

    def tell(change: str) -> None:
        said = filter(None, (arguments.changed, change))
        arguments.changed = ", ".join(said)

    connection = connections.connect(None)
    published = images.publish_pair(
        connection, arguments.prefix, arguments.kernel, arguments.ramdisk, tell
    )
    flavors = []
    if arguments.flavors:
        flavors = images.ensure_flavors(connection, published, tell)
    for image in (published.kernel, published.ramdisk):
        print(
            f"image {image['name']} {image['id']} {image['status']} "
            f"{image['hash_algo']} {image['hash_value'][:16]}"
        )
    for flavor in flavors:
        print(f"flavor {flavor['name']} {flavor['id']}")
    if arguments.record:
        documents.write(
            arguments.record,
            {
                "kernel": published.kernel,
                "ramdisk": published.ramdisk,
                "flavors": flavors,
            },
        )
