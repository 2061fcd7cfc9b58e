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

"""Judge every nova_bm row against itself, the other rows, and Ironic's rows.

A stream of batches: no list of all nodes is ever held.
"""

import collections
import dataclasses
import itertools
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.migrate import (
    bmc_rows,
    choices,
    classify,
    kept_options,
    mapping,
    provenance,
    target,
)
from ironic_sideways.nova_bm import reader, schema

#: bm_nodes columns of which no two live rows may hold the same value.
_UNIQUE_OF_NODES = {
    "uuid": "uuid",
    "instance_uuid": "instance_uuid",
}


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a run was asked to do.

    :param stamp: run id and tool version, for the provenance of new rows.
    :param by_own_run: judge what is in Ironic by the options of the run that wrote it.
    """

    options: choices.Options
    policy: classify.Policy
    stamp: Mapping[str, str]
    by_own_run: bool = False

    def options_for(self, own: Mapping[str, Any] | None) -> choices.Options:
        """The options by which a node with this provenance is judged."""
        options = self.options
        if self.by_own_run and own and isinstance(own.get("options"), dict):
            options = kept_options.restored(own["options"], options)
        return kept_options.knowing_vifs(options, own or {})


def require_selected(connection: sa.Connection, policy: classify.Policy) -> None:
    """Refuse a name of --node or --service-host that selects nothing.

    :raises UsageError: names it.
    """
    if not (policy.nodes or policy.service_hosts):
        return
    node = schema.bm_nodes
    live = node.c.deleted.is_not(True)
    if policy.null_deleted == "skip":
        live = node.c.deleted.is_(False)
    query = sa.select(node.c.uuid, node.c.service_host).where(live)
    if policy.nodes:
        query = query.where(node.c.uuid.in_(policy.nodes))
    if policy.service_hosts:
        query = query.where(node.c.service_host.in_(policy.service_hosts))
    # MySQL's collations may take one case for the other, the run does not.
    found = [
        row
        for row in connection.execute(query)
        if (not policy.nodes or row.uuid in policy.nodes)
        and (not policy.service_hosts or row.service_host in policy.service_hosts)
    ]
    missing = [f"--node {name}" for name in policy.nodes - {row.uuid for row in found}]
    missing += [
        f"--service-host {name}"
        for name in policy.service_hosts - {row.service_host for row in found}
    ]
    if missing:
        both = policy.nodes and policy.service_hosts
        among = " among those that the other option names" if both else ""
        raise exceptions.UsageError(
            f"{', '.join(sorted(missing))}: nova_bm has no such live row{among}; "
            "expected a name spelled as there"
        )


def duplicates(
    connection: sa.Connection,
    policy: classify.Policy,
    bmcs: Mapping[str, choices.Bmc] = types.MappingProxyType({}),
) -> dict[int, list[str]]:
    """bm_nodes row id -> what that row shares with which other rows.

    Case does not count: a binary collation lets two rows differ in it alone.

    :param bmcs: the operator's map, which goes before what the rows say.
    :raises UsageError: the map speaks of a node that is not there.
    """
    node, card = schema.bm_nodes, schema.bm_interfaces
    found: dict[int, list[str]] = collections.defaultdict(list)
    for column, words in _UNIQUE_OF_NODES.items():
        rows = _shared(connection, node.c[column], [node.c.id], _live(node, policy))
        for value, group in itertools.groupby(rows, lambda row: row.value):
            _name_each(found, f"{words} {value}", [(row.id, row.id) for row in group])
    mapped = bmc_rows.rows_of(connection, bmcs, _live(node, policy))
    rows = _shared(connection, node.c.pm_address, [node.c.id], _live(node, policy))
    for address, ids in itertools.chain(
        bmc_rows.still_shared(rows, mapped),
        bmc_rows.collisions(connection, mapped, _live(node, policy)),
    ):
        _name_each(found, f"BMC address {address}", [(one, one) for one in ids])
    for column, words in (("address", "MAC"), ("vif_uuid", "VIF")):
        rows = _shared(
            connection,
            card.c[column],
            [card.c.id, card.c.bm_node_id],
            sa.and_(
                _live(card, policy),
                sa.exists().where(node.c.id == card.c.bm_node_id, _live(node, policy)),
            ),
        )
        for value, group in itertools.groupby(rows, lambda row: row.value):
            shared = [(row.bm_node_id, row.id) for row in group]
            _name_each(found, f"{words} {value}", shared, "bm_interfaces ")
    return found


def _live(table: sa.Table, policy: classify.Policy) -> sa.ColumnElement[bool]:
    live = table.c.deleted.is_(False)
    if policy.null_deleted == "live":
        return sa.or_(live, table.c.deleted.is_(None))
    return live


def _shared(
    connection: sa.Connection,
    column: sa.Column,
    ids: list[sa.Column],
    live: sa.ColumnElement[bool],
) -> Iterable[sa.Row]:
    """The live rows whose ``column`` another live row has too, value by value."""
    value = sa.func.lower(column)
    several = (
        sa.select(value.label("value"))
        .where(live, column.is_not(None), column != "")
        .group_by(value)
        .having(sa.func.count() > 1)
        .subquery()
    )
    return connection.execute(
        sa.select(several.c.value, *ids)
        .join(several, value == several.c.value)
        .where(live)
        .order_by(several.c.value, ids[0])
    )


def _name_each(
    found: dict[int, list[str]],
    what: str,
    members: list[tuple[int, int]],
    table: str = "",
) -> None:
    """Tell each member's node which other rows share the value."""
    for node_id, row_id in members:
        others = [str(other) for _node, other in members if other != row_id]
        shown = ", ".join(others[:5]) + (" ..." if len(others) > 5 else "")
        found[node_id].append(f"{what} is in {table}row {shown} too")


