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

"""The house keeps its rules (house.py), and its guide says how large it is."""

import re

from ironic_sideways.tests.unit.house import (
    FLOORS,
    HOUSE,
    LOOSE,
    NAME,
    arrows,
    circle,
    forbidden,
    modules,
    only_passed_on,
    room,
    strange_rooms,
    untested,
    upward,
)

#: Public paths that only pass on what stands elsewhere.
PUBLIC = {f"{NAME}.compute.virt.baremetal"}


def test_every_room_has_its_floor() -> None:
    assert strange_rooms(HOUSE) == set()


def test_the_guide_tells_how_large_the_house_is() -> None:
    guide = HOUSE.parent / "doc/source/contributor/developer.rst"
    told = re.search(
        r"(\d+) rooms and (\d+) loose modules on (\d+) floors, about (\d+) files",
        guide.read_text(),
    )
    assert told
    *exact, about = map(int, told.groups())
    rooms = {room(name) for name in modules(HOUSE)} - LOOSE - {""}
    assert exact == [len(rooms), len(LOOSE), len(FLOORS)]
    assert abs(len(modules(HOUSE)) - about) < about / 10
    readme = (HOUSE.parent / "README.rst").read_text()
    assert f"  {len(rooms)} rooms of ``ironic_sideways/``" in readme


def test_no_room_imports_from_its_own_floor_or_a_higher_one() -> None:
    assert len(arrows(HOUSE)) > 100
    assert upward(HOUSE) == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle(HOUSE) == []


def test_what_travels_leaves_the_rest_at_home_and_the_report_only_reads() -> None:
    assert forbidden(HOUSE) == []


def test_no_module_but_a_public_one_only_passes_on() -> None:
    assert set(only_passed_on(HOUSE)) == PUBLIC


#: Modules with logic that have no unit test of their name, by the reason: the test
#: that tries them instead, or why none does.
ELSEWHERE: dict[str, tuple[str, ...]] = {
    "functional/cloud/test_allocations.py": ("cloud/allocations.py",),
    "functional/cmd/test_convert_allocations.py": ("cmd/convert_allocations.py",),
    "functional/cmd/test_prober.py": ("cmd/prober.py",),
    "functional/conductor/test_netbooted.py": ("conductor/netbooted.py",),
    "functional/compute/test_launcher.py": ("cmd/compute.py",),
    "functional/hardware/test_disks.py": ("hardware/disks.py",),
    "functional/lab/test_bridge.py": ("lab/bridge.py",),
    "functional/lab/test_supervision.py": ("lab/supervision.py",),
    "functional/lab/test_lab.py": (
        "lab/bare_metal.py",
        "lab/bring_up.py",
        "lab/checks.py",
        "lab/cloud.py",
        "lab/databases.py",
        "lab/nova_rpc.py",
        "lab/schemas.py",
    ),
    "functional/migrate/test_cases.py": (
        "migrate/bmc_rows.py",
        "migrate/fields.py",
        "migrate/plan.py",
        "migrate/target.py",
        "migrate/work.py",
    ),
    "functional/migrate/test_cli.py": (
        "migrate/arguments.py",
        "migrate/outcome.py",
    ),
    "functional/migrate/test_retire.py": ("migrate/retire.py",),
    "functional/migrate/test_rollback.py": ("migrate/rollback.py",),
    "functional/migrate/test_verify.py": ("migrate/verify.py",),
    "functional/nova_bm/test_reader.py": ("nova_bm/reader.py",),
    "functional/nova_bm/test_schema.py": ("nova_bm/schema.py",),
    "functional/nova_bm/test_seed_tool.py": ("nova_bm/seed.py",),
    "unit/proxy/test_middleware.py": ("proxy/__init__.py",),
    "unit/report/test_agreement.py": (
        "report/agreement/instances.py",
        "report/agreement/machines.py",
        "report/agreement/nodes.py",
        "report/agreement/phases.py",
    ),
    "unit/report/page/test_render.py": ("cmd/report.py",),
    "unit/report/test_verdict.py": ("cmd/verdict.py",),
    "reads options and connects, and hands on to a tested room": ("cmd/proxy.py",),
    "asks a keystone and a nova-api as a lab has them": (
        "trials/proxy/callers.py",
        "trials/proxy/check.py",
    ),
}


def test_each_module_with_logic_has_a_unit_test_of_its_name() -> None:
    excused = [path for paths in ELSEWHERE.values() for path in paths]
    assert sorted(untested(HOUSE)) == sorted(excused)


def test_the_tests_that_excuse_a_module_are_there() -> None:
    named = [reason for reason in ELSEWHERE if reason.endswith(".py")]
    assert [name for name in named if not (HOUSE / "tests" / name).exists()] == []
