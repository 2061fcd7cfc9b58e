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

"""The prober against a real HTTP server that plays keystone and the APIs."""

import itertools
import json
import os
import stat
import threading
import time
from pathlib import Path

import pytest
from keystoneauth1 import session
from keystoneauth1.identity import v3

from ironic_sideways import waits, whole_file
from ironic_sideways.evidence import prober
from ironic_sideways.tests import http_server

PATHS = {
    "/identity/v3/auth/projects": "keystone",
    "/compute/servers": "nova",
    "/network/v2.0/networks": "neutron",
    "/image/v2/images": "glance",
    "/placement/usages": "placement",
}
RECORD = {
    **{"services": [], "rows": [], "lock": ["mine"], "locked_before": []},
    **{"ending": False, "ended": False},
}


class Cloud:
    """Answers as told; ``status`` is each service's own, ``lifetime`` a token's."""

    def __init__(self) -> None:
        self.url = ""
        self.status = dict.fromkeys((*prober.APIS, "token"), 200)
        self.lifetime = 3600.0
        self.locked = True
        self.tokens = 0
        self.asked: set[str] = set()
        self.puts: list[str] = []
        self.hang = threading.Event()

    def __call__(self, environ, start):
        path = environ["PATH_INFO"]
        status, body, headers = 404, {}, []
        if path == "/identity/v3/auth/tokens":
            status, body = self.status["token"], self.token()
            headers = [("X-Subject-Token", f"secret-token-{self.tokens}")]
        elif path in PATHS:
            self.asked.add(PATHS[path])
            status = self.status[PATHS[path]]
        elif path == "/compute/servers/detail":
            found = [("other", {"a": "b"}), ("mine", {"role": "own"})]
            status = 200
            body = {"servers": [{"id": i, "metadata": m} for i, m in found]}
        elif path == "/compute/servers/mine/metadata/role":
            size = int(environ["CONTENT_LENGTH"])
            self.puts.append(environ["wsgi.input"].read(size).decode())
            status = 409 if self.locked else 200
            body = {"conflictingRequest": {"message": "Instance mine is locked"}}
        if status == 0:
            self.hang.wait(240)
        start(f"{status or 200} told", [("Content-Type", "application/json"), *headers])
        return [json.dumps(body).encode()]

    def token(self):
        self.tokens += 1
        until = time.gmtime(time.time() + self.lifetime)
        names = ("compute", "network", "image", "placement")
        endpoint = {"interface": "public", "region_id": "R", "region": "R", "id": "1"}
        return {
            "token": {
                "expires_at": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", until),
                "issued_at": "2026-11-30T00:00:00.000000Z",
                "methods": ["password"],
                "user": {"id": "u", "name": "demo", "domain": {"id": "d", "name": "D"}},
                "project": {"id": "p", "name": "p", "domain": {"id": "d", "name": "D"}},
                "roles": [],
                "catalog": [
                    {
                        "type": name,
                        "name": name,
                        "id": name,
                        "endpoints": [{**endpoint, "url": f"{self.url}/{name}"}],
                    }
                    for name in names
                ],
            }
        }


class Running:
    """A prober at work, thirty times as fast."""

    def __init__(self, cloud: Cloud, directory: Path) -> None:
        self.cloud, self.directory = cloud, directory
        self.path = directory / "api.jsonl"
        self.stop = threading.Event()
        self.thread = threading.Thread(
            target=prober.run, args=(self.session, self.path, directory, self.stop)
        )

    def session(self) -> session.Session:
        auth = v3.Password(
            auth_url=f"{self.cloud.url}/identity",
            **{"username": "demo", "password": "secret-password"},
            **{"user_domain_id": "d", "project_name": "p", "project_domain_id": "d"},
        )
        return session.Session(auth=auth, timeout=prober.TIMEOUT)

    def __enter__(self) -> "Running":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.cloud.hang.set()
        self.thread.join(120)
        assert not self.thread.is_alive()

    def answers(self, service: str) -> list[str]:
        if not self.path.exists():
            return []
        return [
            line.answer for line in prober.read(self.path) if line.service == service
        ]

    def see(self, service: str, *answers: str) -> None:
        """Wait until these were a service's last answers."""
        waits.wait_for(
            lambda: self.answers(service),
            lambda found: found[-len(answers) :] == list(answers),
            f"{service} to have been answered {answers}",
            timeout=120,
            interval=0.05,
            seen=str,
        )


