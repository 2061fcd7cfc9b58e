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

"""What a temporary policy of Nova and Neutron forbids from begin to end of maintenance.

Nova's lock stops what goes through nova-compute, but neither createImage nor
createBackup (their task state would stay for ever), a rename, tags, nor shares
(nova.compute.api has no check_instance_lock there); ports are their owners' in
Neutron. What a rule can be narrowed by differs: Nova's targets name the project
alone, Neutron reads the whole port at DELETE and only what policies need at PUT.

Neutron's only ever takes away: each rule is the one in force before, and more. Nova's
gives nothing to anybody but administrators and services, whom it leaves alone.
"""

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from oslo_policy import policy

from ironic_sideways import exceptions, whole_file

COMMENT = "# ironic-sideways: remove this file at the end of maintenance.\n"

#: Nova's administrators, and services whom Nova lets without this policy, too.
NOVA_ALLOWED = (
    "rule:context_is_admin or (role:service and rule:project_member_or_admin)"
)
NOVA_FORBIDDEN = (
    # Owners may unlock what they locked themselves.
    "os_compute_api:os-lock-server:unlock",
    "os_compute_api:servers:create_image",
    "os_compute_api:os-create-backup",
    "os_compute_api:servers:update",
    "os_compute_api:os-server-tags:update",
    "os_compute_api:os-server-tags:update_all",
    "os_compute_api:os-server-tags:delete",
    "os_compute_api:os-server-tags:delete_all",
    "os_compute_api:os-server-shares:create",
    "os_compute_api:os-server-shares:delete",
)

NEUTRON_ALLOWED = "rule:admin_only or rule:service_api"
#: Of a port, whichever host it is on: PUT fetches no binding.
NEUTRON_FORBIDDEN = (
    "update_port:mac_address",
    "update_port:device_id",
    "update_port:device_owner",
    "update_port:fixed_ips",
    "update_port:allowed_address_pairs",
    "update_port:binding:vnic_type",
)
#: What Neutron knows enough of: of which rule it is refused. Nova deletes the ports
#: of a virtual server, and makes them, with its user's token.
NEUTRON_NARROWED = {
    "delete_port": "ironic_sideways_moving_host",
    "create_port:device_id": "ironic_sideways_moving_instance",
}
#: Before the name of a rule: what it was without this policy.
KEPT = "ironic_sideways_kept_"


def nova() -> dict[str, str]:
    """The rules for Nova, name to check."""
    return dict.fromkeys(NOVA_FORBIDDEN, NOVA_ALLOWED)


def neutron(
    effective: Mapping[str, str], hosts: Collection[str], instances: Collection[str]
) -> dict[str, str]:
    """The rules for Neutron, name to check.

    :param effective: those in force, this policy's own among them or not.
    :param hosts: that ports may be bound to: the moving compute hosts, and their
        nodes, to which the move binds the ports.
    :param instances: of the moving hosts, by uuid.
    :raises UsageError: a host's name that no policy can name.
    """
    rules = {
        "ironic_sideways_moving_host": _one_of("binding:host_id", hosts),
        "ironic_sideways_moving_instance": _one_of("device_id", instances),
    }
    if instances:
        # The database finds a port by SERVER-1, "server-1 " and sérver-1 as well.
        rules["ironic_sideways_moving_instance"] += "|.*[^0-9a-z._:-]"
    for name in (*NEUTRON_FORBIDDEN, *NEUTRON_NARROWED):
        kept = KEPT + name
        rules[kept] = effective[kept] if kept in effective else effective[name]
        allowed = NEUTRON_ALLOWED
        if name in NEUTRON_NARROWED:
            allowed += f" or not rule:{NEUTRON_NARROWED[name]}"
        rules[name] = f"rule:{kept} and ({allowed})"
    return rules


def _one_of(field: str, values: Collection[str]) -> str:
    """A check, without backslashes: oslopolicy-policy-generator escapes none.

    :raises UsageError: a value that such a check could not name.
    """
    for value in values:
        if not re.fullmatch(r"[\w.:-]+", value):
            raise exceptions.UsageError(
                f"{field} {value!r}: expected a host's name or a uuid, of letters, "
                "digits and . : - _ alone; a policy cannot name another"
            )
    words = "|".join(sorted(values)).replace(".", "[.]")
    # An empty alternative would match a port that is bound to no host.
    return f"field:port:{field}=~^({words})$" if values else "!"


def read(path: Path) -> dict[str, str]:
    """The rules in force, as ``oslopolicy-policy-generator`` prints them.

    :raises UsageError: it cannot be read, or is not Neutron's.
    """
    wanted = "expected what 'oslopolicy-policy-generator --namespace neutron' prints"
    try:
        found = policy.parse_file_contents(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise exceptions.UsageError(f"{path}: {error.strerror}; {wanted}") from None
    except ValueError:
        raise exceptions.UsageError(f"{path}: is no policy file; {wanted}") from None
    rules = found if isinstance(found, dict) else {}
    lacking = {*NEUTRON_FORBIDDEN, *NEUTRON_NARROWED} - rules.keys()
    if lacking:
        raise exceptions.UsageError(
            f"{path}: has no rule {', '.join(sorted(lacking))}; {wanted}"
        )
    return rules


def write(path: Path, rules: Mapping[str, str]) -> None:
    """Make ``path`` a policy file that its service can read.

    :raises UsageError: it cannot be written.
    """
    text = json.dumps(rules, indent=1)
    try:
        whole_file.write(path, f"{COMMENT}{text}\n", 0o644, durable=True)
    except OSError as error:
        raise exceptions.UsageError(
            f"{path}: cannot be written: {error.strerror}"
        ) from None
