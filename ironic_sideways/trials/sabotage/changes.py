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

"""What a sabotage changes, as a faulty tool would, and how it is taken back."""

import json
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.evidence import documents
from ironic_sideways.lab import services
from ironic_sideways.lab.layout import Layout

if TYPE_CHECKING:
    from openstack.connection import Connection

Row = dict[str, Any]

IRONIC = "ironic"


class Changes:
    """Changes of rows, files, services, and of what an API keeps.

    :param engine: of a database, by its name.
    :param layout: of the lab; ``sabotage.json`` there keeps what was before, for
        ``mend``, and ``sabotaged-files`` what was in files.
    :param cloud: connects as the administrator.
    """

    def __init__(
        self,
        engine: Callable[[str], sa.Engine],
        layout: Layout,
        cloud: "Callable[[], Connection]",
    ) -> None:
        self.engine = engine
        self.layout = layout
        self.cloud = cloud
        self.file = layout.directory / "sabotage.json"
        self._done: list[Row] = documents.read(self.file) if self.file.exists() else []

    def select(self, query: str, database: str = IRONIC, **values: Any) -> list[Row]:
        with self.engine(database).connect() as connection:
            found = connection.execute(sa.text(query), values).mappings()
            return [dict(row) for row in found]

    def used(self, running: bool) -> list[Row]:
        """Nodes with an instance whose machine ran before, or did not, by uuid."""
        before = documents.read(self.layout.evidence / "before.json")
        on = {m["uuid"] for m in before["machines"] if m["power"] == "on"}
        query = "SELECT * FROM nodes WHERE instance_uuid IS NOT NULL ORDER BY uuid"
        return [node for node in self.select(query) if (node["uuid"] in on) == running]

    def free(self) -> list[Row]:
        """Nodes without an instance, by uuid."""
        return self.select(
            "SELECT * FROM nodes WHERE instance_uuid IS NULL ORDER BY uuid"
        )

    def port(self, node: Row) -> Row:
        """The one with the VIF, or the first.

        :raises SidewaysError: the node has none.
        """
        query = (
            "SELECT * FROM ports WHERE node_id = :id"
            " ORDER BY internal_info LIKE '%tenant_vif_port_id%' DESC, id"
        )
        found = self.select(query, id=node["id"])
        if not found:
            raise exceptions.SidewaysError(f"Ironic node {node['uuid']} has no port")
        return found[0]

    def set(self, table: str, row: Row, database: str = IRONIC, **values: Any) -> None:
        """Change a row, and keep what it had.

        :raises SidewaysError: it does not have the new values then.
        """
        old = {key: row[key] for key in values}
        done = {"table": table, "database": database, "id": row["id"]}
        self._keep({**done, "old": old})
        self._update(done, values)
        query = f"SELECT * FROM {table} WHERE id = :id"  # noqa: S608
        (now,) = self.select(query, database, id=row["id"])
        if wrong := {key: now[key] for key in values if now[key] != values[key]}:
            raise exceptions.SidewaysError(
                f"{table} row {row['id']}: expected {values}, found {wrong}"
            )

    def copy(self, table: str, row: Row, database: str = IRONIC, **other: Any) -> str:
        """Add a row like ``row``, under a uuid of its own, which is returned.

        :param other: what it has instead of ``row``'s.
        """
        fresh = {key: value for key, value in row.items() if key != "id"}
        fresh |= {"uuid": str(uuid.uuid4()), **other}
        engine = self.engine(database)
        columns = ", ".join(map(engine.dialect.identifier_preparer.quote, fresh))
        values = ", ".join(f":{name}" for name in fresh)
        statement = f"INSERT INTO {table} ({columns}) VALUES ({values})"  # noqa: S608
        self._keep({"table": table, "database": database, "uuid": fresh["uuid"]})
        with engine.begin() as connection:
            connection.execute(sa.text(statement), fresh)
        return str(fresh["uuid"])

    def tell(self, log: Path, before: str, secret: str, after: str) -> None:
        """Append the line ``before secret after`` to ``log``.

        Only the secret's position is kept: a copy of the secret would be another leak.
        """
        place = log.stat().st_size + len(before.encode())
        self._keep({"log": str(log), "place": place, "length": len(secret.encode())})
        with log.open("a") as file:
            file.write(f"{before}{secret}{after}\n")

    def put_aside(self, path: Path, grows: bool = False) -> Path:
        """Remove a file, and return where it is kept.

        :param grows: a service goes on with it: it is emptied in place, and ``mend``
            keeps what came since.
        """
        kept = self.layout.directory / "sabotaged-files" / path.name
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        self._keep({"file": str(path), "kept": str(kept), "grows": grows})
        if grows:
            shutil.copy2(path, kept)
            os.truncate(path, 0)
        else:
            path.rename(kept)
        return kept

    def stop(self, *names: str) -> None:
        """Stop services of the lab; ``mend`` starts them."""
        self._keep({"start": list(names)})
        services.stop(self.layout, names)

    def ask(
        self,
        service: str,
        path: str,
        body: Row | None,
        back: Row | None,
        *,
        method: str = "PUT",
        version: str | None = None,
        back_path: str = "",
    ) -> Row:
        """Send ``body`` to an API; ``mend`` sends ``back``. Returns the answer.

        :param version: the microversion.
        :param back_path: where ``back`` goes, if not to ``path``.
        """
        request: Row = {"service": service, "path": path, "method": method}
        request["version"] = version
        self._keep({**request, "path": back_path or path, "body": back})
        return self._send({**request, "body": body})

    def will_rename(self, node: str, wrong: str, right: str) -> None:
        """Keep that nova-compute will report ``node`` as of the class ``wrong``."""
        self._keep({"provider": node, "wrong": wrong, "right": right})

    def _rename(self, done: Row) -> None:
        """What Placement has of a wrong class is of the right one, and it is gone."""
        path = f"/resource_providers/{done['provider']}/inventories"
        request: Row = {"service": "placement", "version": "1.36", "body": None}
        found = self._send({**request, "path": path, "method": "GET"})
        had = found["inventories"]
        if done["wrong"] in had:
            had[done["right"]] = had.pop(done["wrong"])
            self._send({**request, "path": path, "method": "PUT", "body": found})
            gone = f"/resource_classes/{done['wrong']}"
            self._send({**request, "path": gone, "method": "DELETE"})

    def mend(self) -> int:
        """Take everything back, last first; how many changes."""
        for done in reversed(self._done):
            kind = next(key for key in self.BACK if key in done)
            self.BACK[kind](self, done)
        number = len(self._done)
        self._done = []
        self.file.unlink(missing_ok=True)
        shutil.rmtree(self.layout.directory / "sabotaged-files", ignore_errors=True)
        return number

    def _keep(self, done: Row) -> None:
        self._done.append(json.loads(json.dumps(done, default=str)))
        documents.write(self.file, self._done)

    def _update(self, done: Row, values: Row) -> None:
        assignments = ", ".join(f"{name} = :{name}" for name in values)
        statement = f"UPDATE {done['table']} SET {assignments} WHERE id = :row"  # noqa: S608
        with self.engine(done["database"]).begin() as connection:
            connection.execute(sa.text(statement), {**values, "row": done["id"]})

    def _delete(self, done: Row) -> None:
        statement = f"DELETE FROM {done['table']} WHERE uuid = :uuid"  # noqa: S608
        with self.engine(done["database"]).begin() as connection:
            connection.execute(sa.text(statement), {"uuid": done["uuid"]})

    def _mask(self, done: Row) -> None:
        # A service appends to it: mask in place, and never change the length.
        with Path(done["log"]).open("r+b") as file:
            file.seek(done["place"])
            file.write(b"*" * done["length"])

    def _put_back(self, done: Row) -> None:
        path, kept = Path(done["file"]), Path(done["kept"])
        if done["grows"]:
            # In place: the service that has it open goes on there.
            path.write_bytes(kept.read_bytes() + path.read_bytes())
        elif kept.exists():
            kept.replace(path)

    def _send(self, done: Row) -> Row:
        response = getattr(self.cloud(), done["service"]).request(
            done["path"],
            done["method"],
            json=done["body"],
            microversion=done["version"],
            raise_exc=False,
        )
        if not response.ok:
            raise exceptions.SidewaysError(
                f"{done['method']} {done['path']}: {response.status_code} "
                f"{' '.join(response.text.split())}"
            )
        return dict(response.json()) if response.content else {}

    #: How each kind of change goes back, by the key that its record alone has.
    BACK: ClassVar[dict[str, Callable[["Changes", Row], object]]] = {
        "log": _mask,
        "file": _put_back,
        "start": lambda self, done: services.start(self.layout, done["start"]),
        "service": _send,
        "provider": _rename,
        "old": lambda self, done: self._update(done, done["old"]),
        "uuid": _delete,
    }
