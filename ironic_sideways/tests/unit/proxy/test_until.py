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

"""An Ironic that answers byte by byte, or without an end; each is a real server.

Each comes to a good end after DRIPS seconds or BYTES bytes all the same: who would wait
for it gets a 200.
"""

import concurrent.futures
import contextlib
import datetime
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import webob
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from oslo_config import cfg

from ironic_sideways.proxy import options
from ironic_sideways.tests.fake_ironic import FakeIronic
from ironic_sideways.tests.unit.proxy.conftest import NODES, Nova, assert_fault

#: Seconds.
DEADLINE, DRIPS = 1, 20
BYTES = 8 * 1024 * 1024

BODY = b'{"nodes": []}'
OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
LAST = b"\r\n" + BODY

#: What the server sends at once, again and again, and last.
DRIPPING = {
    "head": (OK + b"X-Long: ", b"x", LAST),
    "many heads": (b"", b"HTTP/1.1 100 Continue\r\n\r\n", OK + LAST),
    "body": (OK + b"\r\n", b" ", BODY),
    "chunks": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n",
        b"1\r\n \r\n",
        b"d\r\n" + BODY + b"\r\n0\r\n\r\n",
    ),
    "trailer": (
        OK + b"Transfer-Encoding: chunked\r\n\r\nd\r\n" + BODY + b"\r\n0\r\n",
        b"X: y\r\n",
        b"\r\n",
    ),
}