@pytest.fixture
def cloud(monkeypatch):
    monkeypatch.setattr(prober, "PERIOD", 0.03)
    monkeypatch.setattr(prober, "SPAN", 0.1)
    monkeypatch.setattr(prober, "TIMEOUT", 10.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    one = Cloud()
    with http_server.serve(one) as one.url:
        yield one


def test_each_api_is_asked_again_and_again(cloud, tmp_path):
    with Running(cloud, tmp_path) as running:
        for service in prober.APIS:
            running.see(service, "200", "200")

    lines = prober.read(tmp_path / "api.jsonl")
    for service in prober.APIS:
        mine = [line for line in lines if line.service == service]
        numbers = [n for line in mine for n in range(line.first, line.last + 1)]
        assert numbers == list(range(1, len(numbers) + 1))
    assert not running.answers("lock")


def test_the_record_is_its_owners_alone_and_holds_no_secret(cloud, tmp_path):
    cloud.status["glance"] = 0
    with Running(cloud, tmp_path) as running:
        running.see("nova", "200", "200")

    path = tmp_path / "api.jsonl"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_uid == tmp_path.stat().st_uid
    assert "secret" not in path.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file away")
def test_roots_record_is_the_directorys_owners(cloud, tmp_path):
    os.chown(tmp_path, 65534, 65534)

    prober.Record(tmp_path / "api.jsonl").close()

    assert (tmp_path / "api.jsonl").stat().st_uid == 65534


class Late(threading.Event):
    """What a busy machine makes of the third wait: it ends most of a period late."""

    waits = 0

    def wait(self, timeout=None):
        self.waits += 1
        return super().wait((timeout or 0) + (0.05 if self.waits == 3 else 0))


def test_a_probe_that_came_late_does_not_make_the_next_come_early(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(prober, "PERIOD", 0.06)
    stop, begun = Late(), []

    def ask():
        begun.append(time.monotonic())
        if len(begun) == 6:
            stop.set()
        return "200"

    record = prober.Record(tmp_path / "api.jsonl")
    prober.watch("nova", ask, record, stop)
    record.close()

    apart = [later - one for one, later in itertools.pairwise(begun)]
    assert len(apart) == 5 and max(apart) > 0.1
    assert min(apart) > 0.9 * prober.PERIOD


@pytest.mark.parametrize("service", prober.APIS)
def test_it_goes_on_through_an_absence_and_sees_its_end(cloud, tmp_path, service):
    with Running(cloud, tmp_path) as running:
        running.see(service, "200")
        cloud.status[service] = 503
        running.see(service, "503")
        cloud.status[service] = 200
        running.see(service, "503", "200")


def test_a_service_that_does_not_answer_holds_no_other(cloud, tmp_path, monkeypatch):
    monkeypatch.setattr(prober, "TIMEOUT", 0.5)
    cloud.status["nova"] = 0
    with Running(cloud, tmp_path) as running:
        running.see("nova", "ConnectTimeout")
        for service in ("glance", "neutron"):
            running.see(service, "200", "200")


def test_it_starts_before_keystone_does(cloud, tmp_path):
    cloud.status["token"] = 503
    with Running(cloud, tmp_path) as running:
        running.see("neutron", "ServiceUnavailable")
        cloud.status["token"] = 200
        running.see("neutron", "200")


def test_it_survives_the_end_of_its_token(cloud, tmp_path):
    """A token that is about to expire is replaced before its next use."""
    cloud.lifetime = 1.0
    with Running(cloud, tmp_path) as running:
        running.see("nova", "200", "200", "200")

    assert set(running.answers("nova")) == {"200"}
    assert cloud.tokens > 12


def test_the_lock_is_tried_while_a_maintenance_holds_and_not_else(cloud, tmp_path):
    record = tmp_path / "maintenance.json"
    with Running(cloud, tmp_path) as running:
        running.see("nova", "200")
        assert not cloud.puts
        whole_file.write(record, json.dumps(RECORD))
        running.see("lock", "409 locked")
        cloud.locked = False
        running.see("lock", "200")
        whole_file.write(record, json.dumps({**RECORD, "ending": True}))
        running.see("lock", "409 locked", "200")

    assert set(cloud.puts) == {'{"meta": {"role": "own"}}'}


def test_a_record_that_is_cut_short_ends_no_probe(cloud, tmp_path):
    record = tmp_path / "maintenance.json"
    record.touch()
    with Running(cloud, tmp_path) as running:
        running.see("lock", "EvidenceMalformed")
        whole_file.write(record, json.dumps(RECORD))
        running.see("lock", "409 locked")


def test_the_lock_is_tried_in_the_window_of_one_of_several_hosts(cloud, tmp_path):
    record = tmp_path / "increments/host-1/maintenance.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps(RECORD))

    with Running(cloud, tmp_path) as running:
        running.see("lock", "409 locked")


def test_a_prober_that_starts_again_goes_on_with_its_numbers(cloud, tmp_path):
    for _ in range(2):
        with Running(cloud, tmp_path) as running:
            running.see("nova", "200")

    lines = [one for one in prober.read(running.path) if one.service == "nova"]
    for earlier, later in itertools.pairwise(lines):
        assert later.first == earlier.last + 1


def test_a_probe_that_comes_late_begins_a_line_of_its_own(tmp_path, monkeypatch):
    """The hole is between two lines, where the verdict looks for it."""
    moments = iter([100.0, 100.1, 101.0, 101.1, 107.0, 107.1])
    monkeypatch.setattr(prober.time, "time", lambda: next(moments))
    monkeypatch.setattr(prober, "PERIOD", 0.0)
    record, stop = prober.Record(tmp_path / "api.jsonl"), threading.Event()
    asked: list[str] = []

    def ask() -> str:
        asked.append("200")
        if len(asked) == 3:
            stop.set()
        return asked[-1]

    prober.watch("nova", ask, record, stop)

    found = [
        (o.first, o.last, o.time, o.until) for o in prober.read(tmp_path / "api.jsonl")
    ]
    assert found == [(1, 2, 100.0, 101.1), (3, 3, 107.0, 107.1)]
