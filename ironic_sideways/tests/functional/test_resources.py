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

"""grenade/resources as Grenade calls it, verb by verb."""

from pathlib import Path

import pytest

from ironic_sideways.tests.functional import upgrade_tree


@pytest.fixture
def tree(tmp_path: Path) -> upgrade_tree.Tree:
    return upgrade_tree.Tree(tmp_path)


@pytest.mark.parametrize("verb", ["verfy", ""])
def test_a_mistyped_verb_of_the_resources_is_bad_usage(
    tree: upgrade_tree.Tree, verb: str
) -> None:
    done = tree.shell(str(tree.root / "grenade/resources"), verb)
    assert (done.returncode, tree.calls()) == (2, [])
    assert f"verb '{verb}': expected early_create" in done.stderr


def test_grenade_may_call_a_verb_that_has_nothing_to_do(
    tree: upgrade_tree.Tree,
) -> None:
    done = tree.shell(str(tree.root / "grenade/resources"), "early_create")
    assert (done.returncode, done.stderr, tree.calls()) == (0, "", [])
