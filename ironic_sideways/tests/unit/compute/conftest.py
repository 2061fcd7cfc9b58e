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

"""A host with nova_bm nodes: real Nova classes, a scripted ipmitool and Neutron."""

import functools
import os
import stat
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import oslo_messaging
import pytest
import sqlalchemy as sa
from nova import conf, context, objects, rpc
from nova.compute import manager as nova_manager
from nova.network import model as network_model
from nova.scheduler.client import report
from oslo_config import cfg

from ironic_sideways.compute import launcher
from ironic_sideways.compute.manager import ClusteredComputeManager
from ironic_sideways.nova_bm import schema
from ironic_sideways.tests.unit.compute import fakes

launcher.extend_driver_path()

# Only now is there a nova.virt.baremetal.
from nova.virt import baremetal  # noqa: E402
from nova.virt.baremetal import images, rows, vifs  # noqa: E402

HOST = "isw3"
STOCK = nova_manager.ComputeManager


@pytest.fixture(autouse=True)
def nova_conf(tmp_path: Path) -> Iterator[cfg.ConfigOpts]:
    """Nova's options at their defaults, its state below the test's directory."""
    objects.register_all()
    conf.CONF([], project="nova", default_config_files=[], default_config_dirs=[])
    conf.CONF.set_override("host", HOST)
    conf.CONF.set_override("state_path", str(tmp_path))
    conf.CONF.set_override("ipmi_power_retry", 1, "baremetal")
    yield conf.CONF
    conf.CONF.reset()
    conf.CONF.clear_override("host")
    conf.CONF.clear_override("state_path")


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    """An empty nova_bm."""
    made = sa.create_engine(f"sqlite:///{tmp_path}/nova_bm")
    with made.begin() as connection:
        schema.create(connection)
    return made


@pytest.fixture
def add_node(engine: sa.Engine) -> Callable[..., str]:
    """Add a row with one NIC; its uuid. Columns may be given by name."""

    def add(**columns: object) -> str:
        number = len(table(engine, schema.bm_nodes))
        values = {
            "uuid": str(uuid.uuid4()),
            "service_host": HOST,
            "deleted": False,
            "cpus": 2,
            "memory_mb": 512,
            "local_gb": 10,
            "pm_address": f"bmc-{number}",
            "pm_user": "admin",
            "pm_password": "hidden",
            **columns,
        }
        with engine.begin() as connection:
            key = connection.execute(schema.bm_nodes.insert().values(**values))
            connection.execute(
                schema.bm_interfaces.insert().values(
                    bm_node_id=key.inserted_primary_key[0],
                    address=f"52:54:00:03:00:{number:02x}",
                    deleted=False,
                )
            )
        return str(values["uuid"])

    return add


@pytest.fixture
def row(engine: sa.Engine) -> Callable[[str], sa.Row]:
    """Read a node's row as it is now."""

    def read(node_uuid: str) -> sa.Row:
        found = table(engine, schema.bm_nodes)
        return next(row for row in found if row.uuid == node_uuid)

    return read


@pytest.fixture
def vif_uuid(engine: sa.Engine, row: Callable) -> Callable[[str], str | None]:
    """Read which port a node's NIC carries."""

    def read(node_uuid: str) -> str | None:
        wanted = row(node_uuid).id
        found = table(engine, schema.bm_interfaces)
        return next(nic.vif_uuid for nic in found if nic.bm_node_id == wanted)

    return read


def table(engine: sa.Engine, of: sa.Table) -> list[sa.Row]:
    """All rows."""
    with engine.connect() as connection:
        return list(connection.execute(sa.select(of)))


@pytest.fixture
def host_rows(engine: sa.Engine) -> rows.Rows:
    """nova_bm as HOST sees it."""
    return rows.Rows(engine, HOST)


@pytest.fixture
def bmcs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> fakes.Bmcs:
    """BMCs behind a program named ipmitool."""
    program = tmp_path / "bin" / "ipmitool"
    program.parent.mkdir()
    program.write_text(fakes.IPMITOOL)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    state = tmp_path / "bmcs"
    state.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("BMCS", str(state))
    return fakes.Bmcs(state)


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> fakes.Neutron:
    """A Neutron that holds to ML2's rules for MAC addresses and bindings."""
    neutron = fakes.Neutron()
    monkeypatch.setattr(vifs.neutron, "get_client", lambda *_, **__: neutron)
    return neutron


@pytest.fixture
def glance(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Image id to status; both deploy images are active."""
    statuses = {"kernel-id": "active", "ramdisk-id": "active"}
    monkeypatch.setattr(images, "_status", lambda i: statuses.get(i, "no such image"))
    return statuses


@pytest.fixture
def driver(
    host_rows: rows.Rows,
    bmcs: fakes.Bmcs,
    ports: fakes.Neutron,
    glance: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> baremetal.BareMetalDriver:
    """The driver, as after init_host."""
    made = baremetal.BareMetalDriver(None)
    made._rows = host_rows
    made._extra_specs = {"cpu_arch": "x86_64"}
    made.refreshed = []
    monkeypatch.setattr(
        made._network_api,
        "get_instance_nw_info",
        lambda _context, instance: made.refreshed.append(instance.uuid),
    )
    return made


@pytest.fixture
def admin() -> context.RequestContext:
    """An administrator's context."""
    return context.get_admin_context()


@pytest.fixture
def calls() -> fakes.Calls:
    """What stand-ins were called with."""
    return fakes.Calls()


@pytest.fixture
def manager(
    monkeypatch: pytest.MonkeyPatch, nova_conf: cfg.ConfigOpts
) -> ClusteredComputeManager:
    """A real manager with a real report client that must not reach Placement."""
    bus = oslo_messaging.get_rpc_transport(nova_conf, "fake:/")
    monkeypatch.setattr(rpc, "TRANSPORT", bus)
    monkeypatch.setattr(rpc, "LEGACY_NOTIFIER", oslo_messaging.Notifier(bus))
    client = functools.partial(report.SchedulerReportClient, adapter=SimpleNamespace())
    monkeypatch.setattr(nova_manager.report, "SchedulerReportClient", client)
    return ClusteredComputeManager(
        compute_driver="baremetal.BareMetalDriver", host=HOST
    )


@pytest.fixture
def refreshes(monkeypatch: pytest.MonkeyPatch, calls: fakes.Calls) -> fakes.Calls:
    """Record the stock manager's refresh of a node."""
    monkeypatch.setattr(
        STOCK, "_update_available_resource_for_node", calls.note("refresh")
    )
    return calls


def make_instance(node_uuid: str, **extra_specs: str) -> objects.Instance:
    """An instance that Nova has placed on the node; its image holds a whole disk."""
    flavor = objects.Flavor(
        name="baremetal",
        vcpus=1,
        memory_mb=256,
        root_gb=2,
        ephemeral_gb=3,
        swap=0,
        extra_specs=extra_specs
        or {
            "baremetal:deploy_kernel_id": "kernel-id",
            "baremetal:deploy_ramdisk_id": "ramdisk-id",
        },
    )
    return objects.Instance(
        id=1,
        uuid=str(uuid.uuid4()),
        node=node_uuid,
        hostname="web",
        image_ref="image-id",
        kernel_id="",
        ramdisk_id="",
        system_metadata={"image_baremetal_boot": "disk"},
        flavor=flavor,
    )


def network_info(*port_ids: str) -> network_model.NetworkInfo:
    """What Nova hands to spawn for those ports."""
    return network_model.NetworkInfo([network_model.VIF(id=i) for i in port_ids])
