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

"""Whether Ironic and Nova can make sense of what nodes are given."""

import ipaddress
import re

from ironic_sideways import exceptions
from ironic_sideways.migrate.choices import Options

#: Nova's (nova.objects.fields.Architecture), and the names that it takes for them.
_ARCHITECTURE = re.compile(
    r"aarch64|alpha|amd64|armv(6|7l|7b)|cris|i[3-6]86|ia64|lm32|m68k|microblaze(el)?"
    r"|mips(64)?(el)?|openrisc|parisc(64)?|ppc(emb|le|64(le)?)?|s390x?|sh4(eb)?"
    r"|sparc(64)?|unicore32|x86_(32p?|64)|xtensa(eb)?",
    re.IGNORECASE,
)
#: A project's id as keystone makes it, with or without dashes.
_PROJECT = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")
#: What can be nothing but an IP address, of version 4 or 6.
_IP_ADDRESS = re.compile(r"[0-9.]+|[0-9A-Fa-f.]*:[0-9A-Fa-f.:]*")
_HOST_NAME = re.compile(r"[0-9A-Za-z]([0-9A-Za-z._-]*[0-9A-Za-z])?\.?")


def require_sound(options: Options) -> None:
    """See that Ironic and Nova can make sense of what the nodes are given.

    :raises UsageError: names the option.
    """
    if options.owner is not None and not _PROJECT.fullmatch(options.owner):
        raise exceptions.UsageError(
            f"--owner {options.owner[:64]!r}: expected a project's id, 32 digits of "
            "0-9 and a-f: 'openstack project show -f value -c id NAME' prints it"
        )
    for name in ("deploy_kernel", "deploy_ramdisk"):
        given = getattr(options, name)
        if given is not None and len(given.split()) != 1:
            raise exceptions.UsageError(
                f"--{name.replace('_', '-')} {given[:80]!r}: expected the id or URL of "
                "one image; where several have its name, choose one by its id"
            )
        refuse_password(f"--{name.replace('_', '-')}", given or "")
    if bool(options.deploy_kernel) != bool(options.deploy_ramdisk):
        raise exceptions.UsageError(
            "expected both of --deploy-kernel and --deploy-ramdisk, or neither"
        )
    arch = options.node_arch
    if arch is not None and not _ARCHITECTURE.fullmatch(arch):
        raise exceptions.UsageError(
            f"--node-arch {arch!r}: Nova knows no such cpu_arch; expected x86_64, "
            "aarch64, ppc64le, i686 or the like"
        )


def refuse_password(option: str, url: str) -> None:
    """See that ``url`` has none: rows of nodes and evidence would have it, too.

    :raises UsageError: names the option.
    """
    if re.match(r"[^/]*://[^/]*:[^/]*@", url):
        raise exceptions.UsageError(
            f"{option}: expected a URL without a password; give Ironic [deploy] "
            "image_server_user and image_server_password"
        )


def is_address(text: str) -> bool:
    """Whether a BMC can be reached at ``text``: a host name or an IP address."""
    if not _IP_ADDRESS.fullmatch(text):
        return bool(_HOST_NAME.fullmatch(text))
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
