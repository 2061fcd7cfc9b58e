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

"""Database URLs without passwords in argv or logs, and the engines for them."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from ironic_sideways import exceptions, secret_file
from ironic_sideways.nova_bm import url_query

CONNECT_TIMEOUT_S = 10
#: Seconds for any answer of the server: more than its own bound on a wait for a
#: lock (innodb_lock_wait_timeout, 50 s by default).
ANSWER_TIMEOUT_S = 300
#: Strict whatever the server's default, so that a value too long is an error
#: and never a silent truncation.
SQL_MODE = "TRADITIONAL"
#: What PyMySQL raises as it is: a certificate that it cannot read, a host's name that
#: is none, a way to log in for which a library is missing.
_UNWRAPPED = (OSError, ValueError, RuntimeError)
#: Drivers whose URLs PyMySQL is given: they speak the same protocol to the server.
DRIVERS = ("pymysql", "mysqldb", "mysqlconnector", "oursql", "aiomysql", "asyncmy")


def option_url(text: str, option: str) -> URL:
    """``resolve_url`` of what stands among a process's arguments.

    A password there is anybody's on this machine to read, which is told.
    """
    url = resolve_url(text, option)
    if url.password and not text.startswith(("@", "$")):
        print(
            f"warning: {option}: its password is in the process list; write the URL "
            "to a file of mode 0600 and give @FILE",
            file=sys.stderr,
        )
    return url


def resolve_url(text: str, option: str) -> URL:
    """The database URL that the value ``text`` of ``option`` means.

    ``@FILE`` reads the URL from a file, its owner's alone to read, and ``$NAME``
    from an environment variable, so that no password need appear among a process's
    arguments.

    :raises UsageError: no such file or variable, not a URL, a database other than
        MySQL or MariaDB, or what PyMySQL cannot do. Nothing of the text is shown
        before it is sure where in it the password is.
    """
    place = option
    try:
        if text.startswith("@"):
            place = f"{option} (file {text[1:]})"
            text = secret_file.read_line(Path(text[1:]))
        elif text.startswith("$"):
            place = f"{option} (environment variable {text[1:]})"
            text = os.environ.get(text[1:], "")
            if not text:
                raise ValueError("the variable is not set")
        return _meant(_parsed(text.strip()))
    except ValueError as error:
        raise exceptions.UsageError(f"{place}: {error}") from None


def _parsed(text: str) -> URL:
    """:raises ValueError: it is no URL, or one that could be read in two ways."""
    if len(text.splitlines()) > 1:
        raise ValueError(f"expected one line, found {len(text.splitlines())}")
    _, _, after_user = text.partition("://")[2].partition(":")
    if after_user.count("@") > 1:
        raise ValueError(
            "expected one @, before the host: write @ of a password as %40"
        )
    try:
        return make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        # The text may hold a password: neither it nor its error is shown.
        raise ValueError(
            "expected a database URL such as "
            "mysql+pymysql://USER:PASSWORD@HOST:PORT/NAME"
        ) from None


def _meant(url: URL) -> URL:
    """The URL as PyMySQL is given it, whatever driver it names.

    :raises ValueError: it names none that speaks to MySQL, or what is wrong else.
    """
    backend, _, driver = url.drivername.partition("+")
    if backend not in ("mysql", "mariadb"):
        known = backend if backend in sa.dialects.__all__ else "what its scheme names"
        raise ValueError(
            f"{known} is not supported, expected MySQL or MariaDB (mysql+pymysql://...)"
        )
    if driver and driver not in DRIVERS:
        raise ValueError(
            f"{backend}+{driver}: expected mysql+pymysql, or another driver's name "
            f"that can be read as it: {', '.join(DRIVERS)}"
        )
    if url.port is not None and not 0 < url.port < 65536:
        raise ValueError(f"port {url.port}: expected 1 to 65535")
    if not url.database:
        raise ValueError(f"the URL {redacted(url)} names no database")
    url_query.arguments(url.query)
    url = url.set(drivername="mysql+pymysql")
    url = url.difference_update_query(url_query.UNUSED)
    if "charset" not in url.query:
        # The server converts from whatever the tables hold, latin1 included.
        url = url.update_query_dict({"charset": "utf8mb4"})
    return url


def redacted(url: URL) -> str:
    """The URL as it may be shown: the password is ``***``, a key's is left out."""
    secret = [key for key in url.query if "pass" in key]
    return url.difference_update_query(secret).render_as_string(hide_password=True)


