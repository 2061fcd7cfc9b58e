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

"""The values of ``bm_nodes.task_state`` (Nova 2014.2, ``baremetal_states.py``)."""

import typing

#: Spawn finished, or the power manager last reported on. Powering a server off
#: writes nothing, so a stopped server is ACTIVE too.
ACTIVE = "active"
#: Torn down: the normal state of an idle node; not the row's ``deleted`` column.
DELETED = "deleted"
INIT = "initializing"
BUILDING = "building"
PREPARED = "prepared"
DEPLOYING = "deploying"
DEPLOYDONE = "deploy complete"
DEPLOYFAIL = "deploy failed"
ERROR = "error"

#: States of a node that is not being worked on and holds no instance.
FREE = frozenset({None, DELETED})
#: States in which a compute service or the deploy helper works on the node.
IN_FLIGHT = frozenset({INIT, BUILDING, PREPARED, DEPLOYING, DEPLOYDONE})
FAILED = frozenset({DEPLOYFAIL, ERROR})
#: What can stand on a row that was freed: the deploy helper writes its word without
#: asking whose the row is by then, and the driver of 2013 freed a node that did not
#: switch off with ERROR. Nova's claim asks instance_uuid alone.
STALE = frozenset({DEPLOYING, DEPLOYDONE, DEPLOYFAIL, ERROR})

Use = typing.Literal["free", "used", "in flight", "failed", "inconsistent"]


def use(task_state: str | None, instance_uuid: str | None) -> Use:
    """What a row's ``task_state`` and ``instance_uuid`` say of the node together.

    Only "free" and "used" nodes are at rest; "inconsistent" is an instance on
    a torn-down node, an active node without instance, or an unknown state.
    """
    if task_state in IN_FLIGHT:
        return "in flight"
    if task_state in FAILED:
        return "failed"
    if task_state in FREE and not instance_uuid:
        return "free"
    if task_state == ACTIVE and instance_uuid:
        return "used"
    return "inconsistent"
