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

"""No caller's token may be in a log."""

from types import SimpleNamespace
from typing import Any

import pytest

from ironic_sideways.trials.proxy import nova_proxy
from ironic_sideways.trials.proxy.table import Table

CALLERS: Any = SimpleNamespace(
    authenticated={"admin": "token-a", "reader": "token-r"},
    expired="token-e",
    revoked="token-v",
)


@pytest.mark.parametrize("token", ["token-a", "token-r", "token-e", "token-v"])
def test_a_token_in_a_log_is_found_and_only_its_file_named(tmp_path, token) -> None:
    clean, dirty = tmp_path / "clean.log", tmp_path / "dirty.log"
    clean.write_text("GET /v2.1/os-baremetal-nodes\n")
    dirty.write_bytes(b"\xff\n" + f"X-Auth-Token: {token}\n".encode())
    table = Table()

    nova_proxy.leaks(table, "a log", CALLERS, [clean])
    nova_proxy.leaks(table, "the logs", CALLERS, [clean, dirty])

    assert [row["ok"] for row in table.rows] == [True, False]
    assert token not in str(table.rows)
    assert "dirty.log" in table.failed[0]["detail"]
