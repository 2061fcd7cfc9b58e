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


"""nova_bm as a compressed SQL script, and the proof that the file is whole.

A dump of our own, not mariadb-dump's: it is made in the transaction whose rows
were verified, where a program of its own would see another moment; the same
lines are made again under the lock that the tables are dropped with, and
compared. Each value comes back bit by bit, whatever its character set.
"""

import gzip
import hashlib
import io
import os
import re
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import sqlalchemy as sa

from ironic_sideways import exceptions, whole_file

#: Rows of one INSERT; far below any max_allowed_packet.
ROWS = 200
_TABLE = "-- table "
_END = "-- end of archive"
#: TRADITIONAL would refuse zero dates and renumber a row with id 0.
_HEAD = """\
-- nova_bm, archived by ironic-nova-bm-migrate; holds the BMCs' passwords.
-- Restore into an empty database.
SET NAMES utf8mb4;
SET SQL_MODE = 'STRICT_ALL_TABLES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO';
"""
#: Types whose text the server takes back as it gave it.
_PLAIN = frozenset(
    {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal"}
    | {"date", "datetime", "time", "year"}
)
_BYTES = frozenset(
    {"char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum"}
    | {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}
)
#: ASCII but for control characters, the quote and the backslash.
_SIMPLE = re.compile(rb"[ -&(-\[\]-~]*")


def lines(connection: sa.Connection, table: str) -> Iterator[str]:
    """The SQL that makes ``table`` again, line by line, in constant memory.

    :raises SidewaysError: it holds a type that cannot be dumped exactly.
    """
    name = _quoted(table)
    yield f"{_TABLE}{table}\n"
    (made,) = connection.exec_driver_sql(f"SHOW CREATE TABLE {name}").all()
    yield f"{made[1]};\n"
    columns = _columns(connection, table)
    chosen = ", ".join(
        f"CAST({_quoted(column)} AS {'BINARY' if kind in _BYTES else 'CHAR'})"
        for column, kind, _key in columns
    )
    into = ", ".join(_quoted(column) for column, _kind, _key in columns)
    keys = ", ".join(_quoted(column) for column, _kind, key in columns if key == "PRI")
    rows = connection.exec_driver_sql(
        f"SELECT {chosen} FROM {name} ORDER BY {keys}",  # noqa: S608
        execution_options={"stream_results": True, "max_row_buffer": ROWS},
    )
    for part in rows.partitions(ROWS):
        yield f"INSERT INTO {name} ({into}) VALUES\n"
        for number, row in enumerate(part, 1):
            values = ", ".join(map(_literal, row))
            yield f"({values}){',' if number < len(part) else ';'}\n"


def digests(of: Iterable[str]) -> dict[str, str]:
    """Table -> SHA-256 of its lines, from the lines of one or several tables."""
    found: dict[str, hashlib._Hash] = {}
    table = ""
    for line in of:
        if line.startswith(_TABLE):
            table = line.removeprefix(_TABLE).strip()
            found[table] = hashlib.sha256()
        if table:
            found[table].update(line.encode())
    return {name: made.hexdigest() for name, made in found.items()}


def write(path: Path, of: Iterable[str]) -> dict[str, str]:
    """Write the tables' lines to ``path``, which must not exist; read them again.

    The file appears under its name when it is whole, on the disk and found
    equal to what was written; ``sha256sum -c`` takes the file beside it.

    :returns: the tables' digests.
    :raises SidewaysError: it cannot be written, or what is read back differs.
    """
    refuse_existing(path)
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise exceptions.UsageError(
            f"--archive {path}: cannot be written: {error.strerror}"
        ) from error
    temporary, checksummed, whole = Path(name), False, False
    try:
        with os.fdopen(descriptor, "wb") as file:
            written = digests(_written(file, of))
            file.flush()
            os.fsync(file.fileno())
        if read(temporary) != written:
            raise exceptions.SidewaysError(
                f"--archive {path}: content read back differs from what was written; "
                "look at its disk; nothing was dropped"
            )
        checksummed = True
        _write_checksum(path, checksum(temporary))
        # Unlike a rename, a link fails where another file has come meanwhile.
        os.link(temporary, path)
        whole = True
        whole_file.sync(path.parent)
    except OSError as error:
        raise exceptions.SidewaysError(
            f"--archive {path}: cannot be written: {error.strerror}; nothing was "
            "dropped"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
        if checksummed and not whole:
            checksum_file(path).unlink(missing_ok=True)
    return written


def refuse_existing(path: Path) -> None:
    """Refuse to overwrite what may be the only copy of something.

    :raises SidewaysError: ``path`` or its checksum is there.
    """
    for there in (path, checksum_file(path)):
        if there.exists():
            raise exceptions.SidewaysError(
                f"--archive {there}: is there already and is not overwritten; name "
                "another file; nothing was changed"
            )


def _written(file: io.BufferedIOBase, of: Iterable[str]) -> Iterator[str]:
    """The lines, each once it is in the compressed file."""
    with gzip.GzipFile(filename="", mode="wb", fileobj=file) as packed:
        packed.write(_HEAD.encode())
        for line in of:
            packed.write(line.encode())
            yield line
        packed.write(f"{_END}\n".encode())


def read(path: Path) -> dict[str, str]:
    """The digests of the tables in an archive.

    :raises SidewaysError: it is not a whole archive of this tool.
    """
    last = ""

    def content(packed: Iterable[str]) -> Iterator[str]:
        nonlocal last
        for line in packed:
            last = line
            if not line.startswith(_END):
                yield line

    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="\n") as packed:
            found = digests(content(packed))
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise exceptions.SidewaysError(
            f"--archive {path}: expected a whole archive of nova_bm: {error}"
        ) from error
    if not last.startswith(_END):
        raise exceptions.SidewaysError(
            f"--archive {path}: expected a whole archive of nova_bm, its end is missing"
        )
    return found


def checksum(path: Path) -> str:
    """The file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksum_file(path: Path) -> Path:
    """Where the checksum of the archive ``path`` stands."""
    return path.with_name(f"{path.name}.sha256")


def refuse_altered(path: Path) -> None:
    """See that an archive is the file that was written, by the checksum beside it.

    :raises SidewaysError: it is not, or has no checksum.
    """
    beside = checksum_file(path)
    try:
        expected = beside.read_text(encoding="utf-8", errors="replace").split()[:1]
        found = checksum(path)
    except OSError as error:
        raise exceptions.SidewaysError(
            f"--archive {path}: expected it and its checksum {beside}: "
            f"{error.filename}: {error.strerror}; this command dropped nothing"
        ) from error
    if expected != [found]:
        raise exceptions.SidewaysError(
            f"--archive {path}: expected the SHA-256 that {beside} names, found "
            f"{found}: one of the two was changed; this command dropped nothing"
        )


def remove(path: Path) -> None:
    """Remove an archive after which nothing was dropped."""
    path.unlink(missing_ok=True)
    checksum_file(path).unlink(missing_ok=True)


def _write_checksum(path: Path, found: str) -> None:
    whole_file.write(checksum_file(path), f"{found}  {path.name}\n", durable=True)


def _columns(connection: sa.Connection, table: str) -> list[tuple[str, str, str]]:
    """Names, types and keys, in the table's order."""
    found = connection.execute(
        sa.text(
            "SELECT column_name, data_type, column_key FROM "
            "information_schema.columns WHERE table_schema = DATABASE() AND "
            "table_name = :table ORDER BY ordinal_position"
        ),
        {"table": table},
    )
    columns = [(row[0], row[1].lower(), row[2]) for row in found]
    known = _PLAIN | _BYTES
    odd = [f"{name} {kind}" for name, kind, _ in columns if kind not in known]
    if odd:
        raise exceptions.SidewaysError(
            f"table {table}: column {', '.join(odd)}: this type is not archived; dump "
            "and drop the database by hand"
        )
    return columns


def _literal(value: str | bytes | None) -> str:
    if value is None:
        return "NULL"
    raw = value.encode() if isinstance(value, str) else value
    if _SIMPLE.fullmatch(raw):
        return f"'{raw.decode('ascii')}'"
    # A binary literal goes into a column as it is, without any conversion.
    return f"X'{raw.hex()}'"


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
