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

"""The hosts of the guide's pages, which are one host in the lab.

Each has a directory with its ``/etc`` and ``/var/log``; ``systemctl``, ``scp`` and
``rsync`` are functions. The second controller's files are its own, and no service reads
them; all others are the lab's.
"""

import configparser
import dataclasses
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from ironic_sideways.lab import databases
from ironic_sideways.lab.layout import Layout
from ironic_sideways.tests.console_page import Command

CONTROLLERS = ("control-1", "control-2")
COMPUTE = ("compute-1", "compute-2")
#: Of each prompt that stands for several: the hosts.
HOSTS = {"controller": CONTROLLERS, "neutron": CONTROLLERS, "compute": COMPUTE}
#: Given on one of them, as the guide says.
ON_ONE = "oslopolicy-policy-generator"
NOVA_CONF, PASTE = "nova/nova.conf", "nova/api-paste.ini"
POLICIES = tuple(f"{name}/policy.d/zz-maintenance.yaml" for name in ("nova", "neutron"))

NETBOOT = "/var/lib/ironic/netboot"
#: The page's UUID of a canary: the free node.
FREE = (
    'mariadb --skip-column-names nova_bm --execute "SELECT uuid FROM bm_nodes WHERE '
    'deleted = 0 AND instance_uuid IS NULL LIMIT 1"'
)

#: Of a command, HERE is the host that it is given on.
PRELUDE = """
systemctl() {
    local act=$1 units=("${@:2}")
    [[ $2 == --now ]] && units=("${@:3}")
    case $HERE in
        # The lab's services read the first one's files.
        control-2) return 0 ;;
        # Both compute hosts' services go together, as from two windows of a desk.
        compute-1) return 0 ;;
        compute-2) units=(nova-compute nova-compute-2) ;;
    esac
    case $act in
        enable) act=start ;;
        disable) act=stop ;;
    esac
    ironic-sideways lab service "$act" "${units[@]}" >/dev/null
}

# The home directory of each host is the desk's.
place() { # [<host>:]<path>
    case $1 in
        *:/etc/* | *:/var/log/*) echo "$HOSTS/${1/:/}" ;;
        *) echo "${1#*:}" ;;
    esac
}

scp() {
    local word words=() to from
    for word in "$@"; do
        [[ $word == -* ]] || words+=("$(place "$word")")
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

# The compute hosts' TFTP servers are one, too.
rsync() { # -a --delete <host>:/tftpboot/ <directory>
    local instance host=${3%%:*}
    rm -rf "$4"
    cp -rp "$HOSTS/tftpboot/." "$4"
    while read -r instance; do
        rm -rf "${4:?}/$instance"
    done <"$HOSTS/$host/not-its-instances"
}

keep() { # <name>
    mkdir "$HOSTS/kept-$1"
    (cd "$HOSTS" && cp -rLp --parents */etc/n* "kept-$1")
}
"""


def root(layout: Layout) -> Path:
    """Where each host has its directory."""
    return layout.directory.parent / "hosts"


def copies(layout: Layout) -> Path:
    """Where the desk's copies of the TFTP directories are."""
    return layout.directory.parent / "tftpboot"


def names(layout: Layout) -> dict[str, str]:
    """The pages' names of the compute hosts, and the lab's."""
    return dict(zip(COMPUTE, layout.compute_services.values(), strict=True))


def make(layout: Layout) -> None:
    """Make the hosts' directories, of a lab that has its instances."""
    first, second = CONTROLLERS
    links = {f"{first}/etc/{name}": layout.etc / name for name in ("nova", "neutron")}
    links["conductor/etc/ironic"] = layout.etc / "ironic"
    links["conductor/var/log/ironic"] = layout.logs
    links["tftpboot"] = layout.tftp_boot
    for service, host in layout.compute_services.items():
        links[f"{host}/etc/nova"] = layout.etc / service
        links[f"{host}/var/log/nova/nova-compute.log"] = layout.log(service)
    for link, target in links.items():
        path = root(layout) / link
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)
    for name in ("nova", "neutron"):
        shutil.copytree(layout.etc / name, root(layout) / second / "etc" / name)
    own = root(layout) / second / "etc" / NOVA_CONF
    own.write_text(own.read_text().replace("my_ip = 127.0.0.1", "my_ip = 127.0.0.2"))
    with databases.connect(layout) as connection, connection.cursor() as cursor:
        for host in layout.compute_services.values():
            cursor.execute(
                "SELECT instance_uuid FROM nova_bm.bm_nodes "
                "WHERE service_host <> %s AND instance_uuid <> ''",
                (host,),
            )
            lines = "".join(f"{row[0]}\n" for row in cursor.fetchall())
            (root(layout) / host / "not-its-instances").write_text(lines)


