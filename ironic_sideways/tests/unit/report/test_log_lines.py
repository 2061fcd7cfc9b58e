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

"""A log's lines: their times, their levels, and what is one record."""

import time

from ironic_sideways.report import log_lines, verdict
from ironic_sideways.tests.unit.report.small_move.log_files import log_line
from ironic_sideways.tests.unit.report.small_move.phases import BEGIN
from ironic_sideways.tests.unit.report.test_logs import add, failed, traceback


def test_a_line_without_a_time_has_that_of_the_line_before(evidence):
    text = log_line(BEGIN + 5, "oh") + "Traceback (most recent call last):\n"
    number = add(evidence, "glance.log", text)

    assert failed(evidence)["no traceback"].startswith(f"logs/glance.log:{number} ")


def test_the_logs_local_time_is_known_by_its_offset(evidence):
    path = evidence / "events.jsonl"
    path.write_text(
        '{"time": 1, "kind": "commands", "resume": "", "roll_back": null, '
        '"memory_used_mb": 1, "utc_offset": 7200}\n' + path.read_text()
    )
    line = log_line(BEGIN + 7220, "Traceback (most recent call last):")
    add(evidence, "nova-api.log", line)

    assert "no traceback" in failed(evidence)


def test_a_lines_level_says_whether_it_is_an_error(evidence):
    told = "rate_limit_except_level = CRITICAL, logging_exception_prefix = ERROR"
    add(evidence, "neutron.log", log_line(BEGIN + 1, told, "DEBUG"))
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(BEGIN + 2))
    foreign = f"{clock} 0 [Note] ready\n{clock} 0 [ERROR] disk full\n"
    add(evidence, "mariadb.log", foreign)
    add(evidence, "rabbitmq.log", f"{clock}.123456+00:00 [error] <0.1.0> no\n")

    judged = verdict.verdict(evidence)

    where = ["logs/mariadb.log:4", "logs/rabbitmq.log:3"]
    assert [line.where for line in judged.errors] == where


def test_an_unknown_error_is_one_line_with_its_end(evidence):
    text = traceback(BEGIN + 5, "some.Fault: of luck").splitlines(keepends=True)
    add(evidence, "neutron.log", text[0] + "".join(text[2:]))

    (line,) = verdict.verdict(evidence).errors
    assert line.number == 19 and line.text.endswith("it broke ... some.Fault: of luck")


def test_a_request_has_the_time_that_uwsgi_tells_and_is_no_error(evidence):
    clock = time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(BEGIN + 5))
    before = "[pid: 42|app: 0|req: 1/1] 127.0.0.1 () {34 vars in 1009 bytes}"
    request = (
        f"{before} [{clock}] GET /v2.0/ports?status=ERROR => generated 123 bytes\n"
    )
    number = add(evidence, "neutron.log", log_line(BEGIN + 2, "oh", "ERROR") + request)

    *_, line = log_lines.lines(evidence, "neutron.log")
    assert (line.number, line.time) == (number, BEGIN + 5)
    (error,) = verdict.verdict(evidence).errors
    assert error.number == number - 1 and "GET" not in error.text
