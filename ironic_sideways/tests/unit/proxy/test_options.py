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

import importlib.metadata
import tomllib
from pathlib import Path

from oslo_config import cfg

from ironic_sideways.proxy import options


def test_what_the_generator_writes_is_what_nova_api_reads() -> None:
    conf = cfg.ConfigOpts()
    options.register(conf)
    options.register(conf)
    [(group, listed)] = options.list_opts()
    assert {option.dest for option in listed} == set(conf[group])


def test_where_ironic_is_needs_no_setting() -> None:
    conf = cfg.ConfigOpts()
    options.register(conf)
    conf([])
    settings = conf[options.GROUP]
    assert settings.service_type == "baremetal"
    assert settings.valid_interfaces == ["internal", "public"]
    assert settings.endpoint_override is None
    assert settings.timeout == 30


def test_both_entry_points_name_what_is_there() -> None:
    pyproject = Path(__file__).parents[4] / "pyproject.toml"
    points = tomllib.loads(pyproject.read_text())["project"]["entry-points"]
    for group in ("paste.filter_factory", "oslo.config.opts"):
        for name, value in points[group].items():
            point = importlib.metadata.EntryPoint(name, value, group)
            assert callable(point.load())
