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

"""A whole lab on this host: up, used, hurt, repaired, down, and nothing left.

Needs root, and what bindep.txt lists under lab. About a minute with cached
databases.
"""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from ironic_sideways import waits
from ironic_sideways.lab import cloud, databases, processes, service_table
from ironic_sideways.lab.layout import Layout
from ironic_sideways.lab.programs import BINARIES
from ironic_sideways.lab.supervision import Supervisor
from ironic_sideways.tests import security_page
from ironic_sideways.tests.functional import local_user
from ironic_sideways.tests.functional.lab.running import (
    CACHE,
    NODES,
    NUMBER,
    UP,
    caller,
    command,
    host_now,
    up,
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a lab needs root")


def left_on_host(layout: Layout) -> list[str]:
    """What a lab makes outside its directory, looked for without its own code."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    namespaces = Path("/run/netns")
    found = [
        f"process {one.pid} {one.info['cmdline']}"
        for one in psutil.process_iter(["cmdline", "cwd"])
        if one.pid != os.getpid()
        and (
            any(str(layout.directory) in word for word in one.info["cmdline"] or [])
            or one.info["cwd"] == str(layout.directory)
        )
    ]
    found += [line for line in mounts if str(layout.directory) in line]
    found += [str(path) for path in Path("/sys/class/net").glob(layout.bridge)]
    if namespaces.exists():
        found += [str(path) for path in namespaces.glob(f"*{layout.bridge}*")]
    return found


def pids(layout: Layout) -> dict[str, int]:
    return {name: one.pid for name, one in Supervisor(layout).states().items()}


def test_status_says_that_all_is_right(lab: Layout) -> None:
    done = command(lab, "status")

    assert done.returncode == 0, done.stdout
    assert "nova-compute" in done.stdout


@pytest.mark.parametrize("user", ["admin", "demo"])
def test_a_person_uses_the_cloud(lab: Layout, user: str) -> None:
    connection = cloud.connect(lab, user)

    assert [one.name for one in connection.network.networks()] == [cloud.NETWORK]
    assert list(connection.compute.servers()) == []


def test_everything_listens_on_loopback_or_on_the_labs_bridge(lab: Layout) -> None:
    ours = {one.pid for one in processes.of_lab(lab.directory)}
    places = {
        one.laddr.ip
        for one in psutil.net_connections("inet")
        if one.pid in ours and one.laddr and not one.raddr
    }
    bridge = {one.address for one in psutil.net_if_addrs()[lab.bridge]}
    # DHCP is received from machines without an address: dnsmasq's socket is bound
    # to the bridge instead.
    strangers = {
        place
        for place in places - bridge - {"::1", "0.0.0.0"}  # noqa: S104
        if not place.startswith("127.")
    }
    anywhere = {
        one.laddr.port
        for one in psutil.net_connections("inet")
        if one.pid in ours and one.laddr and one.laddr.ip == "0.0.0.0"  # noqa: S104
    }

    assert strangers == set()
    assert anywhere <= {67}


def test_s10_listeners_and_files_are_as_the_page_on_security_says(lab: Layout) -> None:
    page = security_page.told(security_page.PAGE.read_text())
    ours = {one.pid for one in processes.of_lab(lab.directory)}
    names = {lab.port(name): name for name in service_table.listeners()}
    found: dict[str, set[str]] = {}
    for one in psutil.net_connections("tcp"):
        # dnsmasq's DHCP and TFTP are UDP; its DNS is off.
        if one.pid in ours and one.status == psutil.CONN_LISTEN:
            name = names.get(one.laddr.port, f"port {one.laddr.port}")
            ip = one.laddr.ip
            found.setdefault(name, set()).add(
                "bridge" if ip == str(lab.gateway) else ip
            )
    datagrams = {
        (one.laddr.port, one.laddr.ip)
        for one in psutil.net_connections("udp")
        if one.pid in ours and one.laddr
    }
    bmcs = {ip for port, ip in datagrams if port == 623}
    assert len(bmcs) == NODES and all(ip.startswith("127.") for ip in bmcs)
    # Over IPv4 and IPv6, as machines boot over both.
    found_at = psutil.net_if_addrs()[lab.bridge]
    bridge = {one.address.partition("%")[0] for one in found_at}
    tftp = {ip.partition("%")[0] for port, ip in datagrams if port == 69}
    assert str(lab.gateway) in tftp and tftp <= bridge
    up = frozenset(service_table.listeners("infrastructure", "hardware", "api", "bus"))
    listeners = {name: frozenset(where) for name, where in found.items()}
    assert security_page.listener_faults(page, listeners, up) == []
    assert security_page.file_faults(page, lab.directory) == []


def test_no_secret_is_in_a_process_list(lab: Layout) -> None:
    secrets = json.loads(lab.secrets.read_text()).values()
    words = [
        word
        for one in psutil.process_iter(["cmdline"])
        for word in one.info["cmdline"] or []
    ]

    assert [word for word in words if any(one in word for one in secrets)] == []


def test_up_again_changes_nothing(lab: Layout) -> None:
    before = pids(lab)
    done = up(lab)

    assert done.returncode == 0, done.stdout + done.stderr
    assert pids(lab) == before


def test_up_with_other_values_is_refused(lab: Layout) -> None:
    done = command(lab, "up", "--nodes", str(NODES + 1))

    assert done.returncode == 1
    assert "nodes 2, asked for 3" in done.stderr


def test_a_second_lab_of_the_same_number_is_refused_and_leaves_nothing(
    lab: Layout,
) -> None:
    other = Layout(lab.directory.parent / "other", NUMBER)
    done = up(other)

    assert done.returncode == 1
    assert "taken by" in done.stderr
    assert not other.directory.exists()


def test_a_killed_service_is_seen_and_repaired(lab: Layout) -> None:
    before = pids(lab)
    os.kill(before["glance"], signal.SIGKILL)
    waits.wait_for(
        lambda: command(lab, "status").returncode,
        lambda seen: seen == 1,
        "status to see that glance is gone",
        timeout=60,
    )
    done = up(lab)

    assert done.returncode == 0, done.stdout + done.stderr
    assert {name for name, pid in pids(lab).items() if before[name] != pid} == {
        "glance"
    }
    assert command(lab, "status").returncode == 0


def test_a_service_stopped_on_purpose_stays_stopped(lab: Layout) -> None:
    command(lab, "service", "stop", "neutron")
    done = up(lab)
    stopped = pids(lab)["neutron"] == 0
    command(lab, "service", "start", "neutron")

    assert done.returncode == 0, done.stdout + done.stderr
    assert stopped
    assert pids(lab)["neutron"]


def test_j7_ironics_database_is_made_anew_unless_a_row_would_be_lost(
    lab: Layout,
) -> None:
    assert command(lab, "install-ironic").returncode == 0
    assert command(lab, "create-ironic-database").returncode == 0
    assert command(lab, "create-ironic-database").returncode == 0

    with databases.connect(lab) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO ironic.nodes (uuid) VALUES ('1')")
        refused = command(lab, "create-ironic-database")
        cursor.execute("DELETE FROM ironic.nodes")

    assert refused.returncode == 1
    assert "found some in nodes" in refused.stderr


def test_ironic_starts_beside_the_base(lab: Layout) -> None:
    done = command(lab, "service", "start", "ironic-conductor", "ironic-api")

    assert done.returncode == 0, done.stderr
    assert list(cloud.connect(lab, "system").baremetal.nodes()) == []
    assert "in use by" in command(lab, "create-ironic-database").stderr


def test_another_user_reaches_ironic_by_its_api_alone(lab: Layout) -> None:
    conductor = psutil.Process(pids(lab)["ironic-conductor"])
    family = [conductor, *conductor.children(recursive=True)]

    assert local_user.listeners(one.pid for one in family) == []
    url = f"{lab.url('ironic')}/v1/nodes"
    assert local_user.as_nobody(local_user.status, url) == 401


def test_down_leaves_logs_and_evidence_and_nothing_else(lab: Layout) -> None:
    (lab.evidence / "kept").write_text("x")
    # What no supervisor can end in good order any more.
    os.kill(Supervisor(lab).states()["nova-scheduler"].pid, signal.SIGSTOP)
    done = command(lab, "down")

    assert done.returncode == 0, done.stdout + done.stderr
    assert left_on_host(lab) == []
    assert (lab.evidence / "kept").exists()
    assert (lab.logs / "nova-api.log").exists()
    assert {path.name for path in lab.directory.iterdir()} == {
        "evidence",
        "logs",
        "lock",
    }


def test_down_finds_what_a_killed_supervisor_left(lab: Layout) -> None:
    done = up(lab)
    assert done.returncode == 0, done.stdout + done.stderr
    supervisor = [
        one
        for one in processes.of_lab(lab.directory)
        if "supervisor.supervisord" in one.cmdline()
    ]
    supervisor[0].kill()
    done = command(lab, "down")

    assert done.returncode == 0, done.stdout + done.stderr
    assert left_on_host(lab) == []


def test_an_interrupted_up_leaves_nothing(lab: Layout) -> None:
    assert command(lab, "down").returncode == 0
    # To set them aside would be a change, and exit code 3.
    for left in (lab.logs, lab.evidence):
        shutil.rmtree(left)
    words = [str(BINARIES / "ironic-sideways"), "lab", "up", *UP, "--cache", CACHE]
    process = subprocess.Popen(
        [*words, "--directory", str(lab.directory)],
        stdout=subprocess.PIPE,
        text=True,
        env=caller(lab),
        # What runs in a shell's background was told to ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "mariadb ready" in line:
            process.send_signal(signal.SIGINT)
            break
    process.communicate(timeout=120)

    assert process.returncode == 130
    assert left_on_host(lab) == []


def test_the_host_is_as_it_was_before_its_first_lab(
    lab: Layout, before: dict[str, set[str]]
) -> None:
    assert command(lab, "down").returncode == 0
    now = host_now(lab)

    changed = {kind: sorted(before[kind] ^ now[kind]) for kind in before}
    assert {kind: found for kind, found in changed.items() if found} == {}
