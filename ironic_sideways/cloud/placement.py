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

"""Placement's side of the move: from VCPU, MEMORY_MB and DISK_GB to a class.

nova-baremetal's nodes were described by their standard resources, Ironic's by
one unit of a custom resource class. Placement refuses to drop an inventory
that is in use, so inventory and allocation of a node change together, by
``POST /reshaper`` (Nova's own way for such a change), while nova-compute is down.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import keystoneauth1.adapter
import requests
import tenacity

from ironic_sideways import exceptions

#: The newest microversion whose GET /allocations can be sent back in
#: POST /reshaper: from 1.38 on GET says ``consumer_type: unknown``, which POST
#: refuses.
MICROVERSION = "1.36"

#: What a node of nova-baremetal reported (nova.virt.baremetal.driver).
STANDARD = frozenset(("VCPU", "MEMORY_MB", "DISK_GB"))

#: What the conversion and its undo send, each so that it can change nothing:
#: Placement asks its policy first, and then refuses the content.
PROBES: tuple[tuple[str, str, dict[str, Any] | None], ...] = (
    ("POST", "/reshaper", {}),
    ("PUT", "/resource_classes/NOT_CUSTOM", None),
    (
        "PUT",
        "/resource_providers/00000000-0000-0000-0000-000000000000/inventories",
        {},
    ),
)

#: Tries of one node's change against somebody else's concurrent writes.
ATTEMPTS = 5

#: ``code`` of a 409 that says: read again, and try again.
CONCURRENT_UPDATE = "placement.concurrent_update"

Inventories = Mapping[str, Mapping[str, Any]]


class GenerationConflict(exceptions.SidewaysError):
    """Somebody else wrote between our read and our write."""


def node_inventory(class_name: str) -> dict[str, dict[str, Any]]:
    """The inventory of a node as IronicDriver reports it, not reserved.

    IronicDriver itself reserves a node in use once its instance is accounted.
    """
    unit = {"total": 1, "reserved": 0, "min_unit": 1, "max_unit": 1, "step_size": 1}
    return {class_name: {**unit, "allocation_ratio": 1.0}}


@dataclasses.dataclass(frozen=True)
class Allocation:
    """What a consumer (an instance) holds of one provider, and whose it is."""

    resources: dict[str, int]
    project_id: str
    user_id: str
    generation: int | None = None
    elsewhere: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Provider:
    """A node's resource provider: its inventories, and allocations by consumer."""

    uuid: str
    generation: int
    inventories: dict[str, dict[str, Any]]
    allocations: dict[str, Allocation]

    def is_converted(self, class_name: str) -> bool:
        """Whether the node is one unit of ``class_name`` and nothing else."""
        held = [allocation.resources for allocation in self.allocations.values()]
        return set(self.inventories) == {class_name} and all(
            resources == {class_name: 1} for resources in held
        )

    def equals(self, other: "Provider") -> bool:
        """Whether both have the same inventories, held by the same consumers."""
        mine, others = (
            {consumer: held.resources for consumer, held in one.allocations.items()}
            for one in (self, other)
        )
        return self.inventories == other.inventories and mine == others

    def why_not_convertible(self) -> str | None:
        """The reason for which the node is not as nova-baremetal had it, if any."""
        if strange := sorted(set(self.inventories) - STANDARD):
            return f"its inventory has {', '.join(strange)}, expected only the standard"
        if len(self.allocations) > 1:
            return f"{len(self.allocations)} consumers hold it, expected one instance"
        for consumer, allocation in self.allocations.items():
            if strange := sorted(set(allocation.resources) - STANDARD):
                return f"instance {consumer} holds {', '.join(strange)} of it as well"
            if allocation.elsewhere:
                return (
                    f"instance {consumer} holds resources of provider "
                    f"{allocation.elsewhere[0]} too (a move in flight?)"
                )
        return None


