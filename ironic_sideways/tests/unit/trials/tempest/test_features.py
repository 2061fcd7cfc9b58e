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

from pathlib import Path

import pytest
from nova.virt import driver
from nova.virt.ironic.driver import IronicDriver
from tempest import config

import ironic_sideways
from ironic_sideways.trials.tempest import features

PAGE = Path(ironic_sideways.__file__).parents[1] / "doc/source/user/tempest.rst"
OPTIONS = {option.name for option in config.ComputeFeaturesGroup}


def has(method):
    return getattr(IronicDriver, method) is not getattr(driver.ComputeDriver, method)


@pytest.mark.parametrize("option", [*features.MISSING_BEFORE, *features.PRESENT])
def test_each_feature_is_an_option_of_tempest(option):
    assert option in OPTIONS


@pytest.mark.parametrize("option", features.MISSING)
def test_a_feature_is_off_only_where_the_ironic_driver_lacks_it(option):
    missing = features.MISSING[option]

    assert missing.methods or missing.source
    assert [method for method in missing.methods if has(method)] == []


def test_the_ironic_driver_has_what_devstack_turns_off_as_well():
    assert has("rescue")
    assert has("attach_interface")
    assert not set(features.MISSING) & {"rescue", "interface_attach", "personality"}


def test_where_says_which_methods_the_driver_lacks():
    assert features.MISSING["pause"].where.endswith("has no pause(), unpause()")


def test_the_page_tells_each_feature_that_is_off_with_its_reason():
    page = " ".join(PAGE.read_text().split())

    for option, missing in features.MISSING.items():
        assert f"* - ``{option}`` - {missing.reason} - " in page
