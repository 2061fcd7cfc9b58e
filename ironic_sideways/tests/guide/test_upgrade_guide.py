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
says; afterwards the instances must have survived, and the configuration files of two
controllers and two compute hosts (hosts.py) must be what the page says. What is moved
are rows that the real Nova 2014.2.4 wrote (real_rows.py).

    UPDATE_PAGES=1 tox -e py3 -- ironic_sideways/tests/guide

writes what is printed now into the pages, to be read before it is committed.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ironic_sideways.lab import databases
from ironic_sideways.lab.layout import Layout
from ironic_sideways.report import schemas
from ironic_sideways.tests import console_page
from ironic_sideways.tests.console_page import Command
from ironic_sideways.tests.guide import hosts, real_rows

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a lab needs root")

REPOSITORY = Path(__file__).parents[3]
GUIDE = REPOSITORY / "doc/source/admin/upgrade.rst"
WAY_BACK = REPOSITORY / "doc/source/admin/back-out.rst"
#: The sections of the guide between which there is a way back by the other page.
BEGIN = "\n3. Begin the maintenance period\n"
END = "\n12. End the maintenance period\n"
CANARY = "\nA canary\n--------\n"
#: What the pages have the operator record of the cloud.
LOOKS = ("before.json", "after.json", "base-before.json", "base-after.json")
NUMBER = 95
#: Seconds; about five times what the pages' commands take on two idle cores.
PAGE_TIMEOUT = 1500
STEP_TIMEOUT = 900

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
REPLACED = [
    (UUID, "UUID"),
    (r"\b[0-9a-f]{32}\b", "PROJECT"),
    (r"\bin \d+\.\d+ s\b", "in 0.1 s"),
    (r"\b\d+(\.\d+)? MiB\b", "110 MiB"),
    (r"sha512 [0-9a-f]+", "sha512 DIGEST"),
    (r"\b\d{4}-\d\d-\d\d[T ]{1,2}\d{1,2}:[0-9:.]+(\+00:00|Z)?", "2026-11-22 03:00:00"),
]

SERVICE_LOGS = REPOSITORY / ".lab-tests/logs/upgrade-guide"


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
        "HOSTS": str(hosts.root(layout)),
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
        layout = Layout(Path(directory, "lab"), NUMBER, len(hosts.COMPUTE))
        lab = ("ironic-sideways", "lab")
        where = ("--directory", layout.directory)
        real_rows.plan_machines(layout)
        run(
            layout,
            *(*lab, "up", *where, "--cache", REPOSITORY / ".cache"),
            *("--number", str(NUMBER), "--nodes", str(len(real_rows.MACHINES))),
            *("--compute-hosts", str(layout.compute_hosts)),
        )
        try:
            run(
                layout,
                *("env", "OS_CLOUD=admin", REPOSITORY / "tools/fake_deploy_images.sh"),
            )
            real_rows.fit_flavor(layout)
            run(layout, REPOSITORY / "grenade/resources", "create")
            run(layout, *lab, "service", "stop", *layout.compute_services)
            run(layout, sys.executable, *real_rows.bring_in(layout))
            run(layout, *lab, "install-ironic", *where)
            run(layout, *lab, "service", "start", *layout.compute_services)
            hosts.make(layout)
            yield layout
        finally:
            run(layout, *lab, "down", *where)
            # What its services said, for who looks why the test failed.
            shutil.copytree(layout.logs, SERVICE_LOGS, dirs_exist_ok=True)


@pytest.fixture
def desk(layout: Layout, tmp_path: Path) -> Path:
    """Where the operator stands: URL files, a copy of ironic.conf, a clone."""
    for name in ("nova_bm", "ironic"):
        shutil.copy(layout.database_url_file(name), tmp_path / f"{name}.url")
    (tmp_path / "ironic.conf").symlink_to(layout.etc / "ironic/ironic.conf")
    (layout.run / "my.cnf").write_text(f"[client]\nsocket={layout.database_socket}\n")
    (tmp_path / "tools").symlink_to(REPOSITORY / "tools")
    # Lines fold by the length of a path.
    hosts.copies(layout).mkdir()
    (tmp_path / "tftpboot").symlink_to(hosts.copies(layout))
    return tmp_path


def replacer(layout: Layout, desk: Path) -> Callable[[str], str]:
    """What the lab's names and what differs from run to run are on the pages."""
    return console_page.replacer([*hosts.back(layout), (f"{desk}/", ""), *REPLACED])


def notes_once(lines: list[str]) -> list[str]:
    """Without notes of a kind that was told of another node, with what they wrap.

    Ports come in the order of what is said of them: that of their ids differs.
    """
    ports = iter(sorted(line for line in lines if line.startswith("port ")))
    lines = [next(ports) if line.startswith("port ") else line for line in lines]
    blocks: list[list[str]] = []
    for line in lines:
        if blocks and blocks[-1][0].startswith("note: ") and line.startswith("    "):
            blocks[-1].append(line)
        else:
            blocks.append([line])
    kinds = [
        re.sub(r"row \d+|compute-\d|52:54[:\w]+", "", " ".join(" ".join(block).split()))
        for block in blocks
    ]
    kept = [
        block
        for number, block in enumerate(blocks)
        if not block[0].startswith("note: ") or kinds[number] not in kinds[:number]
    ]
    return [line for block in kept for line in block]


def with_canary(window: list[Command], canary: list[Command]) -> list[Command]:
    """The window's commands with its load in two parts, the second beside Ironic."""
    (load,) = (n for n, one in enumerate(window) if "migrate run" in one.text)
    (start,) = (n for n, one in enumerate(window) if "--now ironic-cond" in one.text)
    first, *rest = canary
    between = [one for one in window[load + 1 : start] if "verify" not in one.text]
    return [*window[:load], first, *between, window[start], *rest, *window[start + 1 :]]


def differences(
    told: Command, expected: list[str], printed: list[str]
) -> Iterator[str]:
    """A command that does not print what its page says, as a person compares it."""
    if expected != printed:
        yield "\n".join(
            [
                told.prompt + told.text,
                *(f"  page:    {line}" for line in expected),
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
    told = [hosts.keep("before"), *there, hosts.keep("there")]
    told += [*back, hosts.keep("back"), *again, hosts.keep("again")]
    given = list(hosts.given(layout, told))
    replace = replacer(layout, desk)
    printed = [
        notes_once([replace(line) for line in lines])
        for lines in console_page.execute(
            [command for _, command in given],
            desk,
            environment(layout),
            hosts.PRELUDE,
            PAGE_TIMEOUT,
            must_succeed=True,
        )
    ]

    expected = {id(one): one.output for one in told}
    if os.environ.get("UPDATE_PAGES"):
        expected = {
            id(one): lines for (one, _), lines in zip(given, printed, strict=True)
        }
        rewritten = there + last + canary
        console_page.rewrite(GUIDE, [expected[id(one)] for one in rewritten])
        console_page.rewrite(WAY_BACK, [expected[id(one)] for one in back])
    wrong = [
        difference
        for (one, _), lines in zip(given, printed, strict=True)
        for difference in differences(one, expected[id(one)], lines)
    ]
    assert not wrong, "\n".join(wrong)

    hosts.check(layout, "there", there, *hosts.POLICIES)
    hosts.check_as_before(layout, "back")
    for file in LOOKS:
        (schema,) = (one for one in schemas.every() if file in one.files)
        assert not [*schemas.faults(schema, desk / file)]
    hosts.check(layout, "again", again)
    run(layout, REPOSITORY / "grenade/resources", "verify", "post-upgrade")
    assert databases.tables(layout, "nova_bm")
