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

"""Evidence that is absent, cut short or of another shape: what it raises."""

from pathlib import Path

from ironic_sideways import exceptions

#: Code that shows evidence without judging it says "unknown" on any of these.
FAULTS = (
    exceptions.SidewaysError,
    AttributeError,
    IndexError,
    KeyError,
    OSError,
    TypeError,
    ValueError,
)


def within(directory: Path, text: str) -> str:
    """``text`` with the files of the evidence ``directory`` as named in there."""
    return text.replace(f"{directory}/", "")
