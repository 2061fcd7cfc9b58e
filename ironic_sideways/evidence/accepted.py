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

"""An owner's changes in the window that the operator accepts as such: accepted.json.

No API tells who renamed an instance, tagged it or deleted its port: Nova keeps instance
actions only of what goes through nova-compute. So the operator's word alone tells it
from what the move did. It is given for one change of one instance, of what an owner may
change, as two snapshots show it: a later change is another one.
"""

import dataclasses
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.evidence import compare, documents

Document = dict[str, Any]

FILE = "accepted.json"


@dataclasses.dataclass(frozen=True)
class Change:
    """Of ``instance``, by uuid, ``key`` became ``then`` from ``before``."""

    instance: str
    key: str
    before: Any
    then: Any

    def __str__(self) -> str:
        what = compare.differences({self.key: self.before}, {self.key: self.then})
        return f"instance {self.instance}: {what}"

    @property
    def fault(self) -> str:
        """Why no owner may have done so; empty when one may."""
        known = (*compare.OWNERS, *compare.BESIDE)
        if self.key not in known:
            return (
                f"no owner may change {self.key} in the window; what may be accepted "
                f"is {', '.join(known)}"
            )
        if self.before == self.then:
            return f"{self.key} did not change: nothing to accept"
        if self.key == "ports" and any(one not in self.before for one in self.then):
            return "a port was changed or added, not deleted: have it put back"
        return ""


def told(document: Document, server: Document, key: str) -> Any:
    """What ``document`` has of its ``server``."""
    if kind := compare.BESIDE.get(key):
        found = document.get("around", {}).get(kind, {})
        return {place: found.get(place) for place in compare.beside(server, key)}
    return server.get(key)


def read(directory: Path) -> list[Change]:
    """All that was accepted; nothing where nothing was.

    :raises EvidenceMalformed: it is no such record.
    """
    path = directory / FILE
    if not path.exists():
        return []
    try:
        return [Change(**one) for one in documents.read(path)]
    except TypeError as error:
        raise exceptions.EvidenceMalformed(path, 1, f"not accepted: {error}") from None


def accept(directory: Path, before: Document, after: Document, word: str) -> None:
    """Record in ``directory`` that the operator accepts ``word``, INSTANCE:KEY.

    :raises UsageError: no owner may have done that, or nobody did.
    """
    uuid, _, key = word.rpartition(":")
    then, now = (
        compare.by(one["servers"], "uuid").get(uuid) for one in (before, after)
    )
    if then is None or now is None:
        where = "before" if then is None else "after"
        raise exceptions.UsageError(
            f"--accept {word}: expected INSTANCE:KEY with an instance's uuid, found no "
            f"such instance {where}"
        )
    change = Change(uuid, key, told(before, then, key), told(after, now, key))
    if change.fault:
        raise exceptions.UsageError(f"--accept {word}: {change.fault}")
    others = [one for one in read(directory) if one != change]
    rows = [dataclasses.asdict(one) for one in (*others, change)]
    documents.write(directory / FILE, rows)


def seen(changes: list[Change], before: Document, after: Document) -> list[Change]:
    """Those of ``changes`` that happened from one snapshot to the other."""
    then, now = (compare.by(one["servers"], "uuid") for one in (before, after))
    return [
        one
        for one in changes
        if not one.fault
        and one.instance in then.keys() & now.keys()
        and told(before, then[one.instance], one.key) == one.before
        and told(after, now[one.instance], one.key) == one.then
    ]


def applied(changes: list[Change], before: Document, after: Document) -> Document:
    """``before`` as its owners left it: with what :func:`seen` says of ``after``."""
    servers = compare.by(before["servers"], "uuid")
    around = {kind: dict(found) for kind, found in before.get("around", {}).items()}
    for one in seen(changes, before, after):
        server = dict(servers[one.instance])
        server["accepted"] = [*server.get("accepted", ()), one.key]
        if kind := compare.BESIDE.get(one.key):
            around.setdefault(kind, {}).update(one.then)
        else:
            server[one.key] = one.then
        if one.key == "ports":
            left = {port["id"] for port in one.then}
            bindings = server["bindings"].items()
            server["bindings"] = {uuid: to for uuid, to in bindings if uuid in left}
            for uuid in {port["id"] for port in one.before} - left:
                around.get("security groups", {}).pop(uuid, None)
        servers[one.instance] = server
    told_of = {"around": around} if "around" in before else {}
    return {**before, **told_of, "servers": list(servers.values())}
