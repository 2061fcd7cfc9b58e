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

"""What is stopped says nothing, and what is started is a process of its own."""

from ironic_sideways.report import log_processes
from ironic_sideways.tests.unit.report.small_move.log_files import log_line
from ironic_sideways.tests.unit.report.small_move.phases import BEGIN, STARTS


def failed(evidence) -> list[str]:
    return [one.name for one in log_processes.each_process(evidence) if not one.ok]


def test_a_service_that_is_stopped_says_nothing(evidence):
    assert failed(evidence) == []
    line = log_line(BEGIN + STARTS["flavors"], "told", process=40)
    with (evidence / "logs" / "nova-compute.log").open("a") as log:
        log.write(line)

    assert failed(evidence) == ["nova-compute stopped"]


def test_what_is_started_is_another_process(evidence):
    path = evidence / "logs" / "ironic-conductor.log"
    path.write_text(path.read_text().replace(" 42 INFO", " 41 INFO"))

    assert failed(evidence) == ["ironic-conductor started by restarted"]
