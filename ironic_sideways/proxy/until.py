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

"""HTTP answers that are read until a moment, head and body, and no longer.

The timeout of requests is for one read: a server that sends a byte now and then is
never late by it, and holds the thread that reads for as long as it likes.
"""

import contextlib
import contextvars
import http.client
import io
import math
import socket
import time
from collections.abc import Iterator
from typing import Any

import urllib3
from keystoneauth1.session import TCPKeepAliveAdapter

#: The monotonic clock's second at which the reading of answers ends, here and now.
_END = contextvars.ContextVar("_END", default=math.inf)


@contextlib.contextmanager
def until(end: float) -> Iterator[None]:
    """In the block every read that would last beyond ``end`` is a TimeoutError."""
    token = _END.set(end)
    try:
        yield
    finally:
        _END.reset(token)


class _Reader(io.RawIOBase):
    """What a socket receives; each read may last until the end that is set."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock, self._raw, self._timeout = sock, raw, sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = _END.get() - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer is not whole in time")
        timeout = math.inf if self._timeout is None else self._timeout
        left = min(left, timeout)
        self._sock.settimeout(None if left == math.inf else left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self.fp = io.BufferedReader(_Reader(sock, self.fp.detach()))


class _Connection(urllib3.connection.HTTPConnection):
    response_class = _Response


class _TLSConnection(urllib3.connection.HTTPSConnection):
    response_class = _Response


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class Adapter(TCPKeepAliveAdapter):
    """keystoneauth's, whose connections heed ``until``."""

    def init_poolmanager(self, *args: Any, **named: Any) -> None:
        """Called by requests."""
        super().init_poolmanager(*args, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
