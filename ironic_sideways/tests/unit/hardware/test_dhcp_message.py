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

"""DHCP messages are what the RFCs say, and nothing else is taken for one."""

import pytest

from ironic_sideways.hardware import dhcp_message as dhcp

MAC = "52:54:00:07:00:01"


def server(*words: bytes, kind: int = dhcp.ACK) -> bytes:
    """A server's message, with raw options after its type."""
    sent = bytearray(dhcp.pack(MAC, kind, {}))
    sent[0] = 2
    sent[16:20] = bytes((172, 30, 7, 10))
    return bytes(sent[:-1]) + b"".join(words) + bytes([dhcp.END])


def test_a_clients_message_has_its_mac_its_type_and_its_options() -> None:
    sent = dhcp.pack(MAC, dhcp.DISCOVER, {55: b"\x33"}, flags=dhcp.BROADCAST)

    assert sent[:3] == bytes((1, 1, 6))
    assert sent[10:12] == b"\x80\x00"
    assert sent[28:34].hex(":") == MAC
    assert sent[236:] == dhcp.MAGIC_COOKIE + bytes((53, 1, 1, 55, 1, 51, 255))


def test_a_servers_message_is_read() -> None:
    found = dhcp.unpack(server(b"\x00\x33\x04\x00\x00\x00\x78", b"\xe0\x01x"))

    assert found == dhcp.Answer(
        dhcp.ACK, MAC, "172.30.7.10", {53: b"\x05", 51: b"\x00\x00\x00\x78", 224: b"x"}
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        server()[:200],
        dhcp.pack(MAC, dhcp.DISCOVER, {}),
        server().replace(dhcp.MAGIC_COOKIE, b"evil"),
        server().replace(bytes((53, 1, 5)), bytes((12, 1, 5))),
    ],
    ids=["empty", "cut", "a client's", "no DHCP", "without a type"],
)
def test_anything_else_is_no_answer(data: bytes) -> None:
    assert dhcp.unpack(data) is None


def test_an_option_that_is_cut_short_ends_the_options() -> None:
    found = dhcp.unpack(server()[:-1] + b"\xe0\x09x")

    assert found is not None
    assert found.options == {53: b"\x05", 224: b"x"}
