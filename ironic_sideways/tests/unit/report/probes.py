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

"""What the prober leaves of a move that went well, for the examples of the evidence."""

from collections.abc import Callable, Iterator
from typing import Any

from ironic_sideways.evidence import prober
from ironic_sideways.report import apis

Document = dict[str, Any]


def lines(begin: float, end: float, held: tuple[float, float]) -> list[Document]:
    """A probe a second of each API between two moments.

    :param held: when a maintenance held the instances.
    """
    spans = {**dict.fromkeys(prober.APIS, (begin, end)), prober.LOCK: held}
    found = [
        {"service": service, "answer": apis.RIGHT[service], **line}
        for service, span in spans.items()
        for line in full(*span)
    ]
    return sorted(found, key=lambda line: float(line["until"]))


def full(begin: float, end: float) -> Iterator[Document]:
    """Lines of ten probes each, the last one's of what is left."""
    number = 1
    while begin + number <= end:
        last = int(min(number + 9, end - begin))
        sent, answered = begin + number, begin + last + 0.1
        yield {"first": number, "last": last, "time": sent, "until": answered}
        number = last + 1


def away(
    found: list[Document], service: str, since: float, until: float, answer: str
) -> list[Document]:
    """The same with another answer between two moments; lines are cut there."""
    kept = [line for line in found if line["service"] != service]
    lines = [line for line in found if line["service"] == service]
    return [*kept, *cut(lines, lambda at: answer if since <= at < until else None)]


def cut(lines: list[Document], other: Callable[[float], str | None]) -> list[Document]:
    """A line for each probe, with ``other``'s answer where it has one."""
    single = []
    for line in lines:
        for number in range(line["first"], line["last"] + 1):
            sent = line["time"] + number - line["first"]
            moment = {"first": number, "last": number, "time": sent}
            told = {"answer": other(sent) or line["answer"], "until": sent + 0.1}
            single.append({**line, **moment, **told})
    return single
