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

"""A minimal stand-in of the Grenade and DevStack functions that the plugin calls.

Recorded from Grenade 0a5e3bf (2026-01-08), DevStack and Ironic stable/2026.1: the
functions' names and where they come from, and what they print. Each call of a
function or program is one line in ``calls``; the call numbered FAIL_AT fails. A
function that is not here is not found, which fails as well.
"""

import re
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).parents[4]

#: Functions that only do something, by the file that has them.
DEVSTACK = (
    # functions-common, functions
    "git_clone",
    "echo_summary",
    # inc/python
    "pip_install",
    # inc/ini-config
    "iniset",
    # inc/meta-config
    "extract_localrc_section",
    # lib/apache
    "disable_apache_site",
    "remove_uwsgi_config",
    # lib/database
    "define_database_baseurl",
    "initialize_database_backends",
    "recreate_database",
    # lib/nova, lib/keystone and others are sourced, and not called
)
IRONIC = (
    "install_ironic",
    "install_ironicclient",
    "configure_ironic",
    "create_ironic_accounts",
    "init_ironic",
    "start_ironic",
)
GRENADE = (
    "devstack_localrc",
    "register_db_to_save",
    "register_project_for_upgrade",
)
PROGRAMS = ("openstack", "ironic-sideways", "mysqldump", "sudo")

#: One line a call; the FAIL_AT-th fails. Of bash alone: it is called often.
RECORD = """\
function record {  # <name> [argument...]
    local lines
    echo "$*" >>"$CALLS"
    mapfile -t lines <"$CALLS"
    [[ ${#lines[@]} -ne ${FAIL_AT:-0} ]] || { echo "injected: $*" >&2; return 1; }
}
"""

FUNCTIONS = """\
function die {  # functions-common
    local line=$1
    shift
    echo "[ERROR] $0:$line $*" >&2
    exit 1
}
function is_service_enabled {
    local one
    for one; do
        [[ ,$ENABLED_SERVICES, == *,$one,* ]] && return 0
    done
    return 1
}
function is_plugin_enabled { [[ ,${DEVSTACK_PLUGINS:-}, == *,$1,* ]]; }
function define_plugin { :; }
function GetDistro { :; }
function apache_site_config_for { echo "/etc/apache2/sites-available/$1.conf"; }
function install_package {
    # apt_get, which it calls, does nothing then.
    [[ ${OFFLINE:-False} == True ]] || record install_package "$@"
}
function iniget {
    record iniget "$@" || return 1
    case $2/$3 in
        DEFAULT/host) echo "${CONF_HOST:-}" ;;
        ml2/mechanism_drivers) echo openvswitch ;;
        ml2_type_flat/flat_networks) echo public, ;;
        database/connection)
            echo "mysql+pymysql://root:pw@127.0.0.1/ironic?charset=utf8&plugin=dbcounter"
            ;;
    esac
}
function database_connection_url {
    record database_connection_url "$@" || return 1
    echo "mysql+pymysql://root:pw@127.0.0.1/$1?charset=utf8&plugin=dbcounter"
}
"""

RC = """\
STACK_ROOT={root}/stack
DATA_DIR={root}/stack/data
SAVE_DIR={root}/stack/save
BASE_RELEASE=old
BASE_RELEASE_DIR={root}/stack/old
TARGET_RELEASE_DIR={root}/stack/new
BASE_DEVSTACK_DIR={root}/stack/old/devstack
TARGET_DEVSTACK_DIR={root}/stack/new/devstack
BASE_DEVSTACK_BRANCH=${{BASE_DEVSTACK_BRANCH:-stable/2026.1}}
TARGET_DEVSTACK_BRANCH=${{TARGET_DEVSTACK_BRANCH:-stable/2026.1}}
declare -A PLUGIN_DIR
"""

