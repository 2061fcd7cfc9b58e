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

"""A light machine's power is a file, whose word changes with each boot alone."""

from pathlib import Path

import pytest

from ironic_sideways.hardware.light.power import Power


@pytest.fixture
def power(tmp_path: Path) -> Power:
    return Power(tmp_path, "one")


def test_a_machine_is_off_at_first(power: Power) -> None:
    power.reset()

    assert power.since() is None


def test_power_on_of_a_machine_that_is_on_boots_nothing(power: Power) -> None:
    power.on()
    first = power.since()
    power.on()

    assert first
    assert power.since() == first


@pytest.mark.parametrize("ways", [("reset",), ("off", "on")])
def test_each_boot_has_a_word_of_its_own(power: Power, ways: tuple[str, ...]) -> None:
    power.on()
    first = power.since()
    for way in ways:
        getattr(power, way)()

    assert power.since() not in (None, first)


def test_power_off_is_kept_and_may_come_twice(power: Power) -> None:
    power.on()
    power.off()
    power.off()

    assert power.since() is None


def test_machines_of_one_directory_know_nothing_of_each_other(power: Power) -> None:
    power.on()
    power.boot_from("network")
    other = Power(power.directory, "other")

    assert other.since() is None
    assert (power.boot_device(), other.boot_device()) == ("network", "hd")
