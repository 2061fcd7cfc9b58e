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

"""What the rounds do besides killing."""

import pytest

from ironic_sideways import exceptions
from ironic_sideways.trials.workers import rounds
from ironic_sideways.trials.workers.trial import Trial


@pytest.mark.parametrize(
    ("deleters", "ends"),
    [(["other"], "other"), (["one", "other"], "other"), (["one"] * 5, "5 times")],
)
def test_a_delete_in_a_build_is_repeated_until_it_is_the_other_workers(
    trial: Trial, monkeypatch: pytest.MonkeyPatch, deleters: list, ends: str
) -> None:
    trial.workers.names = ("one", "other")
    coming = iter(deleters)
    monkeypatch.setattr(
        rounds,
        "deleted_in_build",
        lambda _trial: {"builder": "one", "deleter": next(coming)},
    )
    if ends == "other":
        assert rounds.delete_in_build(trial)["deleter"] == "other"
    else:
        with pytest.raises(exceptions.SidewaysError, match=ends):
            rounds.delete_in_build(trial)
    assert list(coming) == []
