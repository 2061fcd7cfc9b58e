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

"""The operator's page: each command in it is run, and prints what the page says.

    UPDATE_PAGES=1 tox -e functional -- ironic_sideways/tests/functional/docs

writes what is printed now into the page, to be read before it is committed.
"""

import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.tests import (
    console_page,
    fake_cloud,
    http_server,
    rows,
)
from ironic_sideways.tests.functional import conftest
from ironic_sideways.tests.placement_service import (
    Service,
    placement_service,  # noqa: F401
)

PAGE = Path(__file__).parents[4] / "doc/source/admin/migrate.rst"

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
#: What differs from run to run. The rows' own uuids, which rows.py chose, stay.
REPLACED = [
    (rf"\b(?!0d0000|150000|f10000){_UUID}", "RUN-ID"),
    (r"tester:\*\*\*@127\.0\.0\.1:\d+/t\d+", "nova_bm:***@db.example.org/nova_bm"),
    (r"tester:\*\*\*@127\.0\.0\.1:\d+/ironic", "ironic:***@db.example.org/ironic"),
    (
        r"--host=127\.0\.0\.1 --port=\d+ --user=tester --password t\d+",
        "--host=db.example.org --user=operator --password nova_bm",
    ),
    (r"\bin \d+\.\d+ s\b", "in 0.1 s"),
    (r"\b[0-9a-f]{64}\b", "SHA-256"),
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:[0-9:.]+(\+00:00|Z)?", "2026-11-22 03:00:00"),
]
NODES = (1, 2, 3)
#: Where the page keeps net-booted instances' images; the test has no such place.
IMAGES = "/var/lib/ironic/netboot"
USED = (1, 2)
INVENTORY = {"VCPU": 4, "MEMORY_MB": 8192, "DISK_GB": 100}


@pytest.fixture
def desk(
    clouds: conftest.Clouds,
    placement_service: Service,  # noqa: F811
) -> Iterator[Path]:
    """Where the operator stands: files with the databases' URLs, a clouds.yaml."""
    rows.insert(
        clouds.nova_bm,
        rows.used_node(1),
        rows.plugged(1),
        rows.used_node(2, pxe_config_path=f"/tftpboot/{rows.instance_uuid(2)}/config"),
        rows.plugged(2),
        rows.free_node(3),
        rows.interface(3),
        rows.free_node(4, deleted=None),
        rows.free_node(5, deleted=1),
        # As Nova's migration 006 left it.
        rows.interface(5, deleted=None, address=None),
    )
    # Lines fold by the length of a path: it is the same in each run.
    clouds.directory = Path(tempfile.mkdtemp(prefix="desk-", dir="/tmp"))
    clouds.source_words()
    clouds.target_words()
    write_netboot(clouds.directory, rows.instance_uuid(2))
    fill(placement_service)

    def as_service(environ: Any, start: Any) -> Any:
        """Placement, asked with the roles that its reshape needs."""
        environ["HTTP_X_ROLES"] = "admin,service"
        return placement_service.application(environ, start)

    with (
        http_server.serve(nova_and_glance()) as url,
        http_server.serve(as_service) as placement_url,
    ):
        fake_cloud.clouds_yaml(clouds.directory, url, placement_url)
        yield clouds.directory
    shutil.rmtree(clouds.directory)


def write_netboot(directory: Path, instance: str) -> None:
    """A TFTP root with one instance, its nova.conf, and an ironic.conf."""
    below = directory / "tftpboot" / instance
    below.mkdir(parents=True)
    for name in ("kernel", "ramdisk"):
        (below / name).write_text(f"the {name}\n")
    (below / "config").write_text(
        "default boot\n\nlabel boot\n"
        f"kernel /tftpboot/{instance}/kernel\n"
        f"append initrd=/tftpboot/{instance}/ramdisk root=UUID=4d66-11aa ro\n"
    )
    (directory / "nova.conf").write_text(
        "[DEFAULT]\nhost = compute-1\n"
        "[baremetal]\nflavor_extra_specs = cpu_arch:x86_64\n"
    )
    images = directory / "netboot"
    (directory / "ironic.conf").write_text(
        "[DEFAULT]\n"
        "enabled_hardware_types = ipmi\n"
        "enabled_deploy_interfaces = direct,ramdisk,netbooted\n"
        "enabled_vendor_interfaces = ipmitool,no-vendor\n"
        "enabled_network_interfaces = flat,noop\n"
        "[conductor]\n"
        f"file_url_allowed_paths = {images}\n"
    )


def fill(service: Service) -> None:
    """The providers and allocations that the base nova-compute reported."""
    for number in NODES:
        node = rows.node_uuid(number)
        service.adapter.post("/resource_providers", json={"uuid": node, "name": node})
        service.set_inventory(node, INVENTORY)
        if number in USED:
            service.hold(rows.instance_uuid(number), {node: INVENTORY})
            service.set_inventory(node, INVENTORY, reserved=True)


def nova_and_glance() -> fake_cloud.FakeCloud:
    """The flavors, deploy images and nodes of the page's cloud."""
    cloud = fake_cloud.FakeCloud(servers={rows.instance_uuid(one) for one in USED})
    cloud.add_flavor(
        "bm.large",
        specs={
            "cpu_arch": "x86_64",
            "baremetal:deploy_kernel_id": "old-deploy-kernel",
            "baremetal:deploy_ramdisk_id": "old-deploy-ramdisk",
        },
    )
    for name in ("ironic-deploy-kernel", "ironic-deploy-ramdisk"):
        cloud.add_image(name)
    for number in USED:
        cloud.add_port(
            rows.vif_uuid(number),
            rows.instance_uuid(number),
            **{"bootfile-name": "pxelinux.0", "tftp-server": "192.0.2.1"},
        )
        cloud.bind_port(rows.vif_uuid(number), "compute-1")
    for number in NODES:
        cloud.add_hypervisor(rows.node_uuid(number), "compute-1")
    return cloud


def environment() -> dict[str, str]:
    """That of an operator's shell, 100 columns wide."""
    programs = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "COLUMNS": "100",
        "OS_CLOUD": fake_cloud.CLOUD,
        "OS_CLIENT_CONFIG_FILE": "clouds.yaml",
    }


def test_the_migration_page_prints_what_its_commands_print(desk: Path) -> None:
    told = console_page.read(PAGE)
    assert len(told) > 15
    here = [
        dataclasses.replace(one, text=one.text.replace(IMAGES, f"{desk}/netboot"))
        for one in told
    ]
    replace = console_page.replacer(
        [(f"{desk}/netboot", IMAGES), (f"{desk}/", ""), *REPLACED]
    )
    printed = [
        [replace(line) for line in lines]
        for lines in console_page.execute(here, desk, environment())
    ]
    if os.environ.get("UPDATE_PAGES"):
        console_page.rewrite(PAGE, printed)
    else:
        assert [(one.text, one.output) for one in told] == [
            (one.text, lines) for one, lines in zip(told, printed, strict=True)
        ]