class Server:
    """One that answers every request so; ``ended`` is set once an answer is whole."""

    def __init__(self, answer: tuple[bytes, bytes, bytes], pause: float) -> None:
        self.ended = threading.Event()
        self._closed = threading.Event()
        self._answer, self._pause = answer, pause

    @contextlib.contextmanager
    def run(self, context: ssl.SSLContext | None = None) -> Iterator[str]:
        """Yields its URL."""
        threads = []
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(0.05)
            threads.append(
                threading.Thread(target=self._accept, args=(listener, context))
            )
            threads[0].start()
            scheme = "https" if context else "http"
            try:
                yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                self._closed.set()
                threads[0].join()

    def _accept(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        threads = []
        while not self._closed.is_set():
            with contextlib.suppress(TimeoutError):
                connection, _address = listener.accept()
                connection.settimeout(DRIPS)
                if context:
                    connection = context.wrap_socket(connection, server_side=True)
                answer = threading.Thread(target=self._serve, args=(connection,))
                answer.start()
                threads.append(answer)
        for answer in threads:
            answer.join()

    def _serve(self, connection: socket.socket) -> None:
        first, again, last = self._answer
        # Who stops listening may close the connection.
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(first)
            times = DRIPS / self._pause if self._pause else BYTES / len(again)
            for _ in range(int(times)):
                connection.sendall(again)
                if self._pause and self._closed.wait(self._pause):
                    return
            connection.sendall(last)
            self.ended.set()


@pytest.fixture
def ask(
    settings: cfg.ConfigOpts, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Nova]]:
    """nova-api, with short bounds, for the Ironic of a URL."""
    bounds = {"deadline": DEADLINE, "max_bytes": BYTES // 16, "max_pages": 10}
    for name, value in bounds.items():
        if name in {option.name for option in options.OPTIONS}:
            settings.set_override(name, value, group=options.GROUP)

    def api(url: str) -> Nova:
        settings.set_override("endpoint_override", url, group=options.GROUP)
        found: Nova = request.getfixturevalue("nova_api")
        return found

    yield api
    for name in bounds:
        with contextlib.suppress(cfg.NoSuchOptError):
            settings.clear_override(name, group=options.GROUP)


@pytest.mark.parametrize("where", DRIPPING)
def test_s9_an_answer_that_drips_is_given_up_at_the_deadline(
    ask: Callable[[str], Nova], where: str
) -> None:
    server = Server(DRIPPING[where], 0.1)
    with server.run() as url:
        assert_fault(ask(url)(NODES), 503)
        assert not server.ended.is_set()


def test_s9_an_answer_that_drips_through_tls_is_given_up(
    ask: Callable[[str], Nova], settings: cfg.ConfigOpts, tmp_path: Path
) -> None:
    server = Server(DRIPPING["body"], 0.1)
    with server.run(certified(tmp_path)) as url:
        settings.set_override("insecure", True, group=options.GROUP)
        try:
            assert_fault(ask(url)(NODES), 503)
        finally:
            settings.clear_override("insecure", group=options.GROUP)
        assert not server.ended.is_set()


def test_s9_a_handshake_that_drips_is_given_up(ask: Callable[[str], Nova]) -> None:
    """A record of TLS with a message whose end never comes."""
    server = Server((b"\x16\x03\x03\x3f\xff", b"\x02", b""), 0.1)
    with server.run() as url:
        begin = time.monotonic()
        assert_fault(ask(url.replace("http:", "https:"))(NODES), 503)
        assert time.monotonic() - begin < DRIPS / 2
        assert not server.ended.is_set()


@pytest.mark.parametrize("where", ["body", "chunks"])
def test_s9_a_body_without_end_is_given_up_at_its_bound(
    ask: Callable[[str], Nova], settings: cfg.ConfigOpts, where: str
) -> None:
    first, again, last = DRIPPING[where]
    server = Server((first, again * 4096, last), 0)
    with server.run() as url:
        nova_api = ask(url)
        settings.set_override("deadline", DRIPS, group=options.GROUP)
        assert_fault(nova_api(NODES), 503)
        assert not server.ended.is_set()


def test_s9_one_page_costs_no_more_than_a_page_s_nodes(
    ask: Callable[[str], Nova], settings: cfg.ConfigOpts
) -> None:
    """Of '[],' each three bytes are sixty-four in memory, and hold the interpreter."""
    many = (OK + b'\r\n{"nodes": [', b"[]," * 4096, b"[]]}")
    server = Server(many, 0)
    with server.run() as url:
        nova_api = ask(url)
        for name, value in {"deadline": DRIPS, "max_bytes": 16 * BYTES}.items():
            settings.set_override(name, value, group=options.GROUP)
        settings.set_override("page_size", 100, group=options.GROUP)
        try:
            assert_fault(nova_api(NODES), 503)
        finally:
            settings.clear_override("page_size", group=options.GROUP)
        assert not server.ended.is_set()


def test_s9_a_page_of_more_than_was_asked_for_is_no_answer(
    ironic: FakeIronic, settings: cfg.ConfigOpts, request: pytest.FixtureRequest
) -> None:
    nodes = [{"uuid": f"{number}"} for number in range(3)]
    ironic.answers.append(webob.Response(json={"nodes": nodes}))
    settings.set_override("page_size", 2, group=options.GROUP)
    try:
        assert_fault(request.getfixturevalue("nova_api")(NODES), 503)
    finally:
        settings.clear_override("page_size", group=options.GROUP)


def test_s9_a_small_body_that_unpacks_to_a_large_one_is_not_unpacked(
    ask: Callable[[str], Nova],
) -> None:
    body = gzip.compress(b'{"nodes": []' + b" " * BYTES + b"}")
    head = OK + b"Content-Encoding: gzip\r\n\r\n"
    with Server((head, b"", body), 0.1 * DRIPS).run() as url:
        assert_fault(ask(url)(NODES), 503)


def test_s9_pages_without_end_are_given_up_at_their_bound(
    ask: Callable[[str], Nova],
    settings: cfg.ConfigOpts,
    ironic: FakeIronic,
    request: pytest.FixtureRequest,
) -> None:
    settings.set_override("deadline", DRIPS, group=options.GROUP)
    pages = [{"nodes": [{"uuid": f"{n}"}], "next": "more"} for n in range(30)]
    pages.insert(1, {"ports": []})
    pages.append({"nodes": []})
    ironic.answers.extend(webob.Response(json=page) for page in pages)
    assert_fault(request.getfixturevalue("nova_api")(NODES), 503)
    assert len(ironic.requests) == 10


def test_s9_nova_api_serves_others_while_ironic_drips(
    ask: Callable[[str], Nova],
) -> None:
    """With two threads, and two who wait for Ironic."""
    server = Server(DRIPPING["body"], 0.1)
    with server.run() as url, concurrent.futures.ThreadPoolExecutor(2) as threads:
        nova_api = ask(url)
        waiting = [threads.submit(nova_api, NODES) for _ in range(2)]
        other = threads.submit(nova_api, "/v2.1/servers").result()
        assert other.status_int == 200
        assert not server.ended.is_set()
        for one in waiting:
            assert_fault(one.result(), 503)


def certified(directory: Path) -> ssl.SSLContext:
    """A server's, with a certificate that nobody knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ironic")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (directory / "pem").write_bytes(
        key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "pem")
    return context
