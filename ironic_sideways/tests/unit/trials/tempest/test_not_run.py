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

"""The sources that not_run.yaml names, against the code that they name."""

import importlib.util
import re
from pathlib import Path

import pytest
from nova.virt import driver
from nova.virt.ironic.driver import IronicDriver

from ironic_sideways.trials.tempest import lists

SOURCES = sorted({line.source for line in lists.excluded()})
LACKED = re.compile(r"nova\.virt\.ironic\.driver\.IronicDriver has no (.+)")
CAPABILITY = re.compile(r"IronicDriver\.capabilities(?: has no|:) (\w+)")
CODE = re.compile(r"(?:nova|ironic|ironic_sideways)(?:\.\w+)+")


@pytest.mark.parametrize("source", [one for one in SOURCES if LACKED.match(one)])
def test_what_the_ironic_driver_is_said_to_lack_it_inherits(source):
    methods = re.findall(r"(\w+)\(\)", source)

    assert methods
    for method in methods:
        inherited = getattr(driver.ComputeDriver, method)
        assert getattr(IronicDriver, method) is inherited


@pytest.mark.parametrize("source", [one for one in SOURCES if CAPABILITY.search(one)])
def test_a_capability_that_the_ironic_driver_is_said_to_lack_is_not_its(source):
    for capability in CAPABILITY.findall(source):
        assert capability in driver.ComputeDriver.capabilities
        assert not IronicDriver.capabilities.get(capability)


def undefined(name):
    """What of a dotted ``name`` its module's source does not define.

    Nothing is imported: Ironic's drivers want its configuration first, which does not
    go with Nova's in one process.
    """
    package, *parts = name.split(".")
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None
    path = Path(spec.origin).parent
    while parts and (path / parts[0]).is_dir():
        path /= parts.pop(0)
    if not parts:
        return []
    text = (path / f"{parts.pop(0)}.py").read_text()
    return [
        part
        for part in parts
        if not re.search(rf"^\s*(?:(?:def|class) {part}\b|{part}\b.*=)", text, re.M)
    ]


@pytest.mark.parametrize("source", [one for one in SOURCES if CODE.search(one)])
def test_code_that_is_named_is_there(source):
    for name in (found.group() for found in CODE.finditer(source)):
        assert undefined(name) == []


def test_code_that_is_not_there_is_told():
    assert undefined("nova.virt.driver.ComputeDriver.fly") == ["fly"]


def test_most_sources_are_the_code_of_nova_or_ironic():
    named = [one for one in SOURCES if CODE.search(one)]

    assert len(named) > 0.7 * len(SOURCES)
