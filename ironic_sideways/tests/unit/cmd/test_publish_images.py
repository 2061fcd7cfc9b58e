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

import argparse
from pathlib import Path

import openstack
import openstack.exceptions
import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import images
from ironic_sideways.cmd import publish_images


@pytest.fixture
def arguments(tmp_path: Path) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    publish_images.add_arguments(parser)
    words = ["--prefix", "x", "--kernel", "k", "--ramdisk", "r"]
    return parser.parse_args(words)


@pytest.mark.parametrize(
    ("before", "error", "code"),
    [
        ([], openstack.exceptions.SDKException("tired\nof it"), 1),
        (["image a made"], openstack.exceptions.SDKException("tired\nof it"), 3),
        ([], exceptions.SidewaysError("tired of it"), 1),
        (["image a made"], exceptions.SidewaysError("tired of it"), 3),
    ],
)
def test_what_fails_after_an_upload_names_it_and_what_to_do(
    arguments: argparse.Namespace,
    monkeypatch: pytest.MonkeyPatch,
    before: list[str],
    error: Exception,
    code: int,
) -> None:
    def publish_pair(connection, prefix, kernel, ramdisk, told):
        for change in before:
            told(change)
        raise error

    monkeypatch.setattr(openstack, "connect", lambda: None)
    monkeypatch.setattr(images, "publish_pair", publish_pair)
    with pytest.raises(exceptions.SidewaysError) as caught:
        publish_images.run(arguments)
    assert caught.value.exit_code == code
    message = str(caught.value)
    assert "tired of it" in message
    assert message.endswith("image a made before: publish again to go on") == (
        code == 3
    )