class Placement:
    """The few calls of the Placement API that the conversion needs."""

    def __init__(self, adapter: keystoneauth1.adapter.Adapter) -> None:
        self.adapter = adapter

    def require_rights(self) -> None:
        """See, without a change, that the account may change what is to be changed.

        :raises SidewaysError: Placement's policy forbids it.
        """
        for method, path, body in PROBES:
            self._request(method, path, body, allowed=(400, 404))

    def holds(self, consumer: str) -> list[str]:
        """The providers of which ``consumer`` holds something, by uuid."""
        whole = self._call("GET", f"/allocations/{consumer}") or {}
        return sorted(whole.get("allocations", {}))

    def provider(self, uuid: str, owners: bool = True) -> Provider | None:
        """The provider of node ``uuid`` as it is now; None where there is none.

        :param owners: read whose each allocation is too: a call a consumer, and
            what a change of the allocations needs.
        :raises GenerationConflict: where it changed while it was read.
        """
        base = f"/resource_providers/{uuid}"
        inventories = self._call("GET", f"{base}/inventories", missing_ok=True)
        held = self._call("GET", f"{base}/allocations", missing_ok=True)
        if inventories is None or held is None:
            return None
        generation = inventories["resource_provider_generation"]
        if held["resource_provider_generation"] != generation:
            raise GenerationConflict(f"node {uuid}: its provider keeps changing")
        return Provider(
            uuid=uuid,
            generation=generation,
            inventories=inventories["inventories"],
            allocations={
                consumer: self._allocation(consumer, uuid)
                if owners
                else Allocation(allocation["resources"], "", "")
                for consumer, allocation in held["allocations"].items()
            },
        )

    def _allocation(self, consumer: str, provider: str) -> Allocation:
        whole = self._call("GET", f"/allocations/{consumer}") or {}
        by_provider = whole.get("allocations", {})
        if provider not in by_provider:
            raise GenerationConflict(
                f"node {provider}: {consumer} is being removed from it"
            )
        return Allocation(
            resources=by_provider[provider]["resources"],
            project_id=whole["project_id"],
            user_id=whole["user_id"],
            generation=whole["consumer_generation"],
            elsewhere=tuple(sorted(set(by_provider) - {provider})),
        )

    def custom_traits(self) -> dict[str, list[str]]:
        """The providers, by uuid, that have custom traits, and which."""
        found: dict[str, list[str]] = {}
        query = "?name=startswith:CUSTOM_&associated=true"
        for trait in (self._call("GET", f"/traits{query}") or {})["traits"]:
            body = self._call("GET", f"/resource_providers?required={trait}") or {}
            for provider in body["resource_providers"]:
                found.setdefault(provider["uuid"], []).append(trait)
        return found

    def ensure_class(self, class_name: str) -> bool:
        """Have the resource class; True if it was made now."""
        response = self._request("PUT", f"/resource_classes/{class_name}")
        return response.status_code == requests.codes.created

    def has_class(self, class_name: str) -> bool:
        """Whether the resource class is there."""
        path = f"/resource_classes/{class_name}"
        return self._call("GET", path, missing_ok=True) is not None

    def drop_class(self, class_name: str) -> bool:
        """Delete the resource class; False if something still uses it."""
        path = f"/resource_classes/{class_name}"
        response = self._request("DELETE", path, allowed=(404, 409))
        return response.status_code != requests.codes.conflict

    def reshape(
        self,
        provider: Provider,
        inventories: Inventories,
        allocations: Mapping[str, Allocation],
    ) -> None:
        """Give ``provider`` these inventories and allocations, both or neither.

        :param allocations: one without resources is taken away.
        :raises GenerationConflict: where it has changed since it was read.
        """
        body = {
            "inventories": {
                provider.uuid: {
                    "inventories": inventories,
                    "resource_provider_generation": provider.generation,
                }
            },
            "allocations": {
                consumer: {
                    "allocations": (
                        {provider.uuid: {"resources": allocation.resources}}
                        if allocation.resources
                        else {}
                    ),
                    "project_id": allocation.project_id,
                    "user_id": allocation.user_id,
                    "consumer_generation": (
                        provider.allocations[consumer].generation
                        if consumer in provider.allocations
                        else None
                    ),
                }
                for consumer, allocation in allocations.items()
            },
        }
        self._request("POST", "/reshaper", body)

    def set_inventories(self, provider: Provider, inventories: Inventories) -> None:
        """Replace the inventories alone.

        :raises GenerationConflict: where it has changed since it was read.
        """
        body = {
            "inventories": inventories,
            "resource_provider_generation": provider.generation,
        }
        self._request("PUT", f"/resource_providers/{provider.uuid}/inventories", body)

    def _call(
        self, method: str, path: str, missing_ok: bool = False
    ) -> dict[str, Any] | None:
        response = self._request(method, path, allowed=(404,) if missing_ok else ())
        if response.status_code == requests.codes.not_found:
            return None
        return dict(response.json())

    def _request(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        allowed: tuple[int, ...] = (),
    ) -> requests.Response:
        response = self.adapter.request(
            path, method, json=body, microversion=MICROVERSION, raise_exc=False
        )
        if response.ok or response.status_code in allowed:
            return response
        code, detail = _error(response)
        if code == CONCURRENT_UPDATE:
            raise GenerationConflict(f"{method} {path}: {detail}")
        if response.status_code == requests.codes.forbidden:
            detail += " Use an account with the roles admin and service, as Nova's is."
        raise exceptions.SidewaysError(
            f"Placement refused {method} {path} ({response.status_code}): {detail}"
        )


def _error(response: requests.Response) -> tuple[str, str]:
    """The ``code`` and the words of a Placement error, in one line."""
    try:
        error = response.json()["errors"][0]
        return error.get("code", ""), " ".join(error["detail"].split())
    except (ValueError, LookupError, TypeError):
        return "", response.reason or "no reason given"


#: Repeats a change of one node that lost against a concurrent write.
retry_conflicts = tenacity.retry(
    retry=tenacity.retry_if_exception_type(GenerationConflict),
    stop=tenacity.stop_after_attempt(ATTEMPTS),
    wait=tenacity.wait_random_exponential(multiplier=0.05, max=1),
    reraise=True,
)
