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

"""What a message may raise before a session is established, and what after it."""

import pytest

from ironic_sideways.hardware import ipmi_session


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> ipmi_session.Session:
    def fails(*packet: object, **where: object) -> None:
        raise AttributeError("no Rm")

    (base,) = ipmi_session.Session.__bases__
    monkeypatch.setattr(base, "_handle_ipmi_packet", fails)
    made = object.__new__(ipmi_session.Session)
    made.sockaddr = ("127.0.0.1", 40000)
    return made


def test_a_message_out_of_turn_is_dropped(session: ipmi_session.Session) -> None:
    assert session._handle_ipmi_packet(b"") is None


def test_a_fault_of_an_established_session_is_raised(
    session: ipmi_session.Session,
) -> None:
    session.localsid = 1
    with pytest.raises(AttributeError, match="no Rm"):
        session._handle_ipmi_packet(b"")
