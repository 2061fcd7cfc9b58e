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

"""The upgrade guide, followed command by command on a lab with real machines.

Each command of the page is given on the lab, in the page's order and nothing else, up
to the end of maintenance; then those of the page on backing out; then the window's once
more, with a canary as the page has it, and with its end. Each must print what its page
says; afterwards the instances must have survived. The lab has one host: ``systemctl``
and ``scp`` are functions here, and the paths of the pages' hosts are the lab's.

    UPDATE_PAGES=1 tox -e py3 -- ironic_sideways/tests/guide

writes what is printed now into the pages, to be read before it is committed.
"""

import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ironic_sideways.lab import databases
from ironic_sideways.lab.layout import Layout
from ironic_sideways.tests import console_page
from ironic_sideways.tests.console_page import Command

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a lab needs root")

REPOSITORY = Path(__file__).parents[3]
GUIDE = REPOSITORY / "doc/source/admin/upgrade.rst"
WAY_BACK = REPOSITORY / "doc/source/admin/back-out.rst"
#: The sections of the guide between which there is a way back by the other page.
BEGIN = "\n3. Begin the maintenance period\n"
END = "\n12. End the maintenance period\n"
CANARY = "\nA canary\n--------\n"
NUMBER = 95
#: Four have instances, one is free.
NODES = 5
#: Seconds; about five times what the pages' commands take on two idle cores.
PAGE_TIMEOUT = 1500
STEP_TIMEOUT = 900

NETBOOT = "/var/lib/ironic/netboot"
#: The page's UUID of a canary: the free node.
FREE = (
    'mariadb --skip-column-names nova_bm --execute "SELECT uuid FROM bm_nodes WHERE '
    'deleted = 0 AND instance_uuid IS NULL LIMIT 1"'
)
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
REPLACED = [
    (UUID, "UUID"),
    (r"\b[0-9a-f]{32}\b", "PROJECT"),
    (r"\b\d+\.\d+ s\b", "0.1 s"),
    (r"\b\d+(\.\d+)? MiB\b", "110 MiB"),
    (r"sha512 [0-9a-f]+", "sha512 DIGEST"),
    # Which node it is, Nova's scheduler chose.
    (r"\brow \d+,", "row 2,"),
    (r"\b52:54:(0\d):5f:00:0\d\b", r"52:54:\1:5f:00:01"),
    (r"\b\d{4}-\d\d-\d\d[T ]{1,2}\d{1,2}:[0-9:.]+(\+00:00|Z)?", "2026-11-22 03:00:00"),
]

PRELUDE = """
systemctl() {
    case "$1 $2" in
        "enable --now") ironic-sideways lab service start "${@:3}" >/dev/null ;;
        "disable --now") ironic-sideways lab service stop "${@:3}" >/dev/null ;;
        *) ironic-sideways lab service "$@" >/dev/null ;;
    esac
}

# All hosts are one, and the home directory of each is the desk's.
scp() {
    local word words=() to from
    for word in "$@"; do
        [[ $word == -* ]] || words+=("${word#*:}")
    done
    to=${words[-1]:-.}
    for from in "${words[@]:0:${#words[@]}-1}"; do
        if [[ -d $to ]]; then
            [[ $from -ef $to/${from##*/} ]] || cp -rp "$from" "$to"
        else
            cp -p "$from" "$to"
        fi
    done
}
"""


def run(layout: Layout, *command: str | Path) -> None:
    """Run what is not the page's but the lab's; a failure shows all its output."""
    done = subprocess.run(
        [str(word) for word in command],
        env=environment(layout),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=STEP_TIMEOUT,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}"


def environment(layout: Layout) -> dict[str, str]:
    """That of a shell on the desk, 100 columns wide."""
    # uv and pip are where prepare_host.sh put them.
    programs = [Path(sys.executable).parent, REPOSITORY / ".venv/bin"]
    return {
        **os.environ,
        "PATH": ":".join([*map(str, programs), os.environ["PATH"]]),
        "COLUMNS": "100",
        "IRONIC_SIDEWAYS_LAB": str(layout.directory),
        "OS_CLIENT_CONFIG_FILE": str(layout.etc / "clouds.yaml"),
        # Where the lab's my.cnf is, below.
        "MYSQL_HOME": str(layout.run),
        "no_proxy": "127.0.0.1",
    }


@pytest.fixture
def layout() -> Iterator[Layout]:
    """The base cloud, with instances on its machines, and Ironic installed."""
    with tempfile.TemporaryDirectory(prefix="isw-") as directory:
        layout = Layout(Path(directory, "lab"), NUMBER)
        lab = ("ironic-sideways", "lab")
        where = ("--directory", layout.directory)
        run(
            layout,
            *(*lab, "up", *where, "--cache", REPOSITORY / ".cache"),
            *("--number", str(NUMBER), "--nodes", str(NODES)),
        )
        try:
            run(
                layout,
                *("env", "OS_CLOUD=admin", REPOSITORY / "tools/fake_deploy_images.sh"),
            )
            run(layout, REPOSITORY / "grenade/resources", "create")
            run(layout, *lab, "install-ironic", *where)
            yield layout
        finally:
            run(layout, *lab, "down", *where)