#: What the plugin reads of stackrc and of the libraries that it sources.
STACKRC = """\
[[ -z ${{_DEVSTACK_STACKRC:-}} ]] || return 0
_DEVSTACK_STACKRC=1
DEST={root}/stack/{side}
DATA_DIR={root}/stack/data
GIT_BASE=https://opendev.org
TARGET_BRANCH=stable/2026.1
localrc={root}/stack/{side}/devstack/.localrc.auto
[[ ! -r $localrc ]] || source $localrc
NOVA_BRANCH=${{NOVA_BRANCH:-stable/2026.1}}
DEVSTACK_VENV={root}/stack/data/venv
GLOBAL_VENV=${{GLOBAL_VENV:-True}}
STACK_USER=stack
SYSTEMD_DIR={root}/etc/systemd/system
VIRT_DRIVER=${{VIRT_DRIVER:-generic}}
ENABLED_SERVICES=${{ENABLED_SERVICES-key,g-api,n-api,n-cpu,n-sch,placement-api,neutron}}
NOVA_CONF={root}/etc/nova/nova.conf
NOVA_CPU_CONF={root}/etc/nova/nova-cpu.conf
NOVA_API_PASTE_INI={root}/etc/nova/api-paste.ini
Q_PLUGIN_CONF_FILE=etc/neutron/plugins/ml2/ml2_conf.ini
CLOUDS_YAML=/etc/openstack/clouds.yaml
KEYSTONE_SERVICE_URI=http://10.0.2.100/identity
SERVICE_PROJECT_NAME=service
SERVICE_PASSWORD=secretservice
REGION_NAME=RegionOne
DATABASE_USER=root
DATABASE_PASSWORD=secretdatabase
DATABASE_HOST=127.0.0.1
"""

#: What the hardware's and the tools' programs print.
SHOW = """\
case "$*" in
    *" gateway") echo 172.30.0.1 ;;
    *" network") echo 172.30.0.0/24 ;;
    *" allocation_pool") echo start=172.30.0.10,end=172.30.0.150 ;;
    *" bridge") echo isw0 ;;
    *" guest_arguments") echo quiet ;;
    *" http_boot_url") echo http://172.30.0.1:21011 ;;
    *" libvirt_uri") echo "qemu:///system?socket=S" ;;
    *" base_driver") echo "${BASE_DRIVER:-nova_bm}" ;;
esac
"""

LIBRARIES = ("tls", "nova", "neutron", "apache", "keystone", "database", "rpc_backend")


