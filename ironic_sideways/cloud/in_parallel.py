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

"""The same work on many nodes, several at once, and what is told of it."""

import concurrent.futures
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from ironic_sideways import exceptions

#: Nodes whose calls are under way at once; a connection is kept for each (requests
#: keeps ten).
WORKERS = 8

#: Is told one line.
Tell = Callable[[str], None]
#: Is told how many nodes are done.
Progress = Callable[[int], None]
Result = TypeVar("Result")


def look(
    nodes: Sequence[str], work: Callable[[str], Result], progress: Progress
) -> dict[str, Result]:
    """What ``work`` says of each node.

    The first error ends it, once what had begun has ended.
    """
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        futures = {pool.submit(work, uuid): uuid for uuid in nodes}
        try:
            for done, future in enumerate(concurrent.futures.as_completed(futures), 1):
                future.result()
                progress(done)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return {uuid: future.result() for future, uuid in futures.items()}


def refuse(reasons: Mapping[str, str], total: int, tell: Tell) -> None:
    """Tell each node's reason, and end the run if there is one.

    :raises SidewaysError: where a node is refused.
    """
    for uuid, reason in reasons.items():
        tell(f"node {uuid}: {reason}")
    if reasons:
        raise exceptions.SidewaysError(
            f"{len(reasons)} of {total} nodes refused; nothing was changed"
        )


def change(
    nodes: Sequence[str],
    work: Callable[[str], None],
    follow_up: str,
    progress: Progress,
) -> None:
    """Change each node.

    :raises FollowUpNeeded: where some nodes were changed and others not.
    :raises SidewaysError: of the first node, where none was changed.
    """
    done: list[str] = []
    failed: list[str] = []

    def one(uuid: str) -> None:
        try:
            work(uuid)
        except Exception:
            failed.append(uuid)
            raise
        done.append(uuid)

    try:
        look(nodes, one, progress)
    except (Exception, KeyboardInterrupt) as error:
        if not done and isinstance(error, exceptions.SidewaysError):
            raise
        where = f"{failed[0]}: " if failed else ""
        raise exceptions.FollowUpNeeded(
            f"{len(done)} of {len(nodes)} nodes done, then {where}"
            f"{exceptions.line(error)}; {follow_up}"
        ) from error
