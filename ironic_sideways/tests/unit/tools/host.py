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

"""A directory that stands for a host, and prepare_host.sh upon it."""

import signal
import subprocess
from pathlib import Path

TOOLS = Path(__file__).parents[4] / "tools"
TIMEOUT_S = 30

WANTS = "systemd/system/multi-user.target.wants"

#: A package manager that knows what stands in a file, "state name" a line.
DPKG = """
function dpkg-query { cat $ROOT/dpkg; }
function dpkg {
    case $1 in
        --audit) ;;
        --remove) sed -i 's/^installed \\(.*\\)/config-files \\1/' $ROOT/dpkg ;;
        --purge) for name in "${@:2}"; do sed -i "/ $name\\$/d" $ROOT/dpkg; done ;;
    esac
}
"""


class Host:
    """A directory that stands for a host, and prepare_host.sh upon it."""

    def __init__(self, directory: Path) -> None:
        self.root = directory
        self.sbin = directory / "sbin"
        self.policy = self.sbin / "policy-rc.d"
        self.etc = directory / "etc"
        self.state = directory / "state"
        for made in (self.sbin, self.etc / WANTS, self.etc / "rc2.d"):
            made.mkdir(parents=True)
        (directory / "dpkg").write_text("installed base\nconfig-files old\n")

    def script(self, body: str) -> str:
        return (
            f"source {TOOLS / 'prepare_host.sh'}\nROOT={self.root}\n"
            "ETC=$ROOT/etc STATE=$ROOT/state LOCKS=$ROOT/locks DEVICES=$ROOT/net\n"
            "POLICY=$ROOT/sbin/policy-rc.d VENV=$ROOT/venv CACHE=$ROOT/cache\n"
            "POLICY_SAVED=$POLICY.saved POLICY_ABSENT=$POLICY.absent\n"
            f"OS_RELEASE=$ROOT/etc/os-release DATABASES=$ROOT/mysql\n{DPKG}"
            f"mkdir --parents $LOCKS\nguard_host\n{body}"
        )

    def run(self, body: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", self.script(body)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )

    def interrupt_while_installing(
        self, number: signal.Signals, before: str = ""
    ) -> int:
        """Send a signal while packages are being installed; the exit code."""
        body = f"hold_host\n{before}\ncat $POLICY\nread -r"
        with subprocess.Popen(
            # A caller in the background may ignore SIGINT: the default again.
            ["env", "--default-signal", "bash", "-c", self.script(body)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as running:
            assert running.stdout is not None
            lines = [running.stdout.readline() for _ in range(3)]
            assert lines[-1] == "exit 101\n"
            running.send_signal(number)
            return running.wait(TIMEOUT_S)

    def left(self) -> list[str]:
        return sorted(path.name for path in self.sbin.iterdir())

    def enabled(self) -> list[str]:
        links = [path.name for path in (self.etc / WANTS).iterdir()]
        return sorted(links + [path.name for path in (self.etc / "rc2.d").iterdir()])

    def recorded(self, name: str) -> list[str]:
        path = self.state / name
        return path.read_text().split() if path.exists() else []


#: What installing a package does to the host.
INSTALL = f"""
function install_nginx {{
    echo installed nginx >>$ROOT/dpkg
    ln -s /lib/systemd/system/nginx.service $ETC/{WANTS}/nginx.service
    ln -s ../init.d/nginx $ETC/rc2.d/S01nginx
    ln -s /dev/null $ETC/systemd/system/nginx-debug.service
}}
install_nginx
"""

ENVIRONMENT = """
function environment_key { echo key; }
function install_missing_packages { :; }
function honour_pip_configuration { :; }
function check_disk { :; }
PYTHON=$ROOT/python
cat >$PYTHON <<'END'
#!/bin/sh
test "$1" = -m || exit 0
mkdir -p "$4/bin" && rm -f "$4"/.iron*
echo made >>"$4/../made"
touch "$4/pyvenv.cfg"
printf '#!/bin/sh\\nexit ${PIP:-0}\\n' >"$4/bin/pip"
printf '#!/bin/sh\\nexit ${UV:-0}\\n' >"$4/bin/uv"
cp "$4/bin/uv" "$4/bin/bindep"
chmod +x "$4"/bin/*
END
chmod +x $PYTHON
"""
