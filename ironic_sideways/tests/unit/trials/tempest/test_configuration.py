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

import stat
from types import SimpleNamespace

import pytest

from ironic_sideways.trials.tempest import configuration, features

AUTH = {
    "username": "admin",
    "password": "s3cret",
    "project_name": "admin",
    "auth_url": "http://127.0.0.1:5000/v3",
}


def found(name, ignore_missing):
    assert ignore_missing is False
    return SimpleNamespace(id=f"id-of-{name}")


@pytest.fixture
def cloud():
    return SimpleNamespace(
        config=SimpleNamespace(
            get_auth_args=lambda: AUTH, get_region_name=lambda service: None
        ),
        image=SimpleNamespace(find_image=found),
        compute=SimpleNamespace(find_flavor=found),
    )


def options(cloud, log_in=False):
    return configuration.options(
        cloud, ("i", "j"), ("f", "g"), "net", features.MISSING, log_in
    )


def test_features_are_off_that_the_driver_lacks_and_no_others(cloud):
    enabled = options(cloud)["compute-feature-enabled"]

    assert {name for name, value in enabled.items() if value == "false"} == set(
        features.MISSING
    )
    assert {name for name, value in enabled.items() if value == "true"} == set(
        features.PRESENT
    )


@pytest.mark.parametrize(("log_in", "value"), [(True, "true"), (False, "false")])
def test_only_servers_with_an_ssh_server_are_logged_in_to(cloud, log_in, value):
    values = options(cloud, log_in)

    assert values["validation"]["run_validation"] == value
    assert values["service_available"]["ironic"] == value
    assert values["validation"]["connect_method"] == "fixed"


def test_filters_get_two_images_and_two_flavors(cloud):
    compute = options(cloud)["compute"]

    assert compute["image_ref"] != compute["image_ref_alt"]
    assert compute["flavor_ref"] != compute["flavor_ref_alt"]


def test_the_administrator_s_password_is_for_root_alone(cloud, tmp_path):
    path = tmp_path / "etc" / "tempest.conf"
    path.parent.mkdir()
    path.write_text("what tempest init left")
    path.chmod(0o644)

    assert configuration.write(tmp_path, options(cloud)) == path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "admin_password = s3cret" in path.read_text()
