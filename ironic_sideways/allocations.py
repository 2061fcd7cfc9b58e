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
"""

import dataclasses
import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ironic_sideways import exceptions, undo
from ironic_sideways import placement as api

TOOL = "nova-bm-convert-allocations"

#: Outcomes of a node, as the record has them.
CONVERTED = "converted"
ALREADY = "already converted"
MISSING = "no provider"
RESTORED = "restored"
AS_BEFORE = "as before already"

Refuse = Callable[[str], None]


@dataclasses.dataclass
class Conversion:
    """Nodes that become one unit of ``class_name`` each."""

    placement: api.Placement
    class_name: str
    undo_file: Path | None = None
    missing_ok: bool = False

    def plan(self, nodes: Sequence[str], refuse: Refuse) -> dict[str, str]:
        """What is to be done with each node: CONVERTED, ALREADY or MISSING.

        :param refuse: told one line for each node that is not as expected.
        :raises SidewaysError: after all nodes, if one was refused.
        """
        outcomes, refused = {}, 0
        for uuid in nodes:
            outcome, reason = self._look(uuid)
            if reason:
                refused += 1
                refuse(f"node {uuid}: {reason}")
            outcomes[uuid] = outcome
        if refused:
            raise exceptions.SidewaysError(
                f"{refused} of {len(nodes)} nodes refused; nothing was changed"
            )
        return outcomes

    def run(self, outcomes: dict[str, str]) -> None:
        """Convert the nodes that ``plan`` found, and read all of them again.

        :raises FollowUpNeeded: where some nodes were changed and others not.
        """
        todo = [uuid for uuid, outcome in outcomes.items() if outcome == CONVERTED]
        if todo:
            self._record(todo)
            self.placement.ensure_class(self.class_name)
        _each(todo, self._convert, f"run it again, or --undo {self.undo_file}")
        for uuid, outcome in outcomes.items():
            if outcome != MISSING:
                self._verify(uuid)

    @api.retry_conflicts
    def _look(self, uuid: str) -> tuple[str, str | None]:
        provider = self.placement.provider(uuid)
        if provider is None:
            hint = "Placement has no provider of this uuid (--missing-ok leaves it out)"
            return MISSING, None if self.missing_ok else hint
        if provider.is_converted(self.class_name):
            return ALREADY, None
        return CONVERTED, provider.why_not_convertible()

    @api.retry_conflicts
    def _convert(self, uuid: str) -> None:
        provider = self._present(uuid)
        if provider.is_converted(self.class_name):
            return
        if reason := provider.why_not_convertible():
            raise exceptions.SidewaysError(f"node {uuid}: {reason}")
        self.placement.reshape(
            provider,
            api.node_inventory(self.class_name),
            {
                consumer: dataclasses.replace(held, resources={self.class_name: 1})
                for consumer, held in provider.allocations.items()
            },
        )

    @api.retry_conflicts
    def _verify(self, uuid: str) -> None:
        if not self._present(uuid).is_converted(self.class_name):
            raise exceptions.FollowUpNeeded(
                f"node {uuid}: not {self.class_name}: 1 after the conversion; is "
                f"nova-compute running? Stop it and run again, or --undo "
                f"{self.undo_file}"
            )

    def _present(self, uuid: str) -> api.Provider:
        provider = self.placement.provider(uuid)
        if provider is None:
            raise exceptions.SidewaysError(f"node {uuid}: its provider is gone")
        return provider

    def _record(self, todo: Sequence[str]) -> None:
        """Write the undo file: each node to be changed as it is now."""
        if self.undo_file is None:
            raise exceptions.UsageError("--undo-file: expected with a change")
        content = undo.read_if_there(self.undo_file, TOOL) or {
            "tool": TOOL,
            "created_at": datetime.datetime.now(datetime.UTC).isoformat(),
            "resource_class": self.class_name,
            "resource_class_is_new": not self.placement.has_class(self.class_name),
            "nodes": {},
        }
        if content["resource_class"] != self.class_name:
            raise exceptions.UsageError(
                f"{self.undo_file}: it is of {content['resource_class']}, not "
                f"{self.class_name}; give another file, or --undo this one first"
            )
        for uuid in todo:
            content["nodes"][uuid] = _state(self._settled(uuid))
        undo.write(self.undo_file, content)

    @api.retry_conflicts
    def _settled(self, uuid: str) -> api.Provider:
        return self._present(uuid)


@dataclasses.dataclass
class Restoration:
    """The nodes of an undo file, and what they were before."""

    placement: api.Placement
    undo_file: Path

    def __post_init__(self) -> None:
        content = undo.read(self.undo_file, TOOL)
        self.class_name: str = content["resource_class"]
        self.class_is_new: bool = content["resource_class_is_new"]
        self.nodes: dict[str, dict[str, Any]] = content["nodes"]

    def plan(self, refuse: Refuse) -> dict[str, str]:
        """What is to be done with each node: RESTORED or AS_BEFORE.

        :param refuse: told one line for each node that has changed since.
        :raises SidewaysError: after all nodes, if one was refused.
        """
        outcomes, refused = {}, 0
        for uuid in self.nodes:
            outcome, reason = self._look(uuid)
            if reason:
                refused += 1
                refuse(f"node {uuid}: {reason}")
            outcomes[uuid] = outcome
        if refused:
            raise exceptions.SidewaysError(
                f"{refused} of {len(outcomes)} nodes refused; nothing was changed"
            )
        return outcomes

    def run(self, outcomes: dict[str, str]) -> None:
        """Restore the nodes that ``plan`` found, and the list of classes.

        :raises FollowUpNeeded: where some nodes were changed and others not.
        """
        todo = [uuid for uuid, outcome in outcomes.items() if outcome == RESTORED]
        _each(todo, self._restore, f"run --undo {self.undo_file} again")
        _each(list(outcomes), self._restore_reserved, f"--undo {self.undo_file} again")
        if self.class_is_new:
            self.placement.drop_class(self.class_name)

    @api.retry_conflicts
    def _look(self, uuid: str) -> tuple[str, str | None]:
        provider = self.placement.provider(uuid)
        if provider is None:
            return RESTORED, "Placement has no provider of this uuid any more"
        outcome = RESTORED if provider.is_converted(self.class_name) else AS_BEFORE
        before = self.nodes[uuid]
        if set(provider.allocations) != set(before["allocations"]):
            return outcome, (
                f"its instance was {_names(before['allocations'])} and is now "
                f"{_names(provider.allocations)}"
            )
        if outcome == AS_BEFORE and set(provider.inventories) != set(
            before["inventories"]
        ):
            return outcome, f"its inventory is {_names(provider.inventories)} now"
        return outcome, None

    @api.retry_conflicts
    def _restore(self, uuid: str) -> None:
        """Old resources and allocation at once, nothing of it reserved yet.

        nova-baremetal reserved all of a node in use; Placement would refuse an
        allocation of what is reserved.
        """
        provider = self.placement.provider(uuid)
        if provider is None or not provider.is_converted(self.class_name):
            return
        before = self.nodes[uuid]
        free = {
            name: {**inventory, "reserved": 0}
            for name, inventory in before["inventories"].items()
        }
        held = {
            consumer: api.Allocation(**allocation)
            for consumer, allocation in before["allocations"].items()
        }
        self.placement.reshape(provider, free, held)

    @api.retry_conflicts
    def _restore_reserved(self, uuid: str) -> None:
        provider = self.placement.provider(uuid)
        wanted = self.nodes[uuid]["inventories"]
        if provider is not None and provider.inventories != wanted:
            self.placement.set_inventories(provider, wanted)


def _each(todo: Sequence[str], change: Callable[[str], None], follow_up: str) -> None:
    """Change each node; once one is changed a failure needs ``follow_up``."""
    for done, uuid in enumerate(todo):
        try:
            change(uuid)
        except Exception as error:
            if not done and isinstance(error, exceptions.SidewaysError):
                raise
            raise exceptions.FollowUpNeeded(
                f"{done} of {len(todo)} nodes done, then node {uuid}: "
                f"{' '.join(str(error).split())}; {follow_up}"
            ) from error


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


def _names(things: Any) -> str:
    return ", ".join(sorted(things)) or "none"
