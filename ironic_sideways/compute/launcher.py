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

"""nova-compute with two names that it had in 2014.

``compute_driver = baremetal.BareMetalDriver`` loads the base driver, and
``[DEFAULT] compute_manager``, gone from Nova since 15.0.0, chooses the manager.
All else is ``nova.cmd.compute``.
"""

# Not oslo_log: Nova warns of what it imports (oslo_context) before eventlet's patch.
import logging
import sys
from pathlib import Path

from oslo_config import cfg

LOG = logging.getLogger(__name__)

#: The directory that holds the package ``baremetal``.
VIRT_DIRECTORY = Path(__file__).parent / "virt"
NOVA_COMPUTE = "nova-compute"


class ManagerLookup(dict):
    """``nova.service.SERVICE_MANAGERS`` that asks the configuration when asked.

    Nova reads it after the configuration was parsed, but fills it on import.
    """

    def __init__(self, managers: dict[str, str], conf: cfg.ConfigOpts) -> None:
        super().__init__(managers)
        self._conf = conf

    def get(self, binary: str, default: str | None = None) -> str | None:  # type: ignore[override]
        """The manager's class path; nova-compute's is the configured one."""
        if binary != NOVA_COMPUTE:
            return super().get(binary, default)
        LOG.info("Loading compute manager '%s'", self._conf.compute_manager)
        return str(self._conf.compute_manager)


def extend_driver_path() -> None:
    """Make ``nova.virt.baremetal`` importable; a second call changes nothing."""
    import nova.virt

    directory = str(VIRT_DIRECTORY)
    if directory not in nova.virt.__path__:
        nova.virt.__path__.append(directory)


def register_compute_manager() -> None:
    """Give Nova its option back; a second call changes nothing."""
    from nova import conf, service

    if isinstance(service.SERVICE_MANAGERS, ManagerLookup):
        return
    conf.CONF.register_opt(
        cfg.StrOpt(
            "compute_manager",
            default=service.SERVICE_MANAGERS[NOVA_COMPUTE],
            help="Full class name of nova-compute's manager.",
        )
    )
    service.SERVICE_MANAGERS = ManagerLookup(service.SERVICE_MANAGERS, conf.CONF)


def main() -> None:
    """Run nova-compute in the foreground with this process's arguments."""
    # oslo.config finds nova-compute.conf, beside nova.conf, by this name.
    sys.argv[0] = str(Path(sys.argv[0]).with_name(NOVA_COMPUTE))
    # First of Nova's modules: importing it chooses threads over eventlet.
    from nova.cmd import compute

    extend_driver_path()
    register_compute_manager()
    compute.main()
