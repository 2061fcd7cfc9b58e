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

"""Convert the nodes' allocations to their resource class, and back.

All nodes are looked at first, and one that is not as nova-baremetal had it
stops the run before anything is changed. Then each node changes atomically,
and at the end every node is read again. The undo file is written before the
first change.

A node costs three reads to look at it (two when it is free), one write, and two
reads to see that all is well.
"""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions
from ironic_sideways.cloud import allocation_holders, in_parallel, undo_file
from ironic_sideways.cloud import placement as api

TOOL = "nova-bm-convert-allocations"

#: Outcomes of a node, as the record has them.
CONVERTED = "converted"
ALREADY = "already converted"
MISSING = "no provider"
RESTORED = "restored"
AS_BEFORE = "as before already"

Strangers = Callable[[Collection[str]], Mapping[str, str]]


@dataclasses.dataclass
class Conversion:
    """Nodes that become one unit of their class each.

    :param classes: Placement's resource class of each node, by its uuid.
    :param strangers: which consumers are no instance, and what to do with them.
    :param instances: which each node must be held by.
    :param missing_ok: leave nodes out that have no provider.
    :param progress: told how many steps of ``steps`` are done.
    """

    placement: api.Placement
    classes: Mapping[str, str]
    undo_file: Path | None = None
    strangers: Strangers = lambda consumers: {}
    instances: allocation_holders.Instances = dataclasses.field(
        default_factory=allocation_holders.Instances
    )
    missing_ok: bool = False
    progress: in_parallel.Progress = lambda done: None
    _seen: dict[str, api.Provider] = dataclasses.field(default_factory=dict, init=False)

    def steps(self, run: bool) -> int:
        """How often ``progress`` is told of a node, in all: looks, changes, checks."""
        return len(self.classes) * (3 if run else 1)

    def plan(self, refuse: in_parallel.Tell) -> dict[str, str]:
        """What is to be done with each node: CONVERTED, ALREADY or MISSING.

        :param refuse: told one line for each node that is not as expected.
        :raises SidewaysError: after all nodes, if one was refused; before them, if
            the account may not change them.
        """
        self.placement.require_rights()
        looked = in_parallel.look(list(self.classes), self._look, self.progress)
        outcomes = {uuid: outcome for uuid, (outcome, _) in looked.items()}
        reasons = {uuid: reason for uuid, (_, reason) in looked.items() if reason}
        holders = {
            consumer: uuid
            for uuid, provider in self._seen.items()
            for consumer in provider.allocations
        }
        for consumer, reason in self.strangers(holders).items():
            reasons[holders[consumer]] = reason
        reasons = {uuid: reasons[uuid] for uuid in self.classes if uuid in reasons}
        for uuid, (instance, _) in self.instances.lacking.items():
            refuse(
                f"node {uuid}: its instance {instance} has no allocation: the "
                "conversion makes it"
            )
        in_parallel.refuse(reasons, len(outcomes), refuse)
        return outcomes

    def run(self, outcomes: dict[str, str]) -> None:
        """Convert the nodes that ``plan`` found, and read all of them again.

        :raises FollowUpNeeded: where some nodes were changed and others not, or
            one is not as it should be afterwards.
        """
        todo = [uuid for uuid, outcome in outcomes.items() if outcome == CONVERTED]
        there = [uuid for uuid, outcome in outcomes.items() if outcome != MISSING]
        again = f"run it again, or --undo {self.undo_file}"
        if todo:
            self._record(todo)
            for name in sorted({self.classes[uuid] for uuid in todo}):
                self.placement.ensure_class(name)
        in_parallel.change(todo, self._convert, again, self._step(1))
        with exceptions.after_change(bool(todo), again):
            in_parallel.look(there, self._verify, self._step(2))

    def _step(self, number: int) -> in_parallel.Progress:
        return lambda done: self.progress(number * len(self.classes) + done)

    @api.retry_conflicts
    def _look(self, uuid: str) -> tuple[str, str | None]:
        provider = self.placement.provider(uuid)
        if provider is None:
            hint = "Placement has no provider of this uuid (--missing-ok leaves it out)"
            return MISSING, None if self.missing_ok else hint
        fault = self.instances.fault(provider, self.classes[uuid], self.placement)
        if provider.is_converted(self.classes[uuid]):
            return ALREADY, fault
        self._seen[uuid] = provider
        return CONVERTED, provider.why_not_convertible() or fault

    @api.retry_conflicts
    def _convert(self, uuid: str) -> None:
        # As it was looked at; what has changed since is a conflict, and read again.
        provider = self._seen.pop(uuid, None) or self._present(uuid)
        class_name = self.classes[uuid]
        if provider.is_converted(class_name):
            return
        if reason := provider.why_not_convertible():
            raise exceptions.SidewaysError(f"node {uuid}: {reason}")
        self.placement.reshape(
            provider,
            api.node_inventory(class_name),
            {
                consumer: dataclasses.replace(held, resources={class_name: 1})
                for consumer, held in (
                    provider.allocations | self.instances.made(uuid)
                ).items()
            },
        )

    @api.retry_conflicts
    def _verify(self, uuid: str) -> None:
        provider = self.placement.provider(uuid, owners=False)
        if provider is None or not provider.is_converted(self.classes[uuid]):
            raise exceptions.FollowUpNeeded(
                f"node {uuid}: not {self.classes[uuid]}: 1 after the conversion; is "
                f"nova-compute running? Stop it and run again, or --undo "
                f"{self.undo_file}"
            )

    def _present(self, uuid: str) -> api.Provider:
        provider = self.placement.provider(uuid)
        if provider is None:
            raise exceptions.SidewaysError(f"node {uuid}: its provider is gone")
        return provider

    def _record(self, todo: Sequence[str]) -> None:
        """Write the undo file: each node to be changed as it was looked at."""
        if self.undo_file is None:
            raise exceptions.UsageError("--undo-file: expected with a change")
        content = undo_file.continued(self.undo_file, TOOL, new_classes=[], nodes={})
        with undo_file.whole(self.undo_file):
            new = {
                name
                for name in {self.classes[uuid] for uuid in todo}
                if not self.placement.has_class(name)
            }
            content["new_classes"] = sorted({*content["new_classes"], *new})
            for uuid in todo:
                content["nodes"][uuid] = {
                    "resource_class": self.classes[uuid],
                    **_state(self._seen[uuid]),
                    "added": list(self.instances.made(uuid)),
                }
        undo_file.write(self.undo_file, content)


