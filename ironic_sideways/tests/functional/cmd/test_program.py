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

"""The end of every console script, in a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ironic_sideways.cmd import program

REPOSITORY = Path(__file__).parents[4]


@pytest.mark.parametrize(("output", "code"), [("/dev/full", 3), ("closed", 3)])
def test_output_that_is_lost_after_a_change_is_one_line(output, code):
    script = """if True:
    import sys
    from ironic_sideways.cmd import program
    def run(parsed):
        parsed.changed = "2 flavors changed"
        return "line " * 100
    parser = program.Parser(prog="tool")
    parser.set_defaults(run=run, changed="")
    sys.exit(program.main(parser, []))
    """
    if output == "closed":
        read, descriptor = os.pipe()
        os.close(read)
    else:
        descriptor = os.open(output, os.O_WRONLY)
    done = subprocess.run(
        [sys.executable, "-c", script],
        stdout=descriptor,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(descriptor)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
    assert "2 flavors changed; then: " in done.stderr


def test_a_reader_that_goes_away_makes_no_verdict_red(tmp_path: Path):
    read, write = os.pipe()
    os.close(read)
    start = "import sys; from ironic_sideways.cmd import main; sys.exit(main.main())"
    done = subprocess.run(
        [sys.executable, "-c", start, "verdict", str(tmp_path)],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    assert (done.returncode, done.stderr.count("\n")) == (141, 1), done.stderr


#: Stands for a module that takes its time to be imported.
SLOW = """
import select, signal, socket
# A signal just before pause() would be waited for in vain; this one is written down.
told, tells = socket.socketpair()
tells.setblocking(False)
signal.set_wakeup_fd(tells.fileno())
print("importing", flush=True)
select.select([told], [], [])
"""
#: Of a command that imports it only now; the others have done so by then.
WORDS = "'maintenance', 'check', '--os-cloud=x', '--record=x'"


@pytest.mark.parametrize("name", program.SCRIPTS)
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_n7_a_signal_while_importing_is_one_line(tmp_path: Path, number, name):
    (tmp_path / "openstack.py").write_text(SLOW)
    (tmp_path / "sqlalchemy.py").write_text(SLOW)
    start = f"import sys; sys.argv = ['/bin/{name}', {WORDS}]; "
    start += "from ironic_sideways.cmd import program; sys.exit(program.script())"
    with subprocess.Popen(
        [sys.executable, "-c", start],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{REPOSITORY}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    ) as process:
        assert process.stdout and process.stdout.readline() == "importing\n"
        process.send_signal(number)
        try:
            _, said = process.communicate(timeout=180)
        finally:
            process.kill()
    assert process.returncode == 128 + number
    word = "" if number == signal.SIGINT else f" by {number.name}"
    assert said.startswith(f"{name}: interrupted{word}")
    assert said.count("\n") == 1
