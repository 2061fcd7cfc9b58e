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

"""The collector as a supervisor runs it."""

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from ironic_sideways import waits

BEAT = (
    "mac=52:54:00:02:00:01&boot_id=cca46331-fdf6-4e8e-8a51-8a257f959730"
    "&seq=1&ip=172.30.2.10"
)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def fetch(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return str(answer.status)
    except OSError as error:
        return str(error)


def command(port: int, output: Path) -> list[str]:
    start = "import sys; from ironic_sideways.cmd import main; sys.exit(main.main())"
    options = ["--listen", "127.0.0.1", "--port", str(port), "--output", str(output)]
    return [sys.executable, "-c", start, "heartbeat-collector", *options]


def test_it_records_until_it_is_told_to_end(tmp_path: Path) -> None:
    port, output = free_port(), tmp_path / "evidence" / "heartbeat.jsonl"
    url = f"http://127.0.0.1:{port}"

    with subprocess.Popen(command(port, output)) as collector:
        try:
            waits.wait_for(
                lambda: fetch(url), lambda seen: seen == "200", "answer", 120, 0.1
            )
            answered = fetch(f"{url}/beat?{BEAT}")
            collector.send_signal(signal.SIGTERM)
            code = collector.wait(timeout=120)
        finally:
            collector.kill()

    assert (answered, code) == ("200", 0)
    assert json.loads(output.read_text())["seq"] == 1


def test_a_port_in_use_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            command(port, tmp_path / "beats"), capture_output=True, text=True
        )

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in line
