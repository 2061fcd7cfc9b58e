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

"""What was asked, what was expected and what came: the rows of proxy.json."""

import dataclasses
import time
from typing import Any

import requests

#: Seconds for one answer; a lab on a shared machine is slow.
TIMEOUT = 60

#: The newest microversion that has os-baremetal-nodes.
SERVED = "2.35"

NODES = "/v2.1/os-baremetal-nodes"


@dataclasses.dataclass
class Table:
    """Rows of ``{name, ok, detail, time, moved_by}``, as the verdict reads them.

    Times are seconds since the epoch.

    :param moved_by: the runs of the migration that the asked nodes are from.
    """

    moved_by: list[str] = dataclasses.field(default_factory=list)

    rows: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def expect(self, name: str, found: Any, expected: Any) -> None:
        """Add a row: ``found`` is what was expected, or it is not."""
        ok = found == expected
        detail = f"{found}" if ok else f"{found}, expected {expected}"
        row = {"name": name, "ok": ok, "detail": detail[:2000], "time": time.time()}
        self.rows.append({**row, "moved_by": self.moved_by})

    @property
    def failed(self) -> list[dict[str, Any]]:
        """The rows that are not as expected."""
        return [row for row in self.rows if not row["ok"]]


@dataclasses.dataclass(frozen=True)
class Nova:
    """A nova-api at ``root``, asked without a client library in between."""

    root: str

    def ask(
        self,
        token: str | None,
        path: str = NODES,
        method: str = "GET",
        version: str | None = SERVED,
        body: Any = None,
    ) -> requests.Response:
        """The answer to one request; ``path`` goes out as it is written."""
        headers = {"Accept": "application/json"}
        if token:
            headers["X-Auth-Token"] = token
        if version:
            headers["OpenStack-API-Version"] = f"compute {version}"
        request = requests.Request(method, self.root, headers=headers, json=body)
        with requests.Session() as session:
            session.trust_env = False
            prepared = session.prepare_request(request)
            # Else requests would tidy up what a traversal is made of.
            prepared.url = self.root + path
            return session.send(prepared, timeout=TIMEOUT, allow_redirects=False)

    def status(self, token: str | None, *args: Any, **kwargs: Any) -> int:
        """The status of one answer; -1 for a fault that is not as Nova's are."""
        answer = self.ask(token, *args, **kwargs)
        if answer.status_code in (200, 401):
            # 401 is the authentication middleware's, before all else.
            return answer.status_code
        return answer.status_code if is_fault(answer) else -1

    def names(self, token: str) -> set[str]:
        """The nodes in the list that ``token`` gets."""
        answer = self.ask(token)
        if answer.status_code != 200:
            return {f"HTTP {answer.status_code}"}
        return {node["id"] for node in answer.json()["nodes"]}


def is_fault(answer: requests.Response) -> bool:
    """Whether the body is ``{title: {"code": ..., "message": ...}}``."""
    try:
        (fault,) = answer.json().values()
        return fault["code"] == answer.status_code and bool(fault["message"])
    except (ValueError, AttributeError, KeyError, TypeError):
        return False
