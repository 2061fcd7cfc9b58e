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

"""Starting and stopping services of a running lab."""

import functools
from collections.abc import Sequence
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.lab import checks, configuration, should_run
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.supervision import Supervisor

#: Seconds for any service to stop: at most programs.Program.stop_seconds, then
#: SIGKILL.
STOP_TIMEOUT = 60

changing = functools.partial(
    exceptions.after_change, True, "see `ironic-sideways lab status`, and try again"
)


def start(layout: Layout, names: Sequence[str]) -> None:
    """Start services together; return when each is ready.

    :raises UsageError: there is no such service.
    :raises FollowUpNeeded: one died, and the end of its log; or is not ready.
    """
    for row in layout.services:
        if row.name in names and row.group == "ironic":
            configuration.path_of(layout, "ironic")
    supervisor = Supervisor(layout)
    for name in names:
        supervisor.state(name)
    with changing():
        for name in names:
            supervisor.start_program(name)
            should_run.change(layout, name, runs=True)
        for name in names:
            checks.wait_ready(supervisor, name)


def stop(layout: Layout, names: Sequence[str]) -> None:
    """Stop services together; return when their processes are gone.

    :raises UsageError: there is no such service.
    :raises FollowUpNeeded: one is still there after STOP_TIMEOUT.
    """
    supervisor = Supervisor(layout)
    for name in names:
        supervisor.state(name)
    with changing():
        supervisor.stop_programs(names, STOP_TIMEOUT)
        for name in names:
            should_run.change(layout, name, runs=False)


def restart(layout: Layout, names: Sequence[str]) -> None:
    """Stop and start services."""
    stop(layout, names)
    with changing():
        start(layout, names)


def log(layout: Layout, name: str) -> Path:
    """The log of ``name``.

    :raises UsageError: there is no such service.
    """
    known = should_run.known(layout)
    if name not in known:
        raise exceptions.UsageError(
            f"service {name!r}: expected one of {', '.join(known)}"
        )
    return layout.log(name)
