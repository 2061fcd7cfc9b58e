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

"""What a sabotage writes, as a faulty tool would, and how it is taken back."""

import json
import uuid
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ironic_sideways import exceptions
from ironic_sideways.evidence import documents


class Changes:
    """Changes of Ironic's nodes and ports, and of logs.

    :param file: keeps what was there before, for ``mend``.
    """

    def __init__(self, engine: sa.Engine, file: Path) -> None:
        self.engine = engine
        self.file = file
        self._done: list[dict[str, Any]] = documents.read(file) if file.exists() else []

    def select(self, query: str, **values: Any) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            found = connection.execute(sa.text(query), values).mappings()
            return [dict(row) for row in found]

    def used(self, running: bool) -> list[dict[str, Any]]:
        """Nodes with an instance whose machine ran before, or did not, by uuid."""
        before = documents.read(self.file.parent / "evidence" / "before.json")
        on = {m["uuid"] for m in before["machines"] if m["power"] == "on"}
        query = "SELECT * FROM nodes WHERE instance_uuid IS NOT NULL ORDER BY uuid"
        return [node for node in self.select(query) if (node["uuid"] in on) == running]

    def free(self) -> list[dict[str, Any]]:
        """Nodes without an instance, by uuid."""
        return self.select(
            "SELECT * FROM nodes WHERE instance_uuid IS NULL ORDER BY uuid"
        )

    def port(self, node: dict[str, Any]) -> dict[str, Any]:
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

    def set(self, table: str, row: dict[str, Any], **values: Any) -> None:
        """Change a row, and keep what it had."""
        self._keep(
            {"table": table, "id": row["id"], "old": {k: row[k] for k in values}}
        )
        self._update(table, row["id"], values)

    def copy_node(self, node: dict[str, Any]) -> str:
        """Add a node like ``node``, under a uuid of its own, which is returned."""
        fresh = {key: v for key, v in node.items() if key != "id"}
        fresh |= {"uuid": str(uuid.uuid4()), "name": None}
        columns = ", ".join(fresh)
        values = ", ".join(f":{name}" for name in fresh)
        statement = f"INSERT INTO nodes ({columns}) VALUES ({values})"  # noqa: S608
        self._keep({"table": "nodes", "uuid": fresh["uuid"]})
        with self.engine.begin() as connection:
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

    def mend(self) -> int:
        """Take everything back, last first; how many changes."""
        for done in reversed(self._done):
            if "log" in done:
                # A service appends to it: mask in place, and never change the length.
                with Path(done["log"]).open("r+b") as file:
                    file.seek(done["place"])
                    file.write(b"*" * done["length"])
            elif "old" in done:
                self._update(done["table"], done["id"], done["old"])
            else:
                statement = "DELETE FROM nodes WHERE uuid = :uuid"
                with self.engine.begin() as connection:
                    connection.execute(sa.text(statement), {"uuid": done["uuid"]})
        number = len(self._done)
        self._done = []
        self.file.unlink(missing_ok=True)
        return number

    def _keep(self, done: dict[str, Any]) -> None:
        self._done.append(json.loads(json.dumps(done, default=str)))
        documents.write(self.file, self._done)

    def _update(self, table: str, row: int, values: dict[str, Any]) -> None:
        assignments = ", ".join(f"{name} = :{name}" for name in values)
        statement = f"UPDATE {table} SET {assignments} WHERE id = :row"  # noqa: S608
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement), {**values, "row": row})