@dataclasses.dataclass
class Restoration:
    """The nodes of an undo file, and what they were before.

    :param progress: told how many steps of ``steps`` are done.
    """

    placement: api.Placement
    undo_file: Path
    progress: in_parallel.Progress = lambda done: None
    _seen: dict[str, api.Provider] = dataclasses.field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        content = undo_file.read(self.undo_file, TOOL)
        with undo_file.whole(self.undo_file):
            self.new_classes = list(content["new_classes"])
            self.nodes: dict[str, dict[str, Any]] = dict(content["nodes"])
            self.classes = {
                uuid: str(node["resource_class"]) for uuid, node in self.nodes.items()
            }
            self._before = {uuid: _provider(uuid, n) for uuid, n in self.nodes.items()}
            self._added = {
                uuid: {*n.get("added", ())} for uuid, n in self.nodes.items()
            }

    def steps(self, run: bool) -> int:
        """How often ``progress`` is told of a node, in all: looks, changes, checks."""
        return len(self.nodes) * (3 if run else 1)

    def plan(self, refuse: in_parallel.Tell) -> dict[str, str]:
        """What is to be done with each node: RESTORED or AS_BEFORE.

        :param refuse: told one line for each node that has changed since.
        :raises SidewaysError: after all nodes, if one was refused; before them, if
            the account may not change them.
        """
        self.placement.require_rights()
        looked = in_parallel.look(list(self.nodes), self._look, self.progress)
        reasons = {uuid: reason for uuid, (_, reason) in looked.items() if reason}
        in_parallel.refuse(reasons, len(looked), refuse)
        return {uuid: outcome for uuid, (outcome, _) in looked.items()}

    def run(self, outcomes: dict[str, str]) -> None:
        """Restore the nodes that ``plan`` found, and the list of classes.

        :raises FollowUpNeeded: where some nodes were changed and others not, or
            one is not as it was afterwards.
        """
        again = f"run --undo {self.undo_file} again"
        in_parallel.change(list(outcomes), self._restore, again, self._step(1))
        with exceptions.after_change(True, again):
            in_parallel.look(list(outcomes), self._verify, self._step(2))
            for name in self.new_classes:
                self.placement.drop_class(name)

    def _step(self, number: int) -> in_parallel.Progress:
        return lambda done: self.progress(number * len(self.nodes) + done)

    @api.retry_conflicts
    def _look(self, uuid: str) -> tuple[str, str | None]:
        provider = self.placement.provider(uuid)
        if provider is None:
            return RESTORED, "Placement has no provider of this uuid any more"
        self._seen[uuid] = provider
        converted = provider.is_converted(self.classes[uuid])
        before = self._before[uuid]
        if before.equals(provider):
            return AS_BEFORE, None
        held = {*before.allocations, *(self._added[uuid] if converted else ())}
        if set(provider.allocations) != held:
            return RESTORED, (
                f"its instance was {_names(held)} and is now "
                f"{_names(provider.allocations)}"
            )
        if not converted and set(provider.inventories) != set(before.inventories):
            return RESTORED, f"its inventory is {_names(provider.inventories)} now"
        return RESTORED, None

    @api.retry_conflicts
    def _restore(self, uuid: str) -> None:
        """Old resources and allocation at once, then what is reserved of it.

        nova-baremetal reserved all of a node in use; Placement would refuse an
        allocation of what is reserved.
        """
        provider = self._seen.pop(uuid, None) or self.placement.provider(uuid)
        before = self._before[uuid]
        if provider is None or before.equals(provider):
            return
        if provider.is_converted(self.classes[uuid]):
            free = {
                name: {**inventory, "reserved": 0}
                for name, inventory in before.inventories.items()
            }
            gone = {
                consumer: dataclasses.replace(held, resources={})
                for consumer, held in provider.allocations.items()
                if consumer in self._added[uuid]
            }
            self.placement.reshape(provider, free, before.allocations | gone)
            provider = self.placement.provider(uuid, owners=False)
        if provider is not None and provider.inventories != before.inventories:
            self.placement.set_inventories(provider, before.inventories)

    @api.retry_conflicts
    def _verify(self, uuid: str) -> None:
        provider = self.placement.provider(uuid, owners=False)
        if provider is None or not self._before[uuid].equals(provider):
            raise exceptions.FollowUpNeeded(
                f"node {uuid}: not as {self.undo_file} has it after the undo; is "
                f"nova-compute running? Stop it and --undo again"
            )


def _state(provider: api.Provider) -> dict[str, Any]:
    """What leads back to ``provider`` as it is now."""
    return {
        "inventories": provider.inventories,
        "allocations": {
            consumer: {
                "resources": held.resources,
                "project_id": held.project_id,
                "user_id": held.user_id,
            }
            for consumer, held in provider.allocations.items()
        },
    }


def _provider(uuid: str, state: dict[str, Any]) -> api.Provider:
    """What ``_state`` recorded."""
    held = {
        consumer: api.Allocation(**allocation)
        for consumer, allocation in state["allocations"].items()
    }
    return api.Provider(uuid, 0, dict(state["inventories"]), held)


def _names(things: Any) -> str:
    return ", ".join(sorted(things)) or "none"
