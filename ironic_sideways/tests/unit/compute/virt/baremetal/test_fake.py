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

from nova.virt.driver import load_compute_driver

from ironic_sideways.compute import launcher


def test_the_labs_plain_fake_driver_is_novas_with_a_node_that_lasts() -> None:
    launcher.extend_driver_path()
    ours = load_compute_driver(None, "baremetal.fake.FakeDriver")
    assert isinstance(ours, type(load_compute_driver(None, "fake.FakeDriver")))
    assert ours.is_node_deleted("a node that IronicDriver reported")
