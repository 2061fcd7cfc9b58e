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

"""What a written row says of where it comes from, and how a change is noticed.

The provenance stands under one key of ``extra``: the source row, the run, and
a digest of the row as it was written. A second run knows its own rows by it,
and rollback knows which of them Ironic has changed since.
"""

import datetime
import hashlib
import json
from collections.abc import Mapping
from typing import Any

#: The key in ``extra``.
KEY = "nova_bm"
#: Fields of driver_info that no digest and no report may hold.
SECRETS = frozenset({"ipmi_password"})

#: What a conductor writes to a node it takes over and watches, with the value
#: that each has before. The source's updated_at is kept in the provenance.
TAKE_OVER_COLUMNS: Mapping[str, Any] = {
    "power_state": None,
    "conductor_affinity": None,
    "driver_internal_info": None,
    "last_error": None,
    "boot_mode": None,
    "secure_boot": None,
    "health": None,
}
#: The power sync adds the BMC's maker to ``properties`` where it is not there
#: (ironic.conductor.utils.node_cache_vendor); the source knows none.
TAKE_OVER_PROPERTIES = frozenset({"vendor"})
#: Ids are the database's; ``version`` follows the installed Ironic.
_NOT_CONTENT = frozenset({"id", "node_id", "version", "updated_at", "extra"})
#: Of the provenance: an option that makes no difference to the row is none.
_UNSEALED = frozenset({"digest", "options"})
_UNSEEN = _NOT_CONTENT | TAKE_OVER_COLUMNS.keys()
_UNSEEN_KEYS = {"driver_info": SECRETS, "properties": TAKE_OVER_PROPERTIES}


#: Made once: json.dumps would make another for each row.
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), default=datetime.datetime.isoformat
)


def seal(row: dict[str, Any]) -> None:
    """Add to the row's provenance its digest and its updated_at."""
    own = row["extra"][KEY]
    own["updated_at"] = plain(row["updated_at"])
    own["digest"] = digest(row)


def of(row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The provenance of a row of Ironic's, or None: the row is not ours."""
    found = (row["extra"] or {}).get(KEY)
    return found if isinstance(found, dict) and "digest" in found else None


def digest(row: Mapping[str, Any]) -> str:
    """A digest of the row's content, but for secrets and what take-over writes.

    A digest of a password would let readers of ``extra`` guess it.
    """
    shown = {
        name: value
        for name, value in row.items()
        if value is not None and name not in _UNSEEN and value != {}
    }
    for name, unseen in _UNSEEN_KEYS.items():
        if name in shown:
            shown[name] = {k: v for k, v in shown[name].items() if k not in unseen}
    shown["extra"] = {
        **row["extra"],
        KEY: {k: v for k, v in row["extra"][KEY].items() if k not in _UNSEALED},
    }
    return hashlib.sha256(_ENCODER.encode(shown).encode()).hexdigest()[:32]


def changes(row: Mapping[str, Any], *, taken_over: bool) -> list[str]:
    """What of a row of ours is not as it was written; empty: nothing.

    :param taken_over: whether a conductor's own writing at take-over counts as
        no change.
    """
    own = of(row)
    assert own is not None
    found = []
    if digest(row) != own["digest"]:
        found.append("content")
    if row.get("reservation"):
        found.append("reservation")
    if not taken_over:
        found += [
            name
            for name, value in TAKE_OVER_COLUMNS.items()
            if (row.get(name) or None) != own.get(name, value)
        ]
        if plain(row["updated_at"]) != own["updated_at"]:
            found.append("updated_at")
    return found


def is_changed(row: Mapping[str, Any]) -> bool:
    """Whether the content is another than was written; a row of others always is."""
    own = of(row)
    return own is None or digest(row) != own["digest"]


def take_back(node: Any) -> None:
    """Set in Ironic's object of a node of ours what take-over writes, as before.

    The object is for comparing and is never saved.
    """
    own = node.extra[KEY]
    for name, empty in TAKE_OVER_COLUMNS.items():
        before = own.get(name, {} if name == "driver_internal_info" else empty)
        if name in node.fields:
            setattr(node, name, before)
    node.reservation = None
    node.properties = {
        key: value
        for key, value in (node.properties or {}).items()
        if key not in TAKE_OVER_PROPERTIES
    }
    node.updated_at = own["updated_at"]


def plain(value: Any) -> Any:
    """A datetime as text, anything else as it is."""
    return value.isoformat() if isinstance(value, datetime.datetime) else value
