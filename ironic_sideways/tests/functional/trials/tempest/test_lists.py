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

"""The lists against the tests that the Tempest of upper-constraints.txt has."""

import pytest

from ironic_sideways.trials.tempest import lists, run


@pytest.fixture(scope="module")
def user(tmp_path_factory):
    """Home and scratch directory of whoever calls."""
    made = tmp_path_factory.mktemp("user")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "TMPDIR"):
            patch.setenv(name, str(made / name))
            (made / name).mkdir()
        patch.delenv("XDG_CACHE_HOME", raising=False)
        yield made


@pytest.fixture(scope="module")
def names(tmp_path_factory, user):
    workspace = tmp_path_factory.mktemp("tempest") / "workspace"
    run.initialise(workspace)
    # A phase that is resumed does so again.
    run.initialise(workspace)
    return run.names(workspace)


def test_tempest_finds_nova_s_whole_api_and_the_plugin_s_basic_operations(names):
    assert len(names) > 500
    for prefix in lists.CONSIDERED:
        assert any(name.startswith(prefix) for name in names)


def test_tempest_leaves_nothing_with_its_caller(names, user):
    assert sorted(path.name for path in user.rglob("*")) == ["HOME", "TMPDIR"]


def test_no_line_of_the_lists_is_dead_or_there_twice(names):
    lines = lists.excluded() + lists.excluded(lists.LOG_IN)
    lines += lists.excluded(lists.NOT_ON_BASE)

    assert lists.faults(names, lines) == []


@pytest.mark.parametrize(
    ("everything", "base"), [(True, False), (False, False), (False, True)]
)
def test_a_floor_is_what_the_list_lets_run(names, everything, base):
    """Whoever lets more tests run raises the floor; it is never lowered."""
    choice = lists.choose(names, everything, base)

    assert len(choice.wanted) == choice.floor


def test_each_test_is_wanted_or_excluded(names):
    choice = lists.choose(names, everything=True, base=False)

    assert len(choice.wanted) + len(choice.excluded) == len(names)