@pytest.fixture
def desk(layout: Layout, tmp_path: Path) -> Path:
    """Where the operator stands: URL files, copies of configuration files, a clone."""
    for name in ("nova_bm", "ironic"):
        shutil.copy(layout.database_url_file(name), tmp_path / f"{name}.url")
    shutil.copy(layout.etc / "nova-compute/nova.conf", tmp_path / "compute-1.nova.conf")
    (tmp_path / "ironic.conf").symlink_to(layout.etc / "ironic/ironic.conf")
    (layout.run / "my.cnf").write_text(f"[client]\nsocket={layout.database_socket}\n")
    (tmp_path / "tftpboot").symlink_to(layout.tftp_boot)
    (tmp_path / "tools").symlink_to(REPOSITORY / "tools")
    return tmp_path


def places(layout: Layout) -> dict[str, list[tuple[str, str]]]:
    """The page's paths and names on each host, and what they are in the lab."""
    etc, logs = str(layout.etc), str(layout.logs)
    everywhere = [
        (NETBOOT, f"{layout.data}/netboot"),
        ("/var/lib/ironic/httpboot", str(layout.http_boot)),
        ("/var/lib/ironic/", f"{layout.data}/"),
        ("/etc/ironic/", f"{etc}/ironic/"),
        ("/var/log/ironic/", f"{logs}/"),
        ("/var/log/nova/", f"{logs}/"),
        ("--compute-host compute-1", f"--compute-host {layout.compute_host}"),
        ("--service-host compute-1", f"--service-host {layout.compute_host}"),
        ("--node UUID", f"--node $({FREE})"),
    ]
    return {
        "desk": everywhere,
        "conductor": everywhere,
        "database": everywhere,
        "controller": [("/etc/nova/", f"{etc}/nova/"), *everywhere],
        "neutron": [("/etc/neutron/", f"{etc}/neutron/"), *everywhere],
        "compute-1": [("/etc/nova/", f"{etc}/nova-compute/"), *everywhere],
    }


def in_the_lab(layout: Layout, one: Command) -> Command:
    text = one.text
    for told, here in places(layout)[one.host]:
        text = text.replace(told, here)
    return dataclasses.replace(one, text=text)


def replacer(layout: Layout, desk: Path) -> Callable[[str], str]:
    """What the lab's names and what differs from run to run are on the pages."""
    back = [
        (here, there)
        for pairs in places(layout).values()
        for there, here in pairs
        if here.startswith("/")
    ]
    return console_page.replacer(
        [
            (str(layout.tftp_boot), "tftpboot"),
            *back,
            (f"{desk}/", ""),
            (layout.compute_host, "compute-1"),
            *REPLACED,
        ]
    )


def notes_once(lines: list[str]) -> list[str]:
    """Without the notes that were told of another node already, with what they wrap."""
    blocks: list[list[str]] = []
    for line in lines:
        if blocks and blocks[-1][0].startswith("note: ") and line.startswith("    "):
            blocks[-1].append(line)
        else:
            blocks.append([line])
    kept = [
        block
        for number, block in enumerate(blocks)
        if not block[0].startswith("note: ") or block not in blocks[:number]
    ]
    return [line for block in kept for line in block]


def with_canary(window: list[Command], canary: list[Command]) -> list[Command]:
    """The window's commands with its load in two parts, the second beside Ironic."""
    (load,) = (n for n, one in enumerate(window) if "migrate run" in one.text)
    (start,) = (n for n, one in enumerate(window) if "--now ironic-cond" in one.text)
    first, *rest = canary
    between = [one for one in window[load + 1 : start] if "verify" not in one.text]
    return [*window[:load], first, *between, window[start], *rest, *window[start + 1 :]]


def differences(told: Command, printed: list[str]) -> Iterator[str]:
    """A command that does not print what its page says, as a person compares it."""
    if told.output != printed:
        yield "\n".join(
            [
                told.prompt + told.text,
                *(f"  page:    {line}" for line in told.output),
                *(f"  printed: {line}" for line in printed),
            ]
        )


def test_the_guide_moves_a_cloud_back_and_there_again(
    layout: Layout, desk: Path
) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    before, window = guide.split(BEGIN)
    window, end = window.split(END)
    last, canary = (console_page.parse(part) for part in end.split(CANARY))
    there = console_page.parse(before) + console_page.parse(window)
    back = console_page.read(WAY_BACK)
    again = with_canary(console_page.parse(window), canary) + last
    assert len(console_page.parse(window)) > 25 and len(back) > 14
    told = there + back + again
    replace = replacer(layout, desk)
    printed = [
        notes_once([replace(line) for line in lines])
        for lines in console_page.execute(
            [in_the_lab(layout, one) for one in told],
            desk,
            environment(layout),
            PRELUDE,
            PAGE_TIMEOUT,
            must_succeed=True,
        )
    ]

    if os.environ.get("UPDATE_PAGES"):
        said = {id(one): lines for one, lines in zip(told, printed, strict=True)}
        console_page.rewrite(GUIDE, [said[id(one)] for one in there + last + canary])
        console_page.rewrite(WAY_BACK, printed[len(there) :][: len(back)])
    else:
        wrong = [
            difference
            for one, lines in zip(told, printed, strict=True)
            for difference in differences(one, lines)
        ]
        assert not wrong, "\n".join(wrong)
    run(layout, REPOSITORY / "grenade/resources", "verify", "post-upgrade")
    assert databases.tables(layout, "nova_bm")