def judge(
    source: sa.Connection,
    plan: Plan,
    ironic: sa.Connection | None,
    shared: Mapping[int, list[str]],
) -> Iterator[list[classify.Verdict]]:
    """A verdict on every bm_nodes row, in the order of their ids.

    :param ironic: compared with, unless None.
    :param shared: what ``duplicates`` found.
    """
    compare = ironic is not None and _holds_nodes(ironic)
    for batch in reader.read(source):
        found: dict[str, dict[str, Any]] = {}
        if compare:
            assert ironic is not None
            found = _nodes_of(ironic, [node.uuid for node in batch])
        verdicts = []
        for node in batch:
            there = found.get(node.uuid or "")
            options = plan.options_for(there and provenance.of(there))
            verdicts.append(
                classify.classify(node, options, plan.policy, shared.get(node.id, ()))
            )
        if compare:
            assert ironic is not None
            _compare(ironic, plan, verdicts, found)
        yield verdicts


def _nodes_of(
    ironic: sa.Connection, uuids: list[str | None]
) -> dict[str, dict[str, Any]]:
    query = sa.select(target.nodes).where(target.nodes.c.uuid.in_(uuids))
    return {row["uuid"]: dict(row) for row in ironic.execute(query).mappings()}


def _holds_nodes(ironic: sa.Connection) -> bool:
    return any(
        ironic.execute(sa.select(table.c.id).limit(1)).first()
        for table in (target.nodes, target.ports)
    )


def _compare(
    ironic: sa.Connection,
    plan: Plan,
    verdicts: list[classify.Verdict],
    by_uuid: Mapping[str, dict[str, Any]],
) -> None:
    """Refuse what collides with Ironic's rows; recognise rows of earlier runs."""
    moving = [v for v in verdicts if v.outcome is classify.Outcome.MIGRATE]
    nodes, ports = target.nodes, target.ports
    instances = [v.source.instance_uuid for v in moving if v.source.instance_uuid]
    macs = [card.address for v in moving for card in v.interfaces]
    # Two queries, because an OR over two indexes reads the whole table.
    by_instance = {
        row.instance_uuid: row.uuid
        for row in ironic.execute(
            sa.select(nodes.c.uuid, nodes.c.instance_uuid).where(
                nodes.c.instance_uuid.in_(instances)
            )
        )
    }
    by_mac = {
        row["address"].lower(): row
        for row in ironic.execute(
            sa.select(ports).where(ports.c.address.in_(macs))
        ).mappings()
    }
    for verdict in moving:
        _compare_one(verdict, plan, by_uuid, by_instance, by_mac)


def _compare_one(
    verdict: classify.Verdict,
    plan: Plan,
    by_uuid: Mapping[str, dict[str, Any]],
    by_instance: Mapping[str, str],
    by_mac: Mapping[str, sa.RowMapping],
) -> None:
    source = verdict.source
    assert source.uuid is not None
    there = by_uuid.get(source.uuid)
    own = provenance.of(there) if there is not None else None
    if there is not None and own is None:
        verdict.refuse("Ironic has a node with this uuid that this tool did not write")
    holder = by_instance.get(source.instance_uuid or "")
    if holder not in (None, source.uuid):
        verdict.refuse(
            f"Ironic's node {holder} holds instance {source.instance_uuid} already"
        )
    node_id = there["id"] if own and there is not None else None
    for card in verdict.interfaces:
        port = by_mac.get((card.address or "").lower())
        if port is not None and port["node_id"] != node_id:
            verdict.refuse(
                f"Ironic's port {port['uuid']} of another node has MAC "
                f"{card.address} already"
            )
    if own is None or verdict.outcome is classify.Outcome.REFUSE:
        return
    # What this run would have written in the place of the one that did.
    stamp = {key: own.get(key, "") for key in plan.stamp}
    again = mapping.map_node(source, verdict.interfaces, plan.options_for(own), stamp)
    lost = [p["address"] for p in again.ports if p["address"] not in by_mac]
    if lost:
        verdict.refuse(
            f"Ironic lacks its port {', '.join(lost)}, which run {own.get('run_id')} "
            "wrote; find out who removed it"
        )
        return
    same = again.node["extra"][provenance.KEY]["digest"] == own["digest"] and all(
        _same_port(port, by_mac[port["address"]]) for port in again.ports
    )
    if same:
        verdict.outcome = classify.Outcome.PRESENT
    else:
        verdict.refuse(
            f"was written by run {own.get('run_id')} from other contents or with "
            "other options; roll that run back first"
        )


def _same_port(port: Mapping, there: sa.RowMapping) -> bool:
    own = provenance.of(dict(there))
    return own is not None and own["digest"] == port["extra"][provenance.KEY]["digest"]
