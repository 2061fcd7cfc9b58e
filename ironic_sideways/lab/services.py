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

"""Starting and stopping one service of a running lab."""

from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.lab import checks, configuration, wanted
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.supervision import Supervisor

#: Seconds for the end of any service: programs.Program.stop_seconds at most,
#: then SIGKILL.
STOP_TIMEOUT = 60


def start(layout: Layout, name: str) -> None:
    """Start ``name``; return when it does what it is there for.

    :raises SidewaysError: it died, with the end of its log.
    :raises WaitExpired: it lives and does not answer.
    """
    if name in wanted.IRONIC:
        configuration.path_of(layout, "ironic")
    supervisor = Supervisor(layout)
    supervisor.start_program(name)
    wanted.change(layout, name, wanted=True)
    checks.wait_ready(supervisor, name)


def stop(layout: Layout, name: str) -> None:
    """Stop ``name``; return when its processes are gone.

    :raises WaitExpired: they are not, in bounded time.
    """
    Supervisor(layout).stop_program(name, STOP_TIMEOUT)
    wanted.change(layout, name, wanted=False)


def restart(layout: Layout, name: str) -> None:
    """Stop and start ``name``."""
    stop(layout, name)
    start(layout, name)


def log(layout: Layout, name: str) -> Path:
    """The log of ``name``.

    :raises UsageError: there is no such service.
    """
    known = (*wanted.BASE, *wanted.IRONIC)
    if name not in known:
        raise exceptions.UsageError(
            f"service {name!r}: expected one of {', '.join(known)}"
        )
    return layout.log(name)
