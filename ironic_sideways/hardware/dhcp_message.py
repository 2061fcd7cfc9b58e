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

"""DHCP messages, as a client sends them and reads the answers (RFC 2131, RFC 2132)."""

import dataclasses
import secrets
import socket
import struct

#: The fixed part of a BOOTP message and DHCP's magic cookie (RFC 2131, 2).
MESSAGE = struct.Struct("!BBBBIHH4s4s4s4s16s64s128s4s")
MAGIC_COOKIE = bytes((99, 130, 83, 99))
SERVER_PORT, CLIENT_PORT = 67, 68

#: Message types (RFC 2132, 9.6).
DISCOVER, OFFER, REQUEST, ACK, NAK, RELEASE = 1, 2, 3, 5, 6, 7
#: Options (RFC 2132).
ROUTER, ADDRESS, LEASE_TIME, TYPE, SERVER, WANTED, END = 3, 50, 51, 53, 54, 55, 255
#: A client without an address yet asks to be answered by broadcast.
BROADCAST = 0x8000


@dataclasses.dataclass(frozen=True)
class Answer:
    """A server's message to the client with the MAC ``mac``.

    :param address: the client's, as the server has it.
    """

    kind: int
    mac: str
    address: str
    options: dict[int, bytes]


def pack(
    mac: str,
    kind: int,
    options: dict[int, bytes],
    *,
    address: str = "0.0.0.0",  # noqa: S104 (told, not bound)
    flags: int = 0,
) -> bytes:
    """A client's message.

    :param address: the one that the client has already.
    """
    nothing = bytes(4)
    fixed = MESSAGE.pack(
        *(1, 1, 6, 0, secrets.randbits(32), 0, flags),
        *(socket.inet_aton(address), nothing, nothing, nothing),
        *(bytes.fromhex(mac.replace(":", "")), b"", b"", MAGIC_COOKIE),
    )
    told = {TYPE: bytes([kind]), **options}
    return (
        fixed
        + b"".join(bytes([code, len(value)]) + value for code, value in told.items())
        + bytes([END])
    )


def unpack(data: bytes) -> Answer | None:
    """The answer that a UDP datagram holds; None of anything else."""
    if len(data) < MESSAGE.size:
        return None
    operation, *_, address, _, _, hardware, _, _, cookie = MESSAGE.unpack_from(data)
    options = _options(data[MESSAGE.size :])
    if operation != 2 or cookie != MAGIC_COOKIE or len(options.get(TYPE, b"")) != 1:
        return None
    return Answer(
        kind=options[TYPE][0],
        mac=hardware[:6].hex(":"),
        address=socket.inet_ntoa(address),
        options=options,
    )


def _options(data: bytes) -> dict[int, bytes]:
    found, place = {}, 0
    while place + 1 < len(data) and data[place] != END:
        # 0 is padding, without a length.
        if data[place]:
            length = data[place + 1]
            found[data[place]] = data[place + 2 : place + 2 + length]
            place += length + 1
        place += 1
    return found
