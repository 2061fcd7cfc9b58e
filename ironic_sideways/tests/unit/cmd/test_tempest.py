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

import pytest

from ironic_sideways.cmd import main

COMMON = ("tempest", "--os-cloud", "admin", "--workspace", "w", "--output", "o")


@pytest.mark.parametrize(
    "options", [(), ("--cache", "c"), ("--ironic-cloud", "system")]
)
def test_all_tests_need_ironic_and_a_guest_that_can_be_logged_in_to(options, capsys):
    code = main.main([*COMMON, "--all", *options])

    assert code == 2
    assert "--all: expected --cache and --ironic-cloud" in capsys.readouterr().err


def test_the_base_needs_the_guest_whose_images_nobody_has_loaded_yet(capsys):
    assert main.main([*COMMON]) == 2
    assert "--cache: expected on the base" in capsys.readouterr().err
