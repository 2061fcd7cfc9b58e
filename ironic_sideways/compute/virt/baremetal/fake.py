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

"""Nova's plain fake driver as a base that can come back after a move.

Its own identity lasts from start to start, as FakeDriver's does not; and it
lets nova-compute drop the compute nodes that IronicDriver reported meanwhile,
which every driver of one node would keep for ever.
"""

from nova.virt import fake


class FakeDriver(fake.FakeDriverWithoutFakeNodes):
    """One node, the host; Nova's own in all else."""

    def is_node_deleted(self, nodename: str) -> bool:
        """Asked of the host's compute nodes that this driver does not report."""
        return True
