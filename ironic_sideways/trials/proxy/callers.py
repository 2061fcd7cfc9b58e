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

"""The callers: temporary keystone users, and tokens that are not valid."""

import contextlib
import dataclasses
import secrets
import time
from collections.abc import Iterator

import msgpack
from cryptography.fernet import Fernet
from keystoneauth1 import session
from keystoneauth1.identity import v3
from openstack.connection import Connection

from ironic_sideways.lab import cloud
from ironic_sideways.lab.layout import Layout

PREFIX = "ironic-sideways-proxy"


@dataclasses.dataclass(frozen=True)
class Callers:
    """Tokens, by what their bearers are; ``project`` owns the nodes."""

    project: str
    other_project: str
    admin: str
    other_admin: str
    system_admin: str
    member: str
    reader: str
    expired: str
    revoked: str

    @property
    def authenticated(self) -> dict[str, str]:
        """Everybody with a valid token."""
        names = ("admin", "other_admin", "system_admin", "member", "reader")
        return {name: getattr(self, name) for name in names}


@contextlib.contextmanager
def made(layout: Layout) -> Iterator[Callers]:
    """Create the users; delete them at the end, and those of a killed run too."""
    admin = cloud.connect(layout, "admin")
    system = cloud.connect(layout, "system")
    _remove(admin)
    own = admin.current_project_id
    assert own
    try:
        other = admin.identity.create_project(name=PREFIX, domain_id="default").id
        other_admin = _token(admin, layout, "admin", other)
        yield Callers(
            project=own,
            other_project=other,
            admin=admin.auth_token,
            other_admin=other_admin,
            system_admin=system.auth_token,
            member=_token(admin, layout, "member", own),
            reader=_token(admin, layout, "reader", own),
            expired=_expired(admin, layout, other_admin),
            revoked=_revoked(admin, _token(admin, layout, "admin", own)),
        )
    finally:
        _remove(admin)


def _token(admin: Connection, layout: Layout, role_name: str, project: str) -> str:
    """A token of a new user who has ``role_name`` on ``project``."""
    identity = admin.identity
    password = secrets.token_urlsafe(16)
    user = identity.create_user(
        name=f"{PREFIX}-{secrets.token_hex(4)}", password=password, domain_id="default"
    )
    role = identity.find_role(role_name, ignore_missing=False)
    identity.assign_project_role_to_user(project, user, role)
    auth = v3.Password(
        auth_url=layout.url("keystone") + "/v3",
        user_id=user.id,
        password=password,
        project_id=project,
    )
    return str(auth.get_token(session.Session()))


def _revoked(admin: Connection, token: str) -> str:
    """``token``, after keystone has revoked it."""
    headers = {"X-Subject-Token": token}
    admin.identity.delete("/auth/tokens", headers=headers).raise_for_status()
    return token


def _expired(admin: Connection, layout: Layout, token: str) -> str:
    """``token`` as keystone issued it, but with its end an hour ago.

    A Fernet token is a msgpack list whose only float is ``expires_at``
    (keystone.token.token_formatters); keystone's own key signs it again.

    :raises HttpError: keystone does not recognise it as an expired token.
    """
    keys = layout.etc / "keystone" / "fernet-keys"
    newest = max(keys.iterdir(), key=lambda path: int(path.name))
    fernet = Fernet(newest.read_bytes())
    payload = msgpack.unpackb(fernet.decrypt(token + "=" * (-len(token) % 4)))
    past = time.time() - 3600
    payload = [past if isinstance(item, float) else item for item in payload]
    issued = fernet.encrypt_at_time(msgpack.packb(payload), int(past) - 3600)
    found = issued.rstrip(b"=").decode()
    headers = {"X-Subject-Token": found}
    admin.identity.get(
        "/auth/tokens", params={"allow_expired": "1"}, headers=headers
    ).raise_for_status()
    return found


def _remove(admin: Connection) -> None:
    identity = admin.identity
    for user in identity.users():
        if user.name.startswith(PREFIX):
            identity.delete_user(user)
    for project in identity.projects(name=PREFIX):
        identity.delete_project(project)
