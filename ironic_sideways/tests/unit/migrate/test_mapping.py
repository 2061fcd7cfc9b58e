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

"""The mapping does what the declared fields say, and no line of it is idle."""

import pytest

from ironic_sideways.migrate import choices, fields, mapping, provenance
from ironic_sideways.tests import rows, samples


@pytest.mark.parametrize(("node", "options"), samples.pairs())
def test_what_is_mapped_is_what_is_declared(
    node: samples.reader.Node, options: choices.Options
) -> None:
    mapped = mapping.map_node(node, node.interfaces, options, samples.STAMP)
    assert samples.differences(node, mapped, options=options) == []


def test_secrets_are_in_no_representation() -> None:
    node = samples.sources()[0]
    mapped = mapping.map_node(node, node.interfaces, samples.OPTIONS, samples.STAMP)
    assert "s3cret" not in repr(node) + repr(mapped)


def test_the_digest_does_not_depend_on_the_password() -> None:
    """Whoever reads ``extra`` could guess it otherwise."""
    one, two = (
        mapping.map_node(
            samples.source(rows.free_node(1, pm_password=password)),
            (),
            samples.OPTIONS,
            samples.STAMP,
        ).node["extra"][provenance.KEY]["digest"]
        for password in ("a", "b")
    )
    assert one == two


def test_every_declared_field_is_one_that_ironic_has() -> None:
    objects = samples.verify.ironic_objects()
    for declared, kind in ((fields.NODE, objects.Node), (fields.PORT, objects.Port)):
        assert {name.split(".")[0] for name in declared} <= set(kind.fields)
