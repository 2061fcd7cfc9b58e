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

"""What the keys of a database URL mean to PyMySQL, and what is refused."""

import ssl
from pathlib import Path
from typing import Any

import pymysql.connections
import pytest

from ironic_sideways.nova_bm import url_query

CA = ssl.get_default_verify_paths().openssl_cafile


def tls(verify: str, by_name: bool, **more: str) -> dict[str, Any]:
    return {"ssl": {**more, "verify_mode": verify, "check_hostname": by_name}}


@pytest.mark.parametrize(
    ("query", "arguments"),
    [
        ({"charset": "utf8"}, {"charset": "utf8"}),
        ({"unix_socket": "/run/s"}, {"unix_socket": "/run/s"}),
        ({"read_timeout": "30"}, {"read_timeout": 30}),
        (dict.fromkeys(url_query.UNUSED, "1"), {}),
        ({"plugin": ("dbcounter", "x")}, {}),
        ({"ssl_mode": "REQUIRED"}, tls("none", False)),
        ({"ssl_mode": "required"}, tls("none", False)),
        ({"ssl": "true"}, tls("none", False)),
        ({"ssl": "false"}, {"ssl_disabled": True}),
        ({"ssl_disabled": "1"}, {"ssl_disabled": True}),
        ({"ssl_mode": "DISABLED"}, {"ssl_disabled": True}),
        ({"ssl_mode": "PREFERRED"}, {}),
        ({"ssl_ca": "CA"}, tls("required", True, ca="CA")),
        ({"ssl_ca": "CA", "ssl_mode": "PREFERRED"}, tls("required", True, ca="CA")),
        ({"ssl_ca": "CA", "ssl_mode": "REQUIRED"}, tls("required", False, ca="CA")),
        ({"ssl_ca": "CA", "ssl_mode": "VERIFY_CA"}, tls("required", False, ca="CA")),
        (
            {"ssl_ca": "CA", "ssl_mode": "VERIFY_IDENTITY"},
            tls("required", True, ca="CA"),
        ),
        (
            {"ssl_ca": "CA", "ssl_verify_cert": "true"},
            tls("required", False, ca="CA"),
        ),
        (
            {"ssl_ca": "CA", "ssl_verify_cert": "1", "ssl_verify_identity": "1"},
            tls("required", True, ca="CA"),
        ),
        (
            {"ssl_ca": "CA", "ssl_check_hostname": "false"},
            tls("required", False, ca="CA"),
        ),
        ({"ssl_ca": "CA", "ssl_verify_cert": "no"}, tls("none", False, ca="CA")),
        (
            {"ssl_cert": "CA", "ssl_key_password": "p"},
            tls("none", False, cert="CA", password="p"),
        ),
    ],
)
def test_n2_a_key_is_served_as_what_it_means(
    tmp_path: Path, query: dict[str, str], arguments: dict[str, Any]
) -> None:
    (tmp_path / "ca").touch()
    path = str(tmp_path / "ca")
    found = url_query.arguments(
        {key: path if value == "CA" else value for key, value in query.items()}
    )
    for key, value in found.get("ssl", {}).items():
        found["ssl"][key] = "CA" if value == path else value
    assert found == arguments
    if "ssl_ca" not in query and "ssl_cert" not in query:
        pymysql.connections.Connection(defer_connect=True, **found)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"charset": "nope"}, "charset=nope in its query: expected a character set"),
        ({"charset": "binary"}, "charset=binary in its query: expected a character"),
        ({"charset": ("utf8", "latin1")}, "charset= in its query is there twice"),
        ({"read_timeout": "x"}, "read_timeout=x in its query: expected seconds"),
        ({"write_timeout": "0"}, "write_timeout=0 in its query: expected seconds"),
        ({"connect_timeout": "-1"}, "connect_timeout=-1 in its query: expected sec"),
        ({"ssl": "maybe"}, "ssl=maybe in its query: expected true or false"),
        ({"ssl_mode": "STRICT"}, "ssl_mode=STRICT in its query: expected one of DIS"),
        ({"ssl_mode": "VERIFY_CA"}, "expected the CA's file too, as ssl_ca="),
        ({"ssl_verify_identity": "true"}, "expected the CA's file too, as ssl_ca="),
        ({"ssl_ca": "/no/ca.pem"}, "ssl_ca=/no/ca.pem in its query: no such file"),
        ({"read_default_file": "/no"}, "read_default_file=/no in its query: no such"),
        ({"compress": "1"}, "compress= in its query is not known here"),
        ({"passwd": "s3cret"}, "passwd= in its query is not known here"),
        ({"cursorclass": "x"}, "cursorclass= in its query is not known here"),
    ],
)
def test_n2_what_pymysql_cannot_do_is_named_by_its_key(
    query: dict[str, str], said: str
) -> None:
    with pytest.raises(ValueError, match="its query") as raised:
        url_query.arguments(query)
    assert said in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_n2_a_key_of_its_own_tls_reaches_pymysql() -> None:
    """A file of CAs that is there on every Debian with ca-certificates."""
    found = url_query.arguments({"ssl_ca": CA, "ssl_mode": "VERIFY_IDENTITY"})
    made = pymysql.connections.Connection(defer_connect=True, **found)
    assert made.ctx.check_hostname
    assert made.ctx.verify_mode is ssl.CERT_REQUIRED
