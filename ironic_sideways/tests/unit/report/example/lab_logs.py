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

"""The logs of each service of a run in the lab."""

from pathlib import Path

from ironic_sideways.report import log_holes
from ironic_sideways.tests.unit.report.example import clock
from ironic_sideways.tests.unit.report.small_move import log_files

#: What the log of a survivor's conductor says when a machine was switched.
SWITCHED = (
    "During sync_power_state, node {node} state 'power off' does not match expected "
    "state 'power on'. Changing hardware state to 'power on'."
)

#: An error that no rule of the verdict knows.
UNKNOWN = (
    "MessagingTimeout: Timed out waiting for a reply to message ID "
    "5c0d0f9d6d0a4a36a2b4a3b7ce0d6f11"
)


def logs(directory: Path) -> None:
    """A few lines of each service."""
    ends = [
        log_files.log_line(moment, "Lock released")
        for moment in (clock.span("prepare")[0], clock.span("collect")[0])
    ]
    for name in ("nova-api", "nova-compute", "ironic-api", "ironic-conductor"):
        lines = [
            f"2026-11-25 10:00:{second:02d}.{second * 7:03d} 4242 INFO {name} [-] "
            f"Lock released for the periodic task number {second}"
            for second in range(40)
        ]
        path = directory / "logs" / f"{name}.log"
        told = path.read_text() if path.exists() else ""
        if name == "nova-compute":
            # small_move's are of a moment before its phase, on this clock.
            told = "".join(
                log_files.log_line(
                    clock.span("resources")[0], line.partition("[-] ")[2]
                )
                for line in told.splitlines()
            )
        path.write_text(ends[0] + "\n".join(lines) + "\n" + told + ends[1])
    begin, end = round(clock.span("prepare")[0]), round(clock.span("collect")[0])
    for name in (*log_holes.TELLS, *log_holes.PERIODIC):
        with (directory / "logs" / f"{name}.log").open("a") as log:
            log.writelines(
                log_files.log_line(moment, "told")
                for moment in range(begin, end + 2, 10)
            )
