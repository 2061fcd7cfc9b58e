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

import json
import types

import pytest

from ironic_sideways.cmd import connections, main
from ironic_sideways.trials import exact_match

GOOD = {"name": "large", "ok": True, "detail": "landed on node-1"}
BAD = {"name": "small", "ok": False, "detail": "landed on node-2"}


@pytest.mark.parametrize(("rows", "code"), [([GOOD, GOOD], 0), ([GOOD, BAD], 3)])
def test_each_flavor_is_told_and_one_that_lands_elsewhere_fails_it(
    monkeypatch, tmp_path, capsys, rows, code
):
    asked: list[str] = []

    def trial(*words):
        asked.extend(words)
        return types.SimpleNamespace(everything=lambda: {"checks": rows})

    monkeypatch.setattr(connections, "connect", lambda name: name)
    monkeypatch.setattr(exact_match, "ExactMatch", trial)
    output = tmp_path / "exact-match.json"
    words = ["--admin-cloud", "a", "--ironic-cloud", "i", "--resource-class", "c"]

    assert main.main(["exact-match", *words, "--output", str(output)]) == code

    assert asked == ["a", "i", "demo", "c"]
    assert json.loads(output.read_text()) == {"checks": rows}
    said = capsys.readouterr()
    assert "ok  large: landed on node-1" in said.out
    assert ("1 of 2 checks failed, first: small: landed on node-2" in said.err) is bool(
        code
    )
