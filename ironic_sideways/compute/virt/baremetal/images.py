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

"""The deploy images that a flavor names must be there before a node is touched."""

# nova.objects has its classes as attributes only after register_all().
from __future__ import annotations

from pathlib import Path

from keystoneauth1 import exceptions as ks_exceptions
from keystoneauth1 import loading as ks_loading
from nova import conf, objects
from nova.conf import glance, service_token
from openstack import connection
from openstack import exceptions as sdk_exceptions
from openstack.image.v2._proxy import Proxy

from ironic_sideways import exceptions

CONF = conf.CONF

#: Flavor key and fallback option of each deploy image (Nova 2014.2, pxe.py).
DEPLOY_IMAGES = {
    "deploy kernel": ("baremetal:deploy_kernel_id", "deploy_kernel"),
    "deploy ramdisk": ("baremetal:deploy_ramdisk_id", "deploy_ramdisk"),
}


def deploy_images(flavor: objects.Flavor) -> dict[str, str]:
    """The ids of the flavor's deploy images, by the names of their files.

    :raises SidewaysError: neither the flavor nor the configuration has one.
    """
    wanted = {}
    for what, (key, option) in DEPLOY_IMAGES.items():
        image_id = flavor.extra_specs.get(key) or CONF.baremetal[option]
        if not image_id:
            raise exceptions.SidewaysError(
                f"flavor {flavor.name}: no {what}: expected the image's id in its "
                f"extra spec {key} or in [baremetal] {option}"
            )
        wanted[option] = image_id
    return wanted


def check(flavor: objects.Flavor) -> None:
    """Refuse a flavor whose deploy kernel or ramdisk is missing or not active.

    Glance is asked with Nova's own credentials ([service_user]): the images are
    the operator's and need not be visible to the user.

    :raises SidewaysError: names the flavor, the image and what was found.
    """
    for option, image_id in deploy_images(flavor).items():
        status = _status(image_id)
        if status != "active":
            what = option.replace("_", " ")
            raise exceptions.SidewaysError(
                f"flavor {flavor.name}: {what} image {image_id}: expected it active "
                f"in glance, found {status}; publish it or correct the flavor"
            )


def download(image_id: str, path: Path) -> None:
    """Write the image's data to ``path``, whole or not at all.

    :raises SidewaysError: glance does not give it.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        _glance().download_image(image_id, output=str(part))
    except (sdk_exceptions.SDKException, ks_exceptions.ClientException) as error:
        part.unlink(missing_ok=True)
        raise exceptions.SidewaysError(
            f"image {image_id}: glance does not give its data: {error}"
        ) from error
    part.replace(path)


def _glance() -> Proxy:
    auth = ks_loading.load_auth_from_conf_options(
        CONF, service_token.SERVICE_USER_GROUP
    )
    # What Nova's get_sdk_adapter does with an auth of the caller's, which that of
    # 2026.1 does not take; and its [glance] has no auth of its own.
    session = ks_loading.load_session_from_conf_options(
        CONF, glance.glance_group.name, auth=auth
    )
    cloud = connection.Connection(
        session=session, oslo_conf=CONF, service_types={"image"}
    )
    return cloud.image


def _status(image_id: str) -> str:
    """The image's status, or in a few words why there is none."""
    try:
        return str(_glance().get_image(image_id).status)
    except sdk_exceptions.NotFoundException:
        return "no such image"
    except (sdk_exceptions.SDKException, ks_exceptions.ClientException) as error:
        raise exceptions.SidewaysError(
            f"image {image_id}: glance cannot be asked with the credentials of "
            f"[service_user]: {error}"
        ) from error
