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

import pytest

from ironic_sideways.trials.proxy import benchmark


def row(ratio: float) -> dict[str, object]:
    seconds = {"direct": 0.1, "proxy": 0.1 * ratio, "Nova's own": 0.3, "refused": 0.01}
    ratios = {"direct": 1.0, "proxy": ratio, "Nova's own": 3.0, "refused": 0.1}
    return {
        **{"kind": "list", "nodes": 100, "seconds": seconds},
        **{"ratio": ratios, "processor_ratio": ratios},
    }


@pytest.mark.parametrize(("worst", "word"), [(1.25, "met"), (1.26, "missed")])
def test_the_last_line_says_whether_the_goal_was_met(worst: float, word: str) -> None:
    *_, last = benchmark.lines([row(1.01), row(worst)])
    assert last == f"at most {worst:.2f} times the direct calls: goal 1.25 {word}"


def test_nodes_are_one_call_each_round_and_novas_own_list_fewer() -> None:
    asked: list[str] = []

    def call(name: str) -> benchmark.Call:
        return lambda: len(asked.append(name) or asked)  # type: ignore[func-returns-value]

    names = ("direct", "proxy", "Nova's own")
    found = benchmark.measure("list", 5000, {name: call(name) for name in names}, ())
    # Once before, to warm up, but for what is so slow that it is made once.
    assert [asked.count(name) for name in names] == [4, 4, 1]
    assert found["rounds"] == {"direct": 3, "proxy": 3, "Nova's own": 1}
    assert found["ratio"]["direct"] == 1
