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
"""What a run chose for a node is kept with it, and makes the same node again."""

import dataclasses
import json

import pytest

from ironic_sideways.migrate import choices, kept_options, mapping
from ironic_sideways.tests import rows, samples

PLAIN = choices.Options(resource_class="baremetal", owner=None, node_arch="x86_64")
#: As --nova-config of two hosts, and of one that does not say whose it is.
ADVERTISED = dataclasses.replace(
    PLAIN, capabilities={"compute-1": {"gpus": "2"}, None: {"gpus": "1"}}
)


@pytest.mark.parametrize(
    "options", [PLAIN, ADVERTISED, samples.OPTIONS, samples.OTHER_OPTIONS]
)
def test_d2_what_a_run_chose_for_a_node_is_what_its_record_restores(
    options: choices.Options,
) -> None:
    for node in samples.sources():
        if options.resource_class_by_shape and None in (node.cpus, node.local_gb):
            continue
        # As it comes out of the database.
        kept = json.loads(json.dumps(kept_options.recorded(node, options)))
        files = dataclasses.replace(PLAIN, bmcs=options.bmcs, netboot=options.netboot)
        again = kept_options.restored(kept, files)
        stamp = samples.STAMP
        assert mapping.map_node(node, (), again, stamp) == mapping.map_node(
            node, (), options, stamp
        )
        assert "s3cret" not in str(kept)


@pytest.mark.parametrize(
    "kept", [None, "mutated", {}, {"resource_class": "gold"}, {"boot_mode": "uefi"}]
)
def test_d2_another_choice_in_the_record_is_noticed(kept: object) -> None:
    node = samples.source(rows.free_node(1))
    mapped = mapping.map_node(node, (), PLAIN, samples.STAMP)
    assert samples.differences(node, mapped, options=PLAIN) == []
    mapped.node["extra"]["nova_bm"]["options"] = kept
    (line,) = samples.differences(node, mapped, options=PLAIN)
    assert "options: another choice than made" in line
