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

"""What was tried on the moved cloud of the lab: operations and Tempest."""

import json
from pathlib import Path
from typing import Any

from ironic_sideways.tests.unit.report.example import clock, timeline
from ironic_sideways.tests.unit.report.small_move import files, small_cloud, trials
from ironic_sideways.tests.unit.report.small_move.files import Document

PACKAGE = "tempest.api.compute"

TESTS = (
    ("flavors.test_flavors.FlavorsV2TestJSON", "test_list_flavors_detailed_limit_{n}"),
    ("keypairs.test_keypairs.KeyPairsV2TestJSON", "test_keypair_create_delete_{n}"),
    ("servers.test_list_server_filters.ListServerFiltersTestJSON", "test_list_{n}"),
    ("servers.test_server_metadata.ServerMetadataTestJSON", "test_set_metadata_{n}"),
)


def operated(directory: Path, server: str) -> None:
    """The operations on a survivor, with what it holds."""
    known = json.loads((directory / "before.json").read_text())["servers"]
    node = next(found["node"] for found in known if found["uuid"] == server)

    def of_the_survivor(found: Any) -> None:
        for operation in found:
            operation["instance"] = server
            if operation["name"] != "delete":
                operation["macs"] = dict.fromkeys(
                    ("neutron", "ironic"), small_cloud.mac(1)
                )
                operation["allocation"] = {node: {small_cloud.CLASS: 1}}
            if operation["name"] == "start":
                # The other machine that was switched.
                other = known[timeline.OPERATED[1] - 1]
                mac = other["ports"][0]["mac"]
                operation["instance"] = other["uuid"]
                operation["macs"] = dict.fromkeys(("neutron", "ironic"), mac)
                operation["allocation"] = {other["node"]: {small_cloud.CLASS: 1}}
            if operation["name"] in ("delete", "redeploy"):
                operation["node"] = node
            if "deploy" in operation:
                operation["deploy"].update(begin=clock.span("operate")[0], node=node)

    files.edit(directory / "operations.json", of_the_survivor)


def tempest(directory: Path, number: int) -> None:
    """Tempest's results: a few excluded, and the base's beside them."""
    tests: list[Document] = []
    for at in range(number):
        suite, method = TESTS[at % len(TESTS)]
        left = at % 22 == 3
        tests.append(
            {
                "name": f"{PACKAGE}.{suite}.{method.format(n=at)}[id-{at:08x}]",
                "outcome": "excluded" if left else "passed",
                "reason": "it asks for ssh into a server" if left else "",
                "source": "tempest.conf: validation.run_validation" if left else "",
                "seconds": None if left else round(0.2 + at % 7 * 0.6, 1),
            }
        )
    tests.append(
        {
            "name": f"{PACKAGE}.servers.test_server_rescue.Rescue.test_rescue[id-1]",
            "outcome": "excluded",
            "reason": "the driver rescues no server of this flavor",
            "source": "nova/virt/ironic/driver.py: capabilities",
            "seconds": None,
        }
    )
    for place, driver in (("tempest-base", "base"), ("tempest", "ironic")):
        document = trials.tempest_results(driver)
        counts = dict.fromkeys(document["counts"], 0)
        for test in tests:
            counts[test["outcome"]] += 1
        document.update(counts=counts, tests=tests, taken_at=clock.span(place)[1] - 0.5)
        files.write(directory / place / "results.json", document)
