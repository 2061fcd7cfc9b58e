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

"""Let Nova and Ironic be loaded into one process, as no deployment does.

Both register options of the same names on oslo.config's global object, the
second one with a DuplicateOptError. Ironic gets an object of its own here.
"""

import gc
import os
from pathlib import Path

import hypothesis
import pytest
from oslo_config import cfg

from ironic_sideways.lab.layout import Layout

# Nova, Ironic and the tests stay until the end: a third of their import was the search
# for garbage among them.
gc.disable()

# pytest-xdist tells its workers the terminal's width; a command folds its lines at it.
os.environ.pop("COLUMNS", None)

_shared = cfg.CONF
cfg.CONF = cfg.ConfigOpts()
try:
    import ironic.conf  # noqa: F401
finally:
    cfg.CONF = _shared

# How fast a busy host is, is no property of what is tested.
hypothesis.settings.register_profile(
    "any host",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("any host")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Look for garbage from here on, and among what is new alone."""
    gc.freeze()
    gc.enable()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Lab 7, of which nothing is there yet."""
    return Layout(tmp_path / "lab", 7)
