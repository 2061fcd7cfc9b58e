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

"""``api.jsonl``: what each API answered a member, once a second through the whole run.

While a maintenance holds instances, the member also tries to set a metadata key of one
of them to its own value: what the lock must refuse, and what changes nothing if it does
not. Each probe of a service has a number. A line is what several probes in a row were
answered, all the same: a probe that is missing is a gap in numbers or in time.
"""

import contextlib
import dataclasses
import json
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from keystoneauth1.session import Session

from ironic_sideways import exceptions
from ironic_sideways.cloud import maintenance
from ironic_sideways.cloud.in_turn import ERRORS
from ironic_sideways.evidence import documents

#: Seconds: between two probes, for an answer, and of a line at most.
PERIOD = 1.0
TIMEOUT = 8.0
SPAN = 10.0
#: Seconds that a probe takes at most: it may need a token, the endpoint's versions, and
#: the instance to try it on; and a share of the processor.
PROBE = 60.0
#: Seconds after the last answer: a probe that comes later than this begins a line.
LATE = 2.0

#: What needs no more than a member, and reads the service's database: of each API its
#: type in the catalogue and a path. Keystone is where the token is from.
APIS = {
    "keystone": ("identity", "/v3/auth/projects"),
    "nova": ("compute", "/servers?limit=1"),
    "neutron": ("network", "/v2.0/networks?limit=1"),
    "glance": ("image", "/v2/images?limit=1"),
    "placement": ("placement", "/usages?project_id={project}"),
}
#: The first version that tells usages, and of project and user alone.
USAGES = {"OpenStack-API-Version": "placement 1.9"}
#: The probe of the lock, by Nova's API as well.
LOCK = "lock"

Ask = Callable[[], str | None]


@dataclasses.dataclass(frozen=True)
class Line:
    """What the probes ``first`` to ``last`` of a service were answered.

    :param answer: the HTTP status, with " locked" where a refusal says so; or the
        name of what kept it from coming.
    :param time: when the first was sent, seconds since the epoch.
    :param until: when the last was answered.
    """

    service: str
    answer: str
    first: int
    last: int
    time: float
    until: float


def read(path: Path) -> list[Line]:
    """The lines of api.jsonl.

    :raises EvidenceAbsent: there is no such file.
    :raises EvidenceMalformed: a line is none.
    """
    return documents.once(path, _read)


def _read(path: Path) -> list[Line]:
    found = []
    for number, row in enumerate(documents.read_lines(path), start=1):
        try:
            found.append(Line(**row))
        except TypeError as error:
            raise exceptions.EvidenceMalformed(path, number, str(error)) from error
    return found


class Record:
    """api.jsonl as the prober appends to it; threads may share one.

    A record that exists is continued, its numbers too. It belongs to whoever owns its
    directory, who judges it: where DevStack is, the prober is root's.
    """

    def __init__(self, path: Path) -> None:
        known = read(path) if path.exists() else []
        self._last = {line.service: line.last for line in known}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        owner = path.parent.stat()
        if os.geteuid() == 0:
            os.fchown(self._file, owner.st_uid, owner.st_gid)

    def next(self, service: str) -> int:
        """The number of the next probe of ``service``."""
        return self._last.get(service, 0) + 1

    def append(self, line: Line) -> None:
        """:raises OSError: it was not written, or not whole."""
        told = json.dumps(dataclasses.asdict(line)).encode() + b"\n"
        if os.write(self._file, told) != len(told):
            raise OSError("api.jsonl: short write")

    def close(self) -> None:
        os.close(self._file)


def answered(response: Any) -> str:
    """What an answer is recorded as."""
    status = str(response.status_code)
    locked = response.status_code == 409 and "locked" in response.text.lower()
    return f"{status} locked" if locked else status


def outcome(ask: Ask) -> str | None:
    """What ``ask`` was answered; of a failure its kind alone, which is no secret."""
    try:
        return ask()
    except (*ERRORS, OSError, exceptions.SidewaysError) as error:
        return type(error).__name__


def api(session: Session, name: str) -> str:
    """Ask the API ``name`` of :data:`APIS`."""
    kind, path = APIS[name]
    where: dict[str, Any] = {"endpoint_filter": {"service_type": kind}}
    if name == "keystone":
        # The catalogue may name keystone's version, or may not.
        root = session.auth.auth_url.rstrip("/").removesuffix("/v3")
        path, where = f"{root}{path}", {}
    elif name == "placement":
        path = path.format(project=session.get_project_id())
        where["headers"] = USAGES
    return answered(session.get(path, raise_exc=False, **where))


class Lock:
    """Sets a metadata key of a held instance to its own value.

    :param evidence: the run's directory, where a maintenance's record is.
    """

    def __init__(self, session: Session, evidence: Path) -> None:
        self.session = session
        self.evidence = evidence
        self.target: tuple[str, str, str] | None = None

    def held(self) -> set[str]:
        """The instances that a maintenance holds now, its begin and end included."""
        records = ("maintenance.json", "increments/*/maintenance.json")
        found: set[str] = set()
        for path in (one for name in records for one in self.evidence.glob(name)):
            # One that is rolled back takes its record away.
            with contextlib.suppress(exceptions.EvidenceAbsent):
                plan = maintenance.read(path)
                if not plan["ending"] and not plan["ended"]:
                    found |= maintenance.locked(path)
        return found

    def choose(self, held: set[str]) -> tuple[str, str, str] | None:
        """One of the member's own: its uuid, and a key with its value."""
        where = {"service_type": "compute"}
        answer = self.session.get("/servers/detail", endpoint_filter=where)
        for server in answer.json()["servers"]:
            if server["id"] in held and server["metadata"]:
                return server["id"], *sorted(server["metadata"].items())[0]
        return None

    def __call__(self) -> str | None:
        held = self.held()
        if not held:
            return None
        if self.target is None or self.target[0] not in held:
            self.target = self.choose(held)
        if self.target is None:
            return "no instance with metadata"
        uuid, key, value = self.target
        response = self.session.put(
            f"/servers/{uuid}/metadata/{key}",
            json={"meta": {key: value}},
            raise_exc=False,
            endpoint_filter={"service_type": "compute"},
        )
        return answered(response)


def watch(service: str, ask: Ask, record: Record, stop: threading.Event) -> None:
    """Probe ``service`` until ``stop``; an ``ask`` that says None did not ask."""
    line: Line | None = None
    number = record.next(service)
    while not stop.is_set():
        # One that came late does not make the next come early: two in a row are never
        # closer than this, which the verdict holds against them.
        due = time.monotonic() + PERIOD
        begin = time.time()
        answer = outcome(ask)
        end = time.time()
        if line and (
            answer != line.answer or begin - line.until > LATE or end - line.time > SPAN
        ):
            record.append(line)
            line = None
        if answer is not None:
            first = line or Line(service, answer, number, number, begin, end)
            line = dataclasses.replace(first, last=number, until=end)
            number += 1
        stop.wait(due - time.monotonic())
    if line:
        record.append(line)


def run(
    session: Callable[[], Session], path: Path, evidence: Path, stop: threading.Event
) -> None:
    """Probe all of them side by side until ``stop``: none waits for another.

    :param session: makes a session of the member, which asks nobody yet.
    :param path: api.jsonl.
    """
    record = Record(path)
    asks: dict[str, Ask] = {name: partial(api, session(), name) for name in APIS}
    asks[LOCK] = Lock(session(), evidence)
    threads = [
        threading.Thread(target=watch, args=(name, ask, record, stop))
        for name, ask in asks.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record.close()
