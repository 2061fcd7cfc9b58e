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

"""What a host is beside its labs, looked for without the lab's own code."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import psutil

#: The kernel gives these ports away to whoever asks for any.
EPHEMERAL = 32768
#: Ports and devices of labs; another one may come and go meanwhile.
LABS = range(21000, 26000)
OF_LABS = re.compile(r"\b(isw|vnet)\d+\b")
#: What changes by itself: packets counted, and how long an address is valid.
COUNTERS = re.compile(
    r"\[\d+:\d+\]|packets \d+ bytes \d+|\S+_lft \d+sec|expires \d+sec"
)

FIREWALLS = (
    ("nft", "list", "ruleset"),
    ("iptables-save",),
    ("ip6tables-save",),
)


def snapshot(lab: Path, home: Path, scratch: Path) -> dict[str, set[str]]:
    """What is on this host, by kind; what starts at boot is among the files of /etc.

    :param lab: whose listeners count; those of others come and go.
    :param home: of the user who calls the lab's commands.
    :param scratch: their directory for temporary files.
    """
    routes = [
        line
        for family in ("-4", "-6")
        for line in _said("ip", family, "route", "show", "table", "all")
    ]
    return {
        "listeners": set(_listeners(lab)),
        "addresses": _others(_said("ip", "-oneline", "address", "show")),
        "routes": _others(routes),
        "mounts": set(Path("/proc/self/mounts").read_text().splitlines()),
        "firewall": {
            f"{words[0]}: {line}"
            for words in FIREWALLS
            if shutil.which(words[0])
            for line in _said(*words)
            if not line.startswith("#")
        },
        "/etc": {_told(path) for path in Path("/etc").rglob("*")},
        "/run": _names(Path("/run")) | _names(Path("/run/lock")),
        "/var": {str(path) for path in Path("/var").glob("*/*")},
        "root's home": _names(Path("~root").expanduser()),
        "home": {str(path) for path in home.rglob("*")},
        "scratch directory": {str(path) for path in scratch.rglob("*")},
    }


def _listeners(lab: Path) -> Iterable[str]:
    for one in psutil.net_connections("inet"):
        if one.raddr or not one.laddr or one.laddr.port >= EPHEMERAL:
            continue
        if one.laddr.port not in LABS and not _of_another_lab(one.pid, lab):
            yield f"{one.type.name} {one.laddr.ip}:{one.laddr.port}"


def _of_another_lab(pid: int | None, lab: Path) -> bool:
    """Each program of a lab has its directory in its environment."""
    if pid is None:
        return False
    try:
        directory = psutil.Process(pid).environ().get("IRONIC_SIDEWAYS_LAB", str(lab))
    except psutil.NoSuchProcess:
        # It listens no more.
        return True
    return directory != str(lab)


def _said(*words: str) -> list[str]:
    done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    return [COUNTERS.sub("", line).strip() for line in done.stdout.splitlines()]


def _others(lines: Iterable[str]) -> set[str]:
    return {line for line in lines if not OF_LABS.search(line)}


def _told(path: Path) -> str:
    state = path.lstat()
    target = path.readlink() if path.is_symlink() else ""
    return f"{path} {state.st_mode:o} {state.st_size} {state.st_mtime_ns} {target}"


def _names(directory: Path) -> set[str]:
    return {entry.path for entry in os.scandir(directory)}
