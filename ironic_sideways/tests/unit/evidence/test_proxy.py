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

"""What the proxy answers otherwise than it should."""

import itertools
from types import SimpleNamespace
from typing import Any

from ironic_sideways.evidence import proxy


def answer(status: int, body: Any = None) -> SimpleNamespace:
    return SimpleNamespace(status_code=status, json=lambda: body)


def cloud(listed: list[str], write: int = 404, interfaces: int = 1) -> Any:
    def get(path: str, headers: dict[str, str]) -> SimpleNamespace:
        if path == proxy.PATH:
            return answer(200, {"nodes": [{"id": name} for name in listed]})
        return answer(200, {"node": {"interfaces": [{}] * interfaces}})

    asked = SimpleNamespace(get=get, request=lambda *_, **__: answer(write))
    return SimpleNamespace(compute=asked)


def test_a_proxy_that_lists_shows_and_refuses_has_no_fault() -> None:
    assert proxy.faults(cloud(["one", "two"]), ["one", "two"]) == []


def test_each_fault_is_named() -> None:
    found = proxy.faults(cloud(["one", "more"], 202, 0), ["one", "two"])

    assert found[0] == f"GET {proxy.PATH}: missing ['two'], unexpected ['more']"
    assert [fault.split()[0] for fault in found[1:5]] == ["POST"] * 3 + ["DELETE"]
    assert all(fault.endswith("202, expected 404") for fault in found[1:5])
    assert found[5:] == [f"GET {proxy.PATH}/one: no interfaces"]


def test_a_worker_of_nova_api_without_the_proxy_is_found() -> None:
    """It is one of several, and another answered the list."""
    several = cloud(["one"])
    get, turns = several.compute.get, itertools.count()

    def one_of_four(path: str, headers: dict[str, str]) -> SimpleNamespace:
        mine = path != proxy.PATH and next(turns) % 4 == 0
        return answer(404) if mine else get(path, headers)

    several.compute.get = one_of_four

    told = f"GET {proxy.PATH}/one: 404, expected 200, 6 of 24 times"
    assert proxy.faults(several, ["one"]) == [told]


def test_a_list_that_fails_is_the_only_fault() -> None:
    refused: Any = SimpleNamespace(
        compute=SimpleNamespace(get=lambda *_, **__: answer(503))
    )

    assert proxy.faults(refused, ["one"]) == [f"GET {proxy.PATH}: 503, expected 200"]
