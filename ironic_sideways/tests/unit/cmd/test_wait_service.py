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

"""``ironic-sideways wait-service``: up, and since its start."""

from types import SimpleNamespace

import pytest

from ironic_sideways import exceptions
from ironic_sideways.cmd import connections, main, wait_service

#: 2026-11-25T20:00:00Z
START = 1795636800.0
WORDS = ["wait-service", "--os-cloud", "admin", "--binary", "nova-compute"]
WORDS += ["--host", "cloud-1", "--since", str(START), "--timeout", "0"]


def service(state: str = "up", updated_at: str | None = "2026-11-25T20:00:05.000000"):
    return SimpleNamespace(state=state, updated_at=updated_at)


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ([], "Nova has no such service"),
        ([service(state="down")], "Nova sees it down"),
        ([service(updated_at=None)], "it has not reported yet"),
        ([service(updated_at="2026-11-25T19:59:59.000000")], "older than its start"),
        ([service()], "up"),
    ],
)
def test_a_service_is_up_when_it_has_reported_since_its_start(services, expected):
    assert expected in wait_service.state(services, START)


class Cloud:
    """A cloud with these services, each look the next ones."""

    def __init__(self, *looks: object) -> None:
        self.looks = list(looks)
        self.compute = self

    def services(self, **asked: str) -> object:
        assert asked == {"binary": "nova-compute", "host": "cloud-1"}
        look = self.looks.pop(0)
        if isinstance(look, Exception):
            raise look
        return look


def test_one_that_is_up_is_told(monkeypatch, capsys):
    monkeypatch.setattr(connections, "connect", lambda name: Cloud([service()]))
    assert main.main(WORDS) == 0
    assert capsys.readouterr().out == "nova-compute on cloud-1 is up\n"


def test_what_was_seen_last_is_told_when_the_time_is_over(monkeypatch, capsys):
    monkeypatch.setattr(connections, "connect", lambda name: Cloud([service("down")]))
    assert main.main(WORDS) == 1
    error = capsys.readouterr().err
    assert "nova-compute on cloud-1" in error
    assert "seen last: Nova sees it down" in error


def test_an_api_that_is_away_is_asked_again(monkeypatch, capsys):
    away = exceptions.SidewaysError("cloud admin: no token")
    asked = Cloud(away, [service()])
    monkeypatch.setattr(connections, "connect", lambda name: asked)
    assert main.main([*WORDS[:-1], "30"]) == 0
    assert asked.looks == []
