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

"""The lines of the services' logs, with their times, and oslo.log's records of them."""

import calendar
import dataclasses
import functools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ironic_sideways.evidence import documents, events
from ironic_sideways.report import places
from ironic_sideways.report.findings import Line

#: As oslo.log, libvirt, MariaDB and our own tools begin a line.
MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T| +)(\d{1,2}):(\d\d):(\d\d)(\.\d+)?")


#: As uWSGI begins the line of a request: when it came, in the time of its host.
REQUEST = re.compile(
    r"\[pid: .*? \[\w{3} (\w{3}) +(\d+) (\d\d):(\d\d):(\d\d) (\d{4})\]"
)
MONTHS = (*calendar.month_abbr,)

#: What oslo.log puts before each line of a record, and uWSGI before that of a request:
#: all but the text.
HEAD = re.compile(rf"{MOMENT.pattern} \d+ [A-Z]+ \S+|{REQUEST.pattern}")


ERROR = re.compile(r"\b(?:ERROR|CRITICAL)\b|\[(?:error|critical)\]")


@functools.lru_cache(maxsize=2**14)
def head(text: str) -> str:
    """What oslo.log put before the text; empty where the line is not oslo.log's."""
    found = HEAD.match(text)
    return found[0] if found else ""


def moment(text: str) -> float | None:
    """The time that begins a line, as if it were UTC; None where none does."""
    if found := MOMENT.match(text):
        whole = calendar.timegm((*map(int, found.groups()[:6]), 0, 0, 0))
        return whole + float(found[7] or 0)
    if found := REQUEST.match(text):
        month, day, *clock, year = found.groups()
        date = int(year), MONTHS.index(month), int(day)
        return calendar.timegm((*date, *map(int, clock), 0, 0, 0))
    return None


def is_error(text: str) -> bool:
    """By its level; a log that is not oslo.log's says it anywhere in the line."""
    return bool(ERROR.search(head(text) or text))


def utc_offset(directory: Path) -> int:
    """Seconds, of the host that wrote the logs; 0 when the run did not record it."""
    recorded = events.read(directory / "events.jsonl")
    return next((e["utc_offset"] for e in recorded if "utc_offset" in e), 0)


def lines(directory: Path, pattern: str) -> Iterator[Line]:
    """Every line of these logs; one without a time has that of the line before."""
    offset = utc_offset(directory)
    for path in places.logs(directory / "logs", pattern):
        yield from documents.once(path, _lines, offset)


def _lines(path: Path, offset: int) -> list[Line]:
    found, last = [], 0.0
    for number, text in enumerate(places.lines(path), start=1):
        told = moment(text)
        last = last if told is None else told - offset
        found.append(Line(f"logs/{path.name}", number, last, text))
    return found


def records(found: Iterable[Line]) -> Iterator[Line]:
    """The lines of one record as one: a traceback's text is its first and last line."""
    record: list[Line] = []
    for line in found:
        if record and not continues(line, record[0]):
            yield joined(record)
            record = []
        record.append(line)
    if record:
        yield joined(record)


def continues(line: Line, first: Line) -> bool:
    """Whether ``line`` is of the record that began with ``first``.

    MariaDB's and RabbitMQ's lines have a time and no head: each is a record.
    """
    own = head(line.text)
    same = own == head(first.text) if own else moment(line.text) is None
    return same and line.file == first.file


def joined(record: list[Line]) -> Line:
    texts = [line.text.removeprefix(head(line.text)).strip() for line in record[1:]]
    return ending(record[0], next(filter(None, reversed(texts)), ""))


def ending(first: Line, last: str) -> Line:
    return (
        dataclasses.replace(first, text=f"{first.text} ... {last}") if last else first
    )
