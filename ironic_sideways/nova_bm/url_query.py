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

"""What a database URL's query says, whatever driver it was written for.

Services have URLs for MySQLdb, mysqlclient and oslo.db. What one means and PyMySQL
can do is done; what changes nothing here is left out; all else is refused by its key.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pymysql import charset

#: For SQLAlchemy or a driver's own ways alone: text is text here, each transaction is
#: ours, and so is the SQL mode.
UNUSED = frozenset(
    (
        *("plugin", "plugins", "use_unicode", "binary_prefix"),
        *("sql_mode", "autocommit", "local_infile"),
    )
)
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
#: Of the ``ssl_mode`` of MySQL's own clients.
_MODES = ("DISABLED", "PREFERRED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")


def arguments(query: Mapping[str, str | Sequence[str]]) -> dict[str, Any]:
    """PyMySQL's arguments for the query of a URL.

    :raises ValueError: names the key, and what was expected; never a password.
    """
    read: dict[str, Any] = {}
    for key, value in query.items():
        if key in UNUSED:
            continue
        if key not in _KEYS:
            raise ValueError(
                f"{key}= in its query is not known here: leave it out, or write what "
                f"it means with {', '.join(sorted(_KEYS))}"
            )
        if not isinstance(value, str):
            raise ValueError(f"{key}= in its query is there twice, expected once")
        read[key] = _KEYS[key](key, value)
    if read.get("ssl_mode") == "PREFERRED":
        del read["ssl_mode"]
    return _with_tls(read) if any(key.startswith("ssl") for key in read) else read


def _text(_key: str, value: str) -> str:
    return value


def _seconds(key: str, value: str) -> int:
    if not (value.isascii() and value.isdigit() and 0 < int(value) <= 31536000):
        raise ValueError(
            f"{key}={value} in its query: expected seconds, from 1 to a year's"
        )
    return int(value)


def _switch(key: str, value: str) -> bool:
    if value.lower() not in _TRUE + _FALSE:
        raise ValueError(f"{key}={value} in its query: expected true or false")
    return value.lower() in _TRUE


def _path(key: str, value: str) -> str:
    if not Path(value).expanduser().exists():
        raise ValueError(f"{key}={value} in its query: no such file")
    return str(Path(value).expanduser())


def _charset(key: str, value: str) -> str:
    # As binary, text would come as bytes.
    if value == "binary" or charset.charset_by_name(value) is None:
        raise ValueError(
            f"{key}={value} in its query: expected a character set that PyMySQL knows, "
            "best utf8mb4"
        )
    return value


def _mode(key: str, value: str) -> str:
    if value.upper() not in _MODES:
        raise ValueError(
            f"{key}={value} in its query: expected one of {', '.join(_MODES)}"
        )
    return value.upper()


_KEYS: dict[str, Callable[[str, str], Any]] = {
    **dict.fromkeys(("unix_socket", "bind_address", "program_name"), _text),
    **dict.fromkeys(("init_command", "read_default_group", "ssl_cipher"), _text),
    "ssl_key_password": _text,
    "read_default_file": _path,
    "charset": _charset,
    **dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), _seconds),
    **dict.fromkeys(("ssl_ca", "ssl_capath", "ssl_cert", "ssl_key"), _path),
    **dict.fromkeys(("ssl", "ssl_disabled", "ssl_check_hostname"), _switch),
    **dict.fromkeys(("ssl_verify_cert", "ssl_verify_identity"), _switch),
    "ssl_mode": _mode,
}


def _with_tls(read: dict[str, Any]) -> dict[str, Any]:
    """What all ``ssl`` keys say together, as PyMySQL takes it.

    A CA's file means that the server's certificate is verified, and its host name too
    unless the keys of MySQL's own clients say less. Without any key, PyMySQL decides.
    """
    said = {key: read.pop(key) for key in list(read) if key.startswith("ssl")}
    mode = said.pop("ssl_mode", None)
    if said.pop("ssl_disabled", mode == "DISABLED") or not said.pop("ssl", True):
        return {**read, "ssl_disabled": True}
    tls = {key.removeprefix("ssl_"): value for key, value in said.items()}
    identity = tls.pop("verify_identity", False) or mode == "VERIFY_IDENTITY"
    has_ca = "ca" in tls or "capath" in tls
    loose = mode in ("REQUIRED", "VERIFY_CA") or "verify_cert" in tls
    verify = tls.pop("verify_cert", has_ca) or identity or mode == "VERIFY_CA"
    if verify and not has_ca:
        raise ValueError(
            "its query wants the server's certificate verified: expected the CA's file "
            "too, as ssl_ca=/etc/ssl/certs/ca-certificates.crt"
        )
    by_name = identity or tls.pop("check_hostname", not loose)
    if "key_password" in tls:
        tls["password"] = tls.pop("key_password")
    return {
        **read,
        "ssl": {
            **tls,
            "verify_mode": "required" if verify else "none",
            "check_hostname": verify and by_name,
        },
    }
