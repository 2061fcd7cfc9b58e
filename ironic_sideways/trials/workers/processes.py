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

"""The workers: which one runs an operation, its end by SIGKILL, its return."""

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping, Sequence

from ironic_sideways import exceptions, waits
from ironic_sideways.lab import configuration, files, option_file, services
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.service_table import SIBLING
from ironic_sideways.lab.supervision import ALIVE, Supervisor

FIRST = "nova-compute"
BOTH = (FIRST, SIBLING)

#: Seconds for a worker to log that it has begun what the API took on.
BEGIN_TIMEOUT = 60


class Workers:
    """The lab's nova-compute processes ``names``, all of the first host's name."""

    def __init__(self, layout: Layout, names: Sequence[str]) -> None:
        self.layout = layout
        self.names = tuple(names)
        self._supervisor = Supervisor(layout)

    def alive(self) -> list[str]:
        states = self._supervisor.states()
        return [name for name in self.names if states[name].state in ALIVE]

    def kill(self, name: str) -> None:
        """End ``name`` as a machine's failure would; nothing starts it again.

        :raises SidewaysError: it did not run.
        """
        state = self._supervisor.state(name)
        if state.state not in ALIVE:
            raise exceptions.SidewaysError(f"{name}: cannot be killed, it does not run")
        # Its children too, which a machine's failure would not spare.
        os.killpg(os.getpgid(state.pid), signal.SIGKILL)
        waits.wait_for(
            lambda: self._supervisor.state(name).state,
            lambda seen: seen not in ALIVE,
            f"{name} to be gone after SIGKILL",
            timeout=30,
            interval=0.1,
        )

    def start(self) -> None:
        """Start those that do not run, and wait until each takes messages."""
        services.start(self.layout, self.names)

    def positions(self) -> dict[str, int]:
        """How long each worker's log is now."""
        sizes = {}
        for name in self.names:
            log = self.layout.log(name)
            sizes[name] = log.stat().st_size if log.exists() else 0
        return sizes

    def who(self, instance: str, text: str, since: Mapping[str, int]) -> str:
        """The worker that logs ``text`` of ``instance`` after ``since``.

        :raises WaitExpired: none does.
        """
        found = waits.wait_for(
            lambda: self.said(instance, text, since) or "",
            bool,
            f"a worker to say {text!r} of instance {instance}",
            BEGIN_TIMEOUT,
            interval=0.05,
            seen=lambda name: name or f"nothing in the logs of {', '.join(self.names)}",
        )
        return found

    def said(self, instance: str, text: str, since: Mapping[str, int]) -> str | None:
        """The worker that has logged ``text`` of ``instance`` after ``since``."""
        for name in self.names:
            with self.layout.log(name).open("rb") as stream:
                stream.seek(since[name])
                lines = stream.read().decode(errors="replace").splitlines()
            if any(text in line and instance in line for line in lines):
                return name
        return None


@contextlib.contextmanager
def running(
    layout: Layout, names: Sequence[str], settings: Mapping[tuple[str, str], str]
) -> Iterator[Workers]:
    """Workers under ``settings`` ((section, option) -> value), until it is left.

    The first compute host's configuration and its one nova-compute are then as
    they were before.
    """
    path = configuration.path_of(layout, FIRST)
    before = path.read_text()
    try:
        for (section, option), value in settings.items():
            option_file.set_option(path, section, option, value)
        services.restart(layout, [FIRST])
        workers = Workers(layout, names)
        workers.start()
        yield workers
    finally:
        files.write_private(path, before)
        services.stop(layout, list({FIRST, *names}))
        services.start(layout, [FIRST])
