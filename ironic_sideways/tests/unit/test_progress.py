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

"""What a console without a terminal hears of long work."""

import os

import pytest

from ironic_sideways import progress


@pytest.fixture
def console(monkeypatch):
    """The reading end of a pipe that stands for Grenade's summary."""
    reader, writer = os.pipe()
    monkeypatch.delenv("IRONIC_SIDEWAYS_TERMINAL", raising=False)
    monkeypatch.setenv("IRONIC_SIDEWAYS_SUMMARY", str(writer))
    yield reader, writer
    for descriptor in (reader, writer):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_it_hears_a_line_now_and_then(console):
    reader, writer = console
    with progress.progress("tests done", None) as advance:
        for done in (*range(1, 52), 130):
            advance(done)
    os.close(writer)

    assert os.read(reader, 4096).decode().splitlines() == [
        "    tests done: 25",
        "    tests done: 50",
        "    tests done: 130",
    ]


def test_one_that_is_gone_ends_no_work(console):
    reader, _ = console
    os.close(reader)

    with progress.progress("tests done", None) as advance:
        advance(25)
