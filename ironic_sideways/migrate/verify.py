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

"""Compare Ironic's rows with nova_bm's, field by field, through Ironic's objects.

What each field must hold is declared in ``fields``, apart from the mapping: a
fault in one of the two shows as a difference.
"""

import dataclasses
import enum
import functools
import types
import warnings
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from ironic.db.sqlalchemy import models
from sqlalchemy import orm

from ironic_sideways.migrate import choices, classify, fields, plan, provenance, target
from ironic_sideways.nova_bm import reader

#: Nodes compared at a time: as objects they take ten times the memory of rows.
BATCH = 200
#: Differences kept as text; all are counted.
SHOWN = 200


class Accept(enum.Enum):
    """What Ironic may have done to its rows since they were written."""

    NOTHING = "nothing"
    #: What a conductor writes at take-over and power synchronisation.
    TAKEN_OVER = "taken over"
    #: Anything: what was written is told by the digest of that time.
    CHANGED = "changed"


@dataclasses.dataclass
class Result:
    """What ``verify`` found.

    :param equal: nodes of which every field of node and ports is as declared.
    :param changed: equal nodes that Ironic has changed since, and may have.
    :param different: nodes with at least one difference.
    :param differences: one line each, the first SHOWN of them.
    """

    equal: int = 0
    changed: int = 0
    different: int = 0
    differences: list[str] = dataclasses.field(default_factory=list)

    def add(self, lines: list[str], *, changed: bool = False) -> None:
        """Count one node with its differences, none for an equal one."""
        self.changed += changed and not lines
        if lines:
            self.different += 1
            self.differences += lines[: SHOWN - len(self.differences)]
        else:
            self.equal += 1


def verify(
    source: sa.Connection,
    ironic: sa.Connection,
    plan_: plan.Plan,
    *,
    pin: str | None = None,
    accept: Accept = Accept.NOTHING,
) -> Result:
    """Whether Ironic holds what nova_bm's live rows say, and nothing more of ours.

    :param accept: what Ironic may have done to the rows since.
    """
    result = Result()
    for batch in reader.read(source, BATCH):
        found = _read(ironic, [node.uuid for node in batch if node.uuid])
        for node in batch:
            there = found.get(node.uuid or "")
            own = there.provenance if isinstance(there, Found) else None
            options = plan_.options_for(own)
            verdict = classify.classify(node, options, plan_.policy)
            changed = isinstance(there, Found) and there.accept(accept)
            lines = _verify_one(verdict, there, options, pin)
            if lines is not None:
                result.add(lines, changed=changed)
    surplus = None if _partial(plan_.policy) else _count_ours(ironic)
    if surplus is not None and surplus > result.equal + result.different:
        extra = surplus - result.equal - result.different
        result.add([f"Ironic holds {extra} nodes of this tool that nova_bm lacks"])
    return result


@dataclasses.dataclass
class Found:
    """A node and its ports as Ironic's objects, with the versions stored.

    :param rows: the same as they stand in the database, the node's first.
    :param free: uuids of the rows that need not be as declared any more.
    """

    node: Any
    version: str | None
    ports: list[tuple[Any, str | None]]
    rows: list[Any] = dataclasses.field(default_factory=list)
    free: frozenset[str] = frozenset()

    @property
    def provenance(self) -> dict[str, Any] | None:
        """The node's, or None: the node is not ours."""
        return provenance.of({"extra": self.node.extra})

    def accept(self, accept: Accept) -> bool:
        """Take back what is accepted; whether Ironic changed more than that.

        Only rows that carry the digest of their writing can have been changed.
        """
        if accept is Accept.NOTHING or self.provenance is None:
            return False
        provenance.take_back(self.node)
        if accept is not Accept.CHANGED:
            return False
        tables = [target.nodes, *[target.ports] * len(self.ports)]
        self.free = frozenset(
            row.uuid
            for row, table in zip(self.rows, tables, strict=True)
            if provenance.is_changed({c.name: getattr(row, c.name) for c in table.c})
        )
        return bool(self.free)


def _partial(policy: classify.Policy) -> bool:
    return bool(policy.nodes or policy.service_hosts)


def _count_ours(ironic: sa.Connection) -> int:
    ours = target.nodes.c.extra.cast(sa.Text).like(f'%"{provenance.KEY}": {{%')
    return ironic.execute(
        sa.select(sa.func.count()).select_from(target.nodes).where(ours)
    ).scalar_one()


def _verify_one(
    verdict: classify.Verdict,
    there: "Found | Exception | None",
    options: choices.Options,
    pin: str | None,
) -> list[str] | None:
    """The differences of one row; None: there is nothing to compare."""
    source = verdict.source
    where = f"node {source.uuid} (bm_nodes row {source.id})"
    if isinstance(there, Exception):
        return [f"{where}: Ironic cannot load it: {' '.join(str(there).split())}"]
    if verdict.outcome is classify.Outcome.SKIP:
        if source.deleted and there and there.provenance:
            return [f"{where}: is deleted in nova_bm, but in Ironic"]
        return None
    if verdict.outcome is classify.Outcome.REFUSE:
        return [f"{where}: cannot have been moved: {verdict.reasons[0]}"]
    if there is None:
        return [f"{where}: is not in Ironic"]
    expected = fields.Source(
        source, verdict.interfaces, options, target.object_version("Node", pin)
    )
    lines = []
    if source.uuid not in there.free:
        lines += fields.compare_node(expected, there.node, there.version)
    version = target.object_version("Port", pin)
    by_mac = {card.address.lower(): card for card in verdict.interfaces if card.address}
    for port, stored in there.ports:
        card = by_mac.pop(port.address, None)
        if port.uuid in there.free:
            continue
        if card is None:
            lines.append(f"port {port.uuid}: {port.address} is not in nova_bm")
        else:
            one = fields.PortSource(source, card, verdict.interfaces, options, version)
            lines += fields.compare_port(one, port, stored)
    lines += [f"port {mac}: is not in Ironic" for mac in by_mac]
    return [f"{where}: {line}" for line in lines]


def _read(ironic: sa.Connection, uuids: list[str]) -> dict[str, "Found | Exception"]:
    """Ironic's nodes with these uuids, as its own objects."""
    objects = ironic_objects()
    with orm.Session(bind=ironic) as session:
        nodes = session.scalars(
            sa.select(models.Node).where(models.Node.uuid.in_(uuids))
        ).all()
        ports: dict[int, list] = {}
        for port in session.scalars(
            sa.select(models.Port)
            .where(models.Port.node_id.in_([node.id for node in nodes]))
            .order_by(models.Port.id)
        ):
            ports.setdefault(port.node_id, []).append(port)
        found: dict[str, Found | Exception] = {}
        for node in nodes:
            try:
                found[node.uuid] = Found(
                    _load(objects.Node, node),
                    node.version,
                    [
                        (_load(objects.Port, p), p.version)
                        for p in ports.get(node.id, [])
                    ],
                    [node, *ports.get(node.id, [])],
                )
            # Whatever Ironic's objects raise, its services would raise too.
            except Exception as error:
                found[node.uuid] = error
        return found


def _load(kind: Any, row: Any) -> Any:
    """The row as the object that Ironic's API and conductor make of it."""
    return kind._from_db_object(None, kind(), row)


@functools.cache
def ironic_objects() -> types.ModuleType:
    """``ironic.objects`` with all classes registered; its imports are noisy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ironic import objects

        objects.register_all()
    return objects


def differences(result: Result) -> Iterator[str]:
    """The lines to show."""
    yield from result.differences
    if result.different and len(result.differences) >= SHOWN:
        yield f"... ({result.different} nodes differ in all)"
