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

"""The order in which a lab comes up, and what waits for what."""

import concurrent.futures
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import get_args

from ironic_sideways.lab import (
    bare_metal,
    bridge,
    checks,
    cloud,
    configuration,
    databases,
    files,
    ironic,
    programs,
    rabbitmq,
    schemas,
    service_table,
    should_run,
)
from ironic_sideways.lab.console import Steps
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.record import LabRecord
from ironic_sideways.lab.supervision import Supervisor


class BringUp:
    """Brings one lab up, step by step; every step can be repeated."""

    def __init__(
        self, layout: Layout, record: LabRecord, cache: Path, steps: Steps
    ) -> None:
        self.layout = layout
        self.record = record
        self.cache = cache
        self.steps = steps
        self.supervisor = Supervisor(layout)
        self.should_run = should_run.load(layout)
        self.hardware: concurrent.futures.Future[None] | None = None

    def run(self) -> None:
        """Bring up what is down.

        :raises SidewaysError: a service died; shows the end of its log.
        :raises WaitExpired: a service runs but is not ready.
        """
        if self.record.hardware_only:
            should_run.save(self.layout, self.layout.names("hardware"))
            write_hardware_files(self.layout, self.record)
            needed = programs.hardware(self.layout, self.record.owner)
        else:
            write_files(self.layout, self.record)
            needed = programs.all_programs(self.layout)
        self.supervisor.write_configuration(needed)
        bridge.create(self.layout)
        self.steps.say(
            f"lab {self.record.number} in {self.layout.directory}, "
            f"bridge {self.layout.bridge}"
        )
        self.supervisor.start()
        if self.record.hardware_only:
            self._give_away()
            self._hardware()
            # Now with the BMCs' credentials.
            self._give_away()
            return
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            # In parallel with the control plane: both mostly wait.
            self.hardware = pool.submit(self._hardware)
            self._databases()
            self._identity()
            self._base_services()
            self.hardware.result()
        with self.steps.step("nova_bm seeded"):
            bare_metal.seed(self.layout)
        self._compute()
        self._start_and_wait(service_table.names("ironic"))

    def _start(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self.should_run:
                self.supervisor.start_program(name)

    def _wait(self, names: Iterable[str]) -> None:
        for name in names:
            if name in self.should_run:
                with self.steps.step(f"{name} ready"):
                    checks.wait_ready(self.supervisor, name)
            if self.hardware is not None and self.hardware.done():
                # If it failed, fail now, and wait for nothing else.
                self.hardware.result()

    def _start_and_wait(self, names: Sequence[str]) -> None:
        self._start(names)
        self._wait(names)

    def _databases(self) -> None:
        data = self.layout.data / "mariadb"
        if not data.exists():
            with self.steps.step("database schemas"):
                schemas.restore(self.cache, data)
        self._start_and_wait(("mariadb", "epmd"))
        databases.create_all(self.layout)

    def _hardware(self) -> None:
        planned = bare_metal.plan(self.layout, self.record.nodes)
        first, *others = self.layout.names("hardware")
        self._start((first, *others))
        self._wait((first,))
        with self.steps.step(f"{len(planned)} machines, each BMC answers ipmitool"):
            bare_metal.define(self.layout, planned, self.cache)
        self._wait(others)

    def _give_away(self) -> None:
        """Let the owner's services and commands use the hardware's directories."""
        # What root's libvirtd runs stays root's.
        kept = (self.layout.libvirt, self.layout.disks)
        files.give_away(self.layout.directory, self.record.owner, kept)

    def _identity(self) -> None:
        self._start(("rabbitmq", *service_table.names("api")))
        if not cloud.is_bootstrapped(self.layout):
            cloud.bootstrap(self.layout, self.supervisor.environment())
        self._wait(("keystone",))
        with self.steps.step("users, roles and catalogue"):
            connection = cloud.connect(self.layout)
            cloud.create_projects(connection, self.layout)
            for user in service_table.users("api", "bus"):
                cloud.register(connection, self.layout, user)

    def _base_services(self) -> None:
        self._wait(("rabbitmq",))
        self._start(service_table.names("bus"))
        self._wait(name for name in service_table.names("api") if name != "keystone")
        with self.steps.step(f"network {cloud.NETWORK}"):
            cloud.create_network(cloud.connect(self.layout), self.layout)
        self._wait(name for name in service_table.names("bus") if name != "nova-api")

    def _compute(self) -> None:
        # It counts the nodes of nova_bm when it starts: after the seeding.
        self._start(self.layout.compute_services)
        self._wait(("nova-api", *self.layout.compute_services))
        self._start_and_wait(service_table.names("on demand"))


def write_hardware_files(layout: Layout, record: LabRecord) -> None:
    """Make what the machines' services need; what is there stays."""
    for path in (layout.etc, layout.run, layout.data):
        files.make_private_directory(path)
    for path in (
        *(layout.logs, layout.evidence, layout.http_boot),
        *(layout.dhcp_hosts, layout.dhcp_options),
        layout.run / "nginx",
    ):
        path.mkdir(parents=True, exist_ok=True)
    configuration.write(layout, record, "hardware")
    bare_metal.prepare(layout)
    ironic.write_fallback_script(layout)


def write_files(layout: Layout, record: LabRecord) -> None:
    """Make the lab's directories and configuration; what is there stays."""
    write_hardware_files(layout, record)
    groups = set(get_args(service_table.Group)) - {"ironic"}
    configuration.write(layout, record, *groups)
    cloud.write_keystone_keys(layout)
    cloud.write_client_files(layout)
    rabbitmq.prepare(layout)