def given(layout: Layout, told: Sequence[Command]) -> Iterator[tuple[Command, Command]]:
    """Each command of the pages, as each of its hosts gives it in the lab."""
    for one in told:
        found = HOSTS.get(one.host, (one.host,))
        for here in found[:1] if one.text.startswith(ON_ONE) else found:
            yield one, _in_the_lab(layout, one, here)


def _in_the_lab(layout: Layout, one: Command, here: str) -> Command:
    name = names(layout).get(here, here)
    text = one.text
    for told, place in (
        (NETBOOT, f"{layout.data}/netboot"),
        ("/var/lib/ironic/httpboot", str(layout.http_boot)),
        ("/var/lib/ironic/", f"{layout.data}/"),
        ("--node UUID", f"--node $({FREE})"),
        ("shard HOST", f"shard {name}"),
        *names(layout).items(),
    ):
        text = text.replace(told, place)
    # Not what another host has: HOST:/etc.
    text = re.sub(r"(?<![\w:])(?=/(etc|var/log)/)", f"{root(layout)}/{name}", text)
    return dataclasses.replace(one, text=f"HERE={here}\n{text}")


def back(layout: Layout) -> list[tuple[str, str]]:
    """Patterns of the lab's paths and names, and what they are on the pages."""
    return [
        (rf"{root(layout)}/[^/]+(?=/(etc|var/log)/)", ""),
        (f"{layout.data}/netboot", NETBOOT),
        (str(layout.http_boot), "/var/lib/ironic/httpboot"),
        (f"{layout.data}/", "/var/lib/ironic/"),
        (str(copies(layout)), "tftpboot"),
        # The second one's name begins with the first one's.
        *((name, there) for there, name in reversed(names(layout).items())),
    ]


def keep(name: str) -> Command:
    """No command of a page: it copies each host's files of Nova and Neutron."""
    return Command(f"keep {name}", [], "desk$ ")


@dataclasses.dataclass(frozen=True)
class Kept:
    """The files of Nova and Neutron that each host had when `keep NAME` was given."""

    layout: Layout
    name: str

    def _etc(self, host: str) -> Path:
        return root(self.layout) / f"kept-{self.name}" / host / "etc"

    def files(self, host: str) -> dict[str, tuple[int, str]]:
        """Mode and content of each file."""
        below = self._etc(host)
        return {
            str(path.relative_to(below)): (path.stat().st_mode, path.read_text())
            for path in below.rglob("*")
            if path.is_file()
        }

    def options(self, host: str) -> dict[tuple[str, str], str]:
        """The options of its nova.conf."""
        parser = configparser.RawConfigParser(strict=False, default_section="")
        parser.read_string((self._etc(host) / NOVA_CONF).read_text())
        return {
            (section, option): value
            for section in parser.sections()
            for option, value in parser.items(section)
        }


def check(layout: Layout, after: str, told: Sequence[Command], *policies: str) -> None:
    """See that the hosts' files were as the page says when ``after`` was kept.

    :param told: the page's commands until then.
    :param policies: files that each controller has besides.
    """
    before, now = Kept(layout, "before"), Kept(layout, after)
    for prompt, hosts, step, changed, more in (
        ("controller", CONTROLLERS, 9, {PASTE, NOVA_CONF}, policies),
        ("compute", names(layout).values(), 10, {NOVA_CONF}, ()),
    ):
        for host in hosts:
            had, has = before.files(host), now.files(host)
            copies = {f"{name}.before-step-{step}": had[name] for name in changed}
            assert has.keys() == {*had, *copies, *more}, host
            assert copies.items() <= has.items(), host
            assert {name for name in had if has[name] != had[name]} == changed, host
            options = before.options(host) | _options(told, prompt, host)
            assert now.options(host) == options, host
    first, second = map(now.files, CONTROLLERS)
    for name in (PASTE, *policies):
        assert first[name] == second[name], name


def _options(
    told: Sequence[Command], prompt: str, host: str
) -> dict[tuple[str, str], str]:
    """What the page lets the host set in nova.conf."""
    command = re.compile(r"crudini --set /etc/nova/nova.conf (\S+) (\S+) (\S+)$")
    found = [command.match(one.text) for one in told if one.host == prompt]
    return {(one[1], one[2]): one[3].replace("HOST", host) for one in found if one}


def check_as_before(layout: Layout, after: str) -> None:
    """See that ``after`` and ``before`` were kept of the same files."""
    before, now = Kept(layout, "before"), Kept(layout, after)
    for host in (*CONTROLLERS, *names(layout).values()):
        assert now.files(host) == before.files(host), host
