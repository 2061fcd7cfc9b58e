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

"""What light guests send and hear: frames on a bridge, and the collector's answers."""

import socket
import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from ironic_sideways.hardware import dhcp_message

#: Frames that carry IPv4 (linux/if_ether.h), and IPv4's number of UDP.
ETH_P_IP = 0x0800
UDP = 17
#: Ethernet's head; IPv4's without options and UDP's (RFC 791, RFC 768).
ETHERNET = struct.Struct("!6s6sH")
IPV4 = struct.Struct("!BBHHHBBH4s4s")
PORTS = struct.Struct("!HHHH")
NOBODY, ALL = bytes(4), bytes((255,) * 4)
#: Bytes of a frame, at most.
FRAME = 2048
#: Seconds for an answer of the collector.
PATIENCE = 3.0


def wrap(mac: str, message: bytes) -> bytes:
    """A DHCP client's frame: by broadcast, of a client without an address."""
    ports = PORTS.pack(
        dhcp_message.CLIENT_PORT,
        dhcp_message.SERVER_PORT,
        PORTS.size + len(message),
        0,  # No checksum (RFC 768).
    )
    length = IPV4.size + PORTS.size + len(message)
    head = (0x45, 0, length, 0, 0, 64, UDP)
    checked = IPV4.pack(*head, _checksum(IPV4.pack(*head, 0, NOBODY, ALL)), NOBODY, ALL)
    source = bytes.fromhex(mac.replace(":", ""))
    return ETHERNET.pack(b"\xff" * 6, source, ETH_P_IP) + checked + ports + message


def _checksum(head: bytes) -> int:
    """Of an IPv4 head whose own checksum is 0 (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(head) // 2}H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def unwrap(frame: bytes) -> bytes | None:
    """What a frame says to a DHCP client; None where it is anything else."""
    packet = frame[ETHERNET.size :]
    if len(packet) < IPV4.size or packet[0] >> 4 != 4 or packet[9] != UDP:
        return None
    datagram = packet[(packet[0] & 0xF) * 4 :]
    if len(datagram) < PORTS.size:
        return None
    source, target, _, _ = PORTS.unpack_from(datagram)
    if (source, target) != (dhcp_message.SERVER_PORT, dhcp_message.CLIENT_PORT):
        return None
    return datagram[PORTS.size :]


class Nic:
    """A network device that stands for the NICs of all guests.

    :param device: whose other end is on the bridge.
    :raises OSError: there is none of that name, or this is not root.
    """

    def __init__(self, device: str) -> None:
        self.socket = socket.socket(
            socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP)
        )
        self.socket.bind((device, ETH_P_IP))

    def send(self, mac: str, message: bytes) -> None:
        """Broadcast a DHCP message from ``mac``."""
        self.socket.send(wrap(mac, message))

    def answers(self) -> Iterator[dhcp_message.Answer]:
        """What DHCP servers have said meanwhile."""
        while True:
            try:
                frame = self.socket.recv(FRAME, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            message = unwrap(frame)
            answer = dhcp_message.unpack(message) if message else None
            if answer is not None:
                yield answer


class Line:
    """A connection to the heartbeat collector ``place``, kept open.

    :param place: address and TCP port with a colon between.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._socket: socket.socket | None = None

    def ask(self, queries: Sequence[str]) -> list[bool]:
        """Send heartbeats at once; which of them were acknowledged."""
        heard: list[bool] = []
        try:
            if self._socket is None:
                address, _, port = self.place.partition(":")
                self._socket = socket.create_connection((address, int(port)), PATIENCE)
            self._socket.sendall(
                b"".join(
                    f"GET /beat?{query} HTTP/1.1\r\nHost: {self.place}\r\n\r\n".encode()
                    for query in queries
                )
            )
            with self._socket.makefile("rb") as stream:
                for _ in queries:
                    heard.append(_acknowledged(stream))
        except (OSError, ValueError):
            self.close()
        return heard + [False] * (len(queries) - len(heard))

    def close(self) -> None:
        """Begin with a new connection next time."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


def _acknowledged(stream: BinaryIO) -> bool:
    """Read one answer: whether the heartbeat is written.

    :raises OSError: the collector has hung up.
    """
    status = stream.readline().split()
    length = 0
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if len(status) < 2 or len(stream.read(length)) < length:
        raise ConnectionError("the collector hung up")
    return status[1] == b"200"