class Standin:
    """A host with Grenade, two DevStacks and Ironic's clone, below ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.calls_file = root / "calls"
        self.calls_file.touch()
        self.state = root / "stack/data/ironic-sideways"
        functions = self.write(
            "functions.sh",
            RECORD + FUNCTIONS + "".join(map(recorded, (*DEVSTACK, *GRENADE))),
        )
        self.write("grenade/grenaderc", RC.format(root=root))
        self.write("grenade/functions", f"source {functions}\n")
        for side in ("old", "new"):
            stackrc = STACKRC.format(root=root, side=side)
            self.write(
                f"stack/{side}/devstack/stackrc", f"source {functions}\n{stackrc}"
            )
            for name in LIBRARIES:
                self.write(f"stack/{side}/devstack/lib/{name}", "")
        for name in PROGRAMS:
            self.program(f"bin/{name}", name)
        for place in ("venv", "ironic-sideways/venv"):
            for name in ("python", "ironic-sideways"):
                self.program(f"stack/data/{place}/bin/{name}", f"{place}/{name}")
        for name in ("save", "data/ironic-sideways/hardware/logs"):
            (root / "stack" / name).mkdir(parents=True)
        (root / "etc/nova").mkdir(parents=True)
        self.environment = {
            "PATH": f"{root}/bin:/usr/bin:/bin",
            "CALLS": str(self.calls_file),
            "GRENADE_DIR": f"{root}/grenade",
            "TOP_DIR": f"{root}/stack/new/devstack",
            "HOME": str(root),
            "IRONIC_SIDEWAYS_DIR": str(self.state),
            "HOSTNAME_SAID": "cloud-1",
            "SIDEWAYS_OS_RELEASE": str(
                self.write("os-release", "ID=debian\nVERSION_CODENAME=bookworm\n")
            ),
        }
        self.write("bin/hostname", '#!/bin/bash\necho "$HOSTNAME_SAID"\n', True)

    def write(self, name: str, text: str, executable: bool = False) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if executable:
            path.chmod(0o755)
        return path

    def program(self, place: str, name: str) -> None:
        """A program that records its call; sudo keeps what tee is given."""
        body = f'#!/bin/bash\n{RECORD}record {name} "$@" || exit 1\n'
        if name == "sudo":
            body += '[[ $1 != tee ]] || cat >>"$HOME/$(basename "$(dirname "$2")")"\n'
            body += '[[ $* != *--list-rules* ]] || echo "${RULES:-}"\n'
        if name == "openstack":
            said = 'printf "${COMPUTE_HOSTS:-cloud-1}\\n"'
            body += f'[[ $* != *"service list"* ]] || {said}\n'
        if name.endswith("ironic-sideways"):
            body += SHOW
            body += f'[[ "$*" != *" -" ]] || cat >>{self.root}/stdin\n'
        self.write(place, body, True)

    def ironic(self) -> None:
        """Ironic's clone is there, as after git_clone."""
        self.write(
            "stack/new/ironic/devstack/lib/ironic",
            "install_package shim shim-signed\n"
            "IRONIC_CONF_FILE=/etc/ironic/ironic.conf\n"
            + "".join(map(recorded, IRONIC)),
        )

    def deployment(self) -> None:
        """What devstack/plugin.sh and upgrade.sh leave."""
        self.write(
            "stack/data/ironic-sideways/deployment",
            f"SIDEWAYS_HARDWARE={self.state}/hardware\n"
            f"SIDEWAYS_TOOLS={self.state}/venv\n"
            f"DEVSTACK_VENV={self.root}/stack/data/venv\n"
            f"NOVA_CONF={self.root}/etc/nova/nova.conf\n"
            f"NOVA_CPU_CONF={self.root}/etc/nova/nova-cpu.conf\n"
            f"NOVA_API_PASTE_INI={self.root}/etc/nova/api-paste.ini\n"
            "BASE_COMPUTE_HOST=cloud-1\nBASE_HOSTNAME=cloud-1\n",
        )
        self.write(
            "stack/data/ironic-sideways/grenade",
            f"export GRENADE_DIR={self.root}/grenade\n",
        )

    def run(self, *words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command in this host's environment, from an empty record."""
        self.calls_file.write_text("")
        return subprocess.run(
            [str(word) for word in words],
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=180,
            cwd=self.root,
        )

    def bash(self, script: str, **more: str) -> subprocess.CompletedProcess[str]:
        return self.run("bash", "-c", script, **more)

    def calls(self) -> list[str]:
        """Each call in its order, paths below the host shortened."""
        text = self.calls_file.read_text()
        text = text.replace(str(self.root), "").replace(str(REPOSITORY), "REPOSITORY")
        text = re.sub(r"/tmp\.\w+", "/TEMPORARY", text)  # noqa: S108 - mktemp's name
        return re.sub(r"--since \d+", "--since NOW", text).splitlines()

    def each_failure_ends(self, *words: str | Path, **more: str) -> int:
        """Let each call fail in turn: the run must fail there, and call no more.

        :returns: the number of calls.
        """
        whole = self.run(*words, **more)
        assert whole.returncode == 0, whole.stderr[-2000:]
        expected = self.calls()
        for number, call in enumerate(expected, 1):
            failed = self.run(*words, **more, FAIL_AT=str(number))
            assert failed.returncode != 0, f"goes on after a failed: {call}"
            assert self.calls() == expected[:number], f"more after a failed: {call}"
            assert f"injected: {call.split()[0]}" in failed.stderr
        return len(expected)


def recorded(name: str) -> str:
    """A function that records its call and does nothing."""
    return f'function {name} {{ record {name} "$@"; }}\n'
