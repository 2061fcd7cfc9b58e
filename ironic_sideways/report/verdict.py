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

"""Evidence directory -> pass or fail, with named reasons.

A function of the directory alone: it can run again later on a job's saved
artifacts. Absent evidence is a failure with the name of what is absent.
"""

from collections.abc import Callable
from pathlib import Path

from ironic_sideways import exceptions
from ironic_sideways.report import checks, maintenance, window
from ironic_sideways.report.findings import Finding, broken

SUBJECTS: dict[str, Callable[[Path], Finding]] = {
    "window": window.check_phases,
    "maintenance": maintenance.check_maintenance,
    "migration": checks.check_migration,
    "take-over": checks.check_takeover,
    "resources": checks.check_resources,
    "survival": checks.check_survival,
    "heartbeats": window.check_heartbeats,
    "leases": window.check_leases,
    "BMCs": window.check_bmc,
    "operations": checks.check_operations,
    "proxy": checks.check_proxy,
    "tempest": checks.check_tempest,
}


def verdict(directory: Path, without: tuple[str, ...] = ()) -> list[Finding]:
    """One finding a subject; evidence that is absent or malformed is a failure.

    :param without: subjects that the run was told to leave out.
    """
    return [
        judge(name, check, directory)
        for name, check in SUBJECTS.items()
        if name not in without
    ]


def judge(name: str, check: Callable[[Path], Finding], directory: Path) -> Finding:
    """The finding of ``check``; its evidence's faults are findings as well."""
    try:
        return check(directory)
    except exceptions.SidewaysError as error:
        return broken(name, str(error))
    except FileNotFoundError as error:
        return broken(name, f"evidence {error.filename}: absent")
    except KeyError as error:
        return broken(name, f"evidence is malformed: it lacks {error}")
    except (AttributeError, TypeError, ValueError) as error:
        text = f"evidence is malformed: {type(error).__name__} {error}"
        return broken(name, text)
