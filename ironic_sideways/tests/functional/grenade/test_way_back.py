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

"""What grenade/upgrade-ironic --rollback takes back."""

import pytest

from ironic_sideways.tests.functional.grenade.late_window import Window


def test_the_second_host_finds_ironic_and_leaves_it_at_its_way_back(tmp_path):
    of_window = Window(tmp_path)
    of_window.environment["OTHERS"] = "nova-compute-2\n"
    increments = of_window.phases.parent / "increments"
    for host, name in (("one", "end-maintenance.done"), ("two", "start-ironic.begun")):
        (increments / host / "phases").mkdir(parents=True)
        (increments / host / "phases" / name).touch()
    for name in ("migrate", "scheduler"):
        (increments / f"two/phases/{name}.begun").touch()

    assert of_window.run("--service-host", "two", "--rollback") == 0

    assert not of_window.called("service stop")
    back = of_window.calls_file.read_text().splitlines()
    (rows,) = (call for call in back if " rollback " in call)
    assert rows.endswith("--service-host two")


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize(
    ("file", "begun", "command"),
    [
        (
            "migration.json",
            "start-ironic",
            "nova-bm-clear-dhcp-options --os-cloud admin --of-ironic --migration",
        ),
        (
            "port-bindings.json",
            "port-bindings",
            "nova-bm-bind-ports --os-cloud admin --undo",
        ),
    ],
    ids=["ironics-dhcp-options", "t11-bindings"],
)
def test_a_way_back_undoes_what_was_recorded(tmp_path, file, begun, command, recorded):
    of_window = Window(tmp_path)
    record = of_window.phases.parent / file
    if recorded:
        record.write_text("{}")
    (of_window.phases / f"{begun}.begun").touch()

    assert of_window.run("--rollback") == 0

    assert of_window.called(f"{command} {record}") is recorded


def test_a_way_back_leaves_nothing_of_ironics_for_a_node_to_boot_by(tmp_path):
    """A later instance of the base on that node would boot the one before it."""
    of_window = Window(tmp_path)
    root = tmp_path / "http"
    of_window.environment["HTTP_ROOT"] = str(root)
    node = "4b8cb597-ffc0-4814-85ac-866fd0e1f262"
    (root / node).mkdir(parents=True)
    (root / node / "config").write_text("#!ipxe")
    (root / "pxelinux.cfg").mkdir()
    links = ("pxelinux.cfg/52-54-00-14-00-05", "52:54:00:14:00:05.conf")
    for link in (*links, "grub.cfg-01-52-54-00-14-00-05"):
        (root / link).symlink_to(root / node / "config")
    for stays in ("boot.ipxe", "fallback.ipxe"):
        (root / stays).write_text("#!ipxe")
    (of_window.phases / "start-ironic.begun").touch()

    assert of_window.run("--rollback") == 0

    left = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    assert left == ["boot.ipxe", "fallback.ipxe", "pxelinux.cfg"]
