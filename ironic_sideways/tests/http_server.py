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

"""A WSGI application behind a real HTTP server on loopback, for tests."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Any
from wsgiref import simple_server


class _QuietHandler(simple_server.WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Keep the requests out of the test's output."""


class _ThreadingServer(socketserver.ThreadingMixIn, simple_server.WSGIServer):
    daemon_threads = True


@contextlib.contextmanager
def serve(application: Any) -> Iterator[str]:
    """Serve ``application`` on a free port; yields its URL."""
    server = simple_server.make_server(
        *("127.0.0.1", 0, application),
        server_class=_ThreadingServer,
        handler_class=_QuietHandler,
    )
    ended = threading.Event()

    def answer() -> None:
        while not ended.is_set():
            server.handle_request()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        ended.set()
        # Who waits for a request is woken, and need not look up again and again.
        server.socket.shutdown(socket.SHUT_RDWR)
        thread.join()
        server.server_close()
