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
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from ironic_sideways import exceptions

CONNECT_TIMEOUT_S = 10
#: For the server's next word, whatever it is asked: above its own bound on a
#: wait for a lock (innodb_lock_wait_timeout, 50 s by default).
ANSWER_TIMEOUT_S = 300
#: Strict whatever the server's default, so that a value too long is an error
#: and never a silent truncation.
SQL_MODE = "TRADITIONAL"


def resolve_url(text: str, option: str) -> URL:
    """The database URL that the value ``text`` of ``option`` means.

    ``@FILE`` reads the URL from a file and ``$NAME`` from an environment
    variable, so that no password need appear among a process's arguments.

    :raises UsageError: no such file or variable, not a URL, or a database
        other than MySQL or MariaDB.
    """
    place = option
    if text.startswith("@"):
        place = f"{option} (file {text[1:]})"
        try:
            text = Path(text[1:]).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise exceptions.UsageError(
                f"{place}: expected a file with a database URL: {reason}"
            ) from error
    elif text.startswith("$"):
        place = f"{option} (environment variable {text[1:]})"
        if not os.environ.get(text[1:]):
            raise exceptions.UsageError(f"{place}: the variable is not set")
        text = os.environ[text[1:]].strip()
    try:
        url = make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        # The text may hold a password: neither it nor its error is shown.
        raise exceptions.UsageError(
            f"{place}: expected a database URL such as "
            "mysql+pymysql://USER:PASSWORD@HOST:PORT/NAME"
        ) from None
    if url.get_backend_name() not in ("mysql", "mariadb"):
        raise exceptions.UsageError(
            f"{place}: {url.get_backend_name()} is not supported, expected MySQL "
            "or MariaDB (mysql+pymysql://...)"
        )
    if not url.database:
        raise exceptions.UsageError(
            f"{place}: the URL {redacted(url)} names no database"
        )
    if "+" not in url.drivername:
        url = url.set(drivername="mysql+pymysql")
    if "charset" not in url.query:
        # The server converts from whatever the tables hold, latin1 included.
        url = url.update_query_dict({"charset": "utf8mb4"})
    return url


def redacted(url: URL) -> str:
    """The URL as it may be shown: the password is ``***``."""
    return url.render_as_string(hide_password=True)


def engine(url: URL) -> sa.Engine:
    """A strict, repeatable-read engine for ``url``; nothing is connected yet."""
    made = sa.create_engine(
        url,
        isolation_level="REPEATABLE READ",
        poolclass=sa.pool.NullPool,
        connect_args={
            "connect_timeout": CONNECT_TIMEOUT_S,
            "read_timeout": ANSWER_TIMEOUT_S,
            "write_timeout": ANSWER_TIMEOUT_S,
        },
        # Rows go to the driver as plain tuples.
        paramstyle="format",
        # Parameters may be BMC passwords: they stay out of errors and logs.
        hide_parameters=True,
    )

    # Before SQLAlchemy's own question for the mode, which decides how it quotes.
    @sa.event.listens_for(made, "connect", insert=True)
    def _set_strict(raw: object, _record: object) -> None:
        with contextlib.closing(raw.cursor()) as cursor:  # type: ignore[attr-defined]
            cursor.execute(f"SET SESSION sql_mode = '{SQL_MODE}'")
            # MariaDB since 11.6 refuses a locking read of what has changed since the
            # snapshot; here such a read is made to see just that, as on all others.
            cursor.execute("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'")
            if cursor.fetchone():
                cursor.execute("SET SESSION innodb_snapshot_isolation = OFF")

    return made


@contextlib.contextmanager
def connect(of: sa.Engine) -> Iterator[sa.Connection]:
    """A connection; what the server refuses becomes one line.

    :raises SidewaysError: the server is unreachable or refuses the login.
    """
    try:
        connection = of.connect()
    except sa.exc.DBAPIError as error:
        raise exceptions.SidewaysError(
            f"database {redacted(of.url)}: cannot connect: {driver_text(error)}"
        ) from error
    try:
        yield connection
    finally:
        # What was open on a lost one, the server has rolled back.
        with contextlib.suppress(sa.exc.DBAPIError):
            connection.close()


def driver_text(error: sa.exc.DBAPIError | KeyboardInterrupt) -> str:
    """The server's own words; SQLAlchemy's add the statement.

    Of a person's interruption: that it was one.
    """
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    words = getattr(error.orig, "args", ())
    return " ".join(str(words[-1] if words else error.orig).split())
