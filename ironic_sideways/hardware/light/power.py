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

"""A light machine's power and boot device: files that its BMC and its guest share."""

import dataclasses
import uuid
from pathlib import Path

from ironic_sideways import whole_file


@dataclasses.dataclass(frozen=True)
class Power:
    """The power of the machine ``name``: on as long as ``<name>.power`` exists.

    What the file holds changes with each power-on and reset, and with nothing else: a
    machine that finds another word in it has lost its memory.

    :param directory: of all machines of a lab.
    """

    directory: Path
    name: str

    @property
    def _switch(self) -> Path:
        return self.directory / f"{self.name}.power"

    @property
    def _device(self) -> Path:
        return self.directory / f"{self.name}.boot-device"

    def since(self) -> str | None:
        """The word of the last power-on or reset; None while the machine is off."""
        try:
            return self._switch.read_text()
        except FileNotFoundError:
            return None

    def on(self) -> None:
        """Power on; a machine that is on stays as it is."""
        if self.since() is None:
            self._write()

    def off(self) -> None:
        """Power off, at once: a light guest has nothing to shut down."""
        self._switch.unlink(missing_ok=True)

    def reset(self) -> None:
        """Boot again; a machine that is off stays off."""
        if self.since() is not None:
            self._write()

    def _write(self) -> None:
        whole_file.write(self._switch, str(uuid.uuid4()))

    def boot_device(self) -> str:
        """As pyghmi names it: hd, network or optical."""
        try:
            return self._device.read_text()
        except FileNotFoundError:
            return "hd"

    def boot_from(self, device: str) -> None:
        """Keep the device of the next boots."""
        whole_file.write(self._device, device)
