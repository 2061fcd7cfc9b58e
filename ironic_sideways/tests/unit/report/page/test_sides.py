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

"""Before and after: every node and instance, each difference marked for what it is."""

import pytest

from ironic_sideways.evidence import compare
from ironic_sideways.report.page import sides
from ironic_sideways.tests.unit.report import example
from ironic_sideways.tests.unit.report.small_move import files


def marks(directory, mark):
    """Machine, group and field of each field that has ``mark``."""
    return {
        (side.machine, group.title, field.name)
        for side in sides.sides(directory)
        for group in side.groups
        for field in group.fields
        if field.mark == mark
    }


def test_a_good_run_differs_only_as_the_move_means_it_to(good):
    assert marks(good, "differs") == set()
    assert ("bm-01", "Resource provider", "inventory") in marks(good, "moved")
    assert not any(side.wrong for side in sides.sides(good))


def test_every_field_that_must_survive_is_shown(good):
    shown = {field for _m, _g, field in marks(good, "same") | marks(good, "moved")}

    # A port is shown as VIF, MAC and fixed IP; a digest only where it differs.
    assert set(compare.SERVER_FIELDS) - {"ports", *sides.DIGESTS} <= shown
    assert {"VIF", "MAC", "fixed IP", "boot_id"} <= shown


@pytest.mark.parametrize("name", sides.DIGESTS)
def test_a_digest_that_differs_is_shown(good, name):
    def change(document):
        document["servers"][0][name] = "hmac:0"

    files.edit(good / "after.json", change)

    assert {field for _m, _g, field in marks(good, "differs")} == {name}


def test_a_new_boot_id_is_a_difference_and_comes_first(failed):
    first = sides.sides(failed)[0]

    assert first.machine == "bm-03"
    assert [group.title for group in first.wrong] == ["Machine, by its BMC"]
    assert marks(failed, "differs") == {("bm-03", "Machine, by its BMC", "boot_id")}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "other"}, "VIF"),
        ({"mac": "52:54:00:ff:ff:ff"}, "MAC"),
        ({"fixed_ips": ["172.30.0.99"]}, "fixed IP"),
    ],
)
def test_a_port_that_changed_is_a_difference(good, change, field):
    files.edit(
        good / "after.json", lambda d: d["servers"][0]["ports"][0].update(change)
    )

    assert field in {name for _m, _g, name in marks(good, "differs")}


def test_an_instance_that_is_gone_is_told(good):
    files.edit(good / "after.json", lambda d: d["servers"].pop(0))

    (wrong,) = (
        side
        for side in sides.sides(good)
        if "gone" in "".join(g.why for g in side.groups)
    )
    assert wrong.groups[0].fields[0].after == "not there"


def test_an_instance_on_no_node_is_told_too(good):
    def add(document):
        document["servers"].append(
            {**document["servers"][0], "uuid": "stray", "name": "stray", "node": None}
        )

    files.edit(good / "after.json", add)

    assert "stray" in [side.instance for side in sides.sides(good)]


def test_what_an_ironic_node_should_be_is_held_against_what_it_is(good):
    files.edit(
        good / "after.json",
        lambda d: d["ironic_nodes"][0].update(maintenance=True),
    )

    ((_machine, group, field),) = marks(good, "differs")
    assert (group, field) == ("Ironic node", "maintenance")


def test_a_run_that_was_cut_off_shows_what_there_was_before(run):
    found = sides.sides(run(example.cut_short))

    assert [side.looked_at for side in found] == 8 * [False]
    fields = [one for side in found for group in side.groups for one in group.fields]
    assert {one.after for one in fields} == {sides.NOT_LOOKED_AT}
    assert "survivor-1" in {one.before for one in fields}
    assert not any(side.wrong for side in found)