def _require_tls(cursor: Any) -> None:
    """See that the connection is encrypted, as the URL says.

    PyMySQL before 1.2 goes on without TLS where the server offers none.

    :raises ConnectionError: it is not.
    """
    cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
    row = cursor.fetchone()
    if not row or not row[1]:
        raise ConnectionError("its URL wants TLS, and the server offers none")


def engine(url: URL) -> sa.Engine:
    """A strict, repeatable-read engine for ``url``; nothing is connected yet."""
    settings = {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "read_timeout": ANSWER_TIMEOUT_S,
        "write_timeout": ANSWER_TIMEOUT_S,
        **url_query.arguments(url.query),
    }
    if url.password:
        # PyMySQL would take a string for Latin-1, and refuse what is not.
        settings["password"] = str(url.password).encode()
    made = sa.create_engine(
        url.set(query={}),
        isolation_level="REPEATABLE READ",
        poolclass=sa.pool.NullPool,
        connect_args=settings,
        # Rows go to the driver as plain tuples.
        paramstyle="format",
        # Parameters may be BMC passwords: they stay out of errors and logs.
        hide_parameters=True,
    )

    # Before SQLAlchemy's own question for the mode, which decides how it quotes.
    @sa.event.listens_for(made, "connect", insert=True)
    def _set_strict(raw: object, _record: object) -> None:
        with contextlib.closing(raw.cursor()) as cursor:  # type: ignore[attr-defined]
            if "ssl" in settings:
                _require_tls(cursor)
            cursor.execute(f"SET SESSION sql_mode = '{SQL_MODE}'")
            # MariaDB since 11.6 refuses a locking read of what has changed since the
            # snapshot; here such a read is made to see just that, as on all others.
            cursor.execute("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'")
            if cursor.fetchone():
                cursor.execute("SET SESSION innodb_snapshot_isolation = OFF")

    @sa.event.listens_for(made, "handle_error")
    def _sign(context: sa.engine.ExceptionContext) -> None:
        if context.sqlalchemy_exception is not None:
            context.sqlalchemy_exception.add_detail(redacted(made.url))

    # Reflection sets it, and leaves it set for the connection's whole life.
    @sa.event.listens_for(made, "set_connection_execution_options")
    def _always_sign(_connection: sa.Connection, options: dict[str, object]) -> None:
        options.pop("skip_user_error_events", None)

    return made


@contextlib.contextmanager
def connect(of: sa.Engine) -> Iterator[sa.Connection]:
    """A connection; what the server refuses becomes one line that names the database.

    :raises SidewaysError: the server is unreachable, refuses the login, or refused
        what was asked of it.
    """
    try:
        connection = of.connect()
    except (sa.exc.DBAPIError, *_UNWRAPPED) as error:
        raise exceptions.SidewaysError(
            f"database {redacted(of.url)}: cannot connect: {driver_text(error)}"
        ) from error
    try:
        yield connection
    except sa.exc.DBAPIError as error:
        # Not always this connection's: several databases may be in use at a time.
        where = error.detail[0] if error.detail else redacted(of.url)
        raise exceptions.SidewaysError(
            f"database {where}: {driver_text(error)}"
        ) from error
    finally:
        # What was open on a lost one, the server has rolled back.
        with contextlib.suppress(sa.exc.DBAPIError):
            connection.close()


def driver_text(error: BaseException) -> str:
    """The server's own words; SQLAlchemy's add the statement.

    Of a person's interruption: that it was one.
    """
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if not isinstance(error, sa.exc.DBAPIError):
        return exceptions.line(error)
    words = getattr(error.orig, "args", ())
    return " ".join(str(words[-1] if words else error.orig).split())
