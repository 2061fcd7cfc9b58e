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

"""The states of an Ironic node: polled every second, recorded when they change."""

import concurrent.futures
import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import openstack.exceptions

#: Seconds between two looks. The shortest thing to be seen, the agent's writing of
#: an image, takes several.
INTERVAL = 1.0

#: Ironic's states and steps, of a deploy and of a cleaning (ironic.common.states).
STEPS = ("deploy_step", "clean_step")


@dataclasses.dataclass
class Watch:
    """The changes of one node since ``begin``, seconds since the epoch.

    :param heard: the agent's last heartbeat as Ironic has it, before.
    """

    begin: float
    node: str | None = None
    interface: str | None = None
    heard: str | None = None
    changes: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    agent: dict[str, Any] | None = None

    def see(self, node: Any, now: float) -> None:
        """Take in what ``node`` is now; nothing where there is none (yet)."""
        if node is None:
            return
        internal = node.driver_internal_info or {}
        heard = internal.get("agent_last_heartbeat")
        if self.node is None:
            self.node, self.heard = node.id, heard
        self.interface = node.deploy_interface
        after = round(now - self.begin, 1)
        if self.agent is None and heard and heard != self.heard:
            self.agent = {"version": internal.get("agent_version"), "after": after}
        steps = (getattr(node, name, None) or {} for name in STEPS)
        step = next((one["step"] for one in steps if "step" in one), None)
        seen = {"state": node.provision_state, "step": step}
        last = self.changes[-1] if self.changes else {}
        if seen != {name: last.get(name) for name in seen}:
            self.changes.append({"after": after, **seen})

    def record(self) -> dict[str, Any]:
        """As evidence; ``after`` is in seconds since ``begin``."""
        return {
            "begin": self.begin,
            "node": self.node,
            "interface": self.interface,
            "agent": self.agent,
            "changes": self.changes,
        }


@contextlib.contextmanager
def watching(look: Callable[[], Any]) -> Iterator[Watch]:
    """Watch a node as long as the context lasts.

    :param look: the node as Ironic has it, or None where there is none yet. An
        answer that the cloud does not give is a look that shows nothing.
    """
    watch = Watch(time.time())
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(INTERVAL):
            with contextlib.suppress(openstack.exceptions.SDKException):
                watch.see(look(), time.time())

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        try:
            yield watch
        finally:
            ended.set()
        running.result()
        # How it ended, in any case.
        watch.see(look(), time.time())
