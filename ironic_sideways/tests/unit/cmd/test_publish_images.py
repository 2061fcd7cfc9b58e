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

import openstack
import openstack.exceptions
import pytest

from ironic_sideways import exceptions
from ironic_sideways.cloud import images
from ironic_sideways.cmd import connections, main


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
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    before: list[str],
    error: Exception,
    code: int,
) -> None:
    def publish_pair(connection, prefix, kernel, ramdisk, told):
        for change in before:
            told(change)
        raise error

    monkeypatch.setattr(connections, "connect", lambda _: None)
    monkeypatch.setattr(images, "publish_pair", publish_pair)
    words = ["--prefix", "x", "--kernel", "k", "--ramdisk", "r"]

    assert main.main(["publish-images", *words]) == code
    said = capsys.readouterr().err
    assert "tired of it" in said and said.count("\n") == 1
    assert ("image a made; then: " in said) == (code == 3)
    assert said.endswith("; publish again to go on\n") == (code == 3)
