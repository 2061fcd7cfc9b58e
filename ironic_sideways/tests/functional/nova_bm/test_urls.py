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

"""URLs as services have them, against a real server, and connections that die."""

import datetime
import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ironic_sideways import exceptions
from ironic_sideways.nova_bm import database, reader
from ironic_sideways.tests import rows
from ironic_sideways.tests.functional import mariadb
from ironic_sideways.tests.functional.conftest import Clouds


def certificate(directory: Path) -> Path:
    """One that signs itself, for a server on 127.0.0.1; its key is beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = directory / "server.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    path.with_suffix(".key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture(scope="module")
def tls(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[mariadb.Server, Path]]:
    """A server with TLS, and its certificate."""
    directory = tmp_path_factory.mktemp("tls")
    path = certificate(directory)
    settings = (f"--ssl-cert={path}", f"--ssl-key={path.with_suffix('.key')}")
    (directory / "m").mkdir()
    with mariadb.running(directory / "m", *settings) as server:
        yield server, path


@pytest.fixture
def clear(tmp_path: Path) -> Iterator[mariadb.Server]:
    """A server without TLS; MariaDB 11.4 and later has it unless told so."""
    (tmp_path / "m").mkdir()
    with mariadb.running(tmp_path / "m", "--skip-ssl") as server:
        yield server


def cipher(url: str) -> str:
    """What the server says of the connection's TLS; empty: it has none."""
    made = database.engine(database.resolve_url(url, "-b"))
    with database.connect(made) as connection:
        return str(connection.exec_driver_sql("SHOW STATUS LIKE 'Ssl_cipher'").one()[1])


@pytest.mark.parametrize(
    ("query", "encrypted"),
    [
        ("ssl_mode=REQUIRED", True),
        ("ssl=true", True),
        ("ssl_mode=DISABLED", False),
        ("ssl=0", False),
        ("ssl_ca=CA", True),
        ("ssl_ca=CA&ssl_mode=VERIFY_CA", True),
        ("ssl_ca=CA&ssl_mode=VERIFY_IDENTITY", True),
        ("ssl_ca=CA&ssl_verify_cert=true&ssl_verify_identity=true", True),
    ],
)
def test_n2_tls_is_as_the_url_says(
    tls: tuple[mariadb.Server, Path], query: str, encrypted: bool
) -> None:
    server, path = tls
    url = server.url("mysql").set(query={}).render_as_string(hide_password=False)
    found = cipher(f"{url}?{query}".replace("CA", str(path), 1))
    assert bool(found) is encrypted


def test_n2_a_server_of_another_ca_or_without_tls_is_refused(
    tls: tuple[mariadb.Server, Path], clear: mariadb.Server, tmp_path: Path
) -> None:
    with_tls, _ = tls
    other = certificate(tmp_path)
    (tmp_path / "none.pem").write_text("no certificate\n")
    for one, query in (
        (with_tls, f"ssl_ca={other}"),
        (with_tls, f"ssl_ca={tmp_path}/none.pem"),
        (clear, "ssl_mode=REQUIRED"),
    ):
        url = one.url("mysql").set(query={}).render_as_string(hide_password=False)
        with pytest.raises(exceptions.SidewaysError, match="cannot connect") as raised:
            cipher(f"{url}?{query}")
        assert one.password not in str(raised.value)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "query",
    [
        "charset=utf8&use_unicode=0",
        "plugin=dbcounter",
        "read_timeout=9",
        "charset=latin1",
    ],
)
@pytest.mark.parametrize("driver", ["mysql", "mysql+mysqldb", "mariadb"])
def test_n2_rows_come_as_the_server_has_them(
    clouds: Clouds, driver: str, query: str
) -> None:
    rows.insert(clouds.nova_bm, rows.free_node(1, pm_user="r\u00f6\u00f6t"))
    url = clouds.nova_bm.set(drivername=driver, query={})
    text = url.render_as_string(hide_password=False)
    made = database.engine(database.resolve_url(f"{text}?{query}", "-b"))
    with reader.snapshot(made) as connection:
        ((node,),) = reader.read(connection)
    assert node.pm_user == "r\u00f6\u00f6t"


@pytest.mark.parametrize(
    "password", ["p\u00e4ss", "\u043f\u0430\u0440\u043e\u043b\u044c@"]
)
def test_n1_a_password_of_any_letters_logs_in(
    server: mariadb.Server, password: str
) -> None:
    server.execute(
        f"CREATE OR REPLACE USER letters@'127.0.0.1' IDENTIFIED BY '{password}'",
        "GRANT SELECT ON mysql.* TO letters@'127.0.0.1'",
    )
    url = server.url("mysql").set(username="letters", password=password)
    assert cipher(url.render_as_string(hide_password=False)) is not None


@pytest.mark.parametrize("host", ["a..b", "x" * 70])
def test_n2_a_host_s_name_that_is_none_is_one_line(host: str) -> None:
    with pytest.raises(exceptions.SidewaysError, match="cannot connect") as raised:
        cipher(f"mysql://u:s3cret@{host}/n")
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("command", ["check", "run", "verify"])
def test_n7_a_connection_that_dies_is_told_with_its_own_database(
    clouds: Clouds,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    rows.insert(clouds.nova_bm, rows.free_node(1))
    read = reader.read

    def killed(connection: sa.Connection, batch: int = reader.BATCH) -> object:
        number = connection.exec_driver_sql("SELECT CONNECTION_ID()").scalar_one()
        clouds.server.execute(f"KILL {number}")
        return read(connection, batch)

    monkeypatch.setattr(reader, "read", killed)
    assert clouds.migrate(command) == 1
    said = capsys.readouterr().err
    assert f"/{clouds.nova_bm.database}: " in said
    assert f"/{clouds.ironic.database}" not in said
    assert said.count("\n") == 1
