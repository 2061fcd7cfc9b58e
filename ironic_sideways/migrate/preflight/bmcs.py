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


"""Ask each node's BMC for its power state, with what Ironic would be given."""

import shutil
from collections.abc import Callable
from concurrent import futures
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ironic_sideways import exceptions, ipmi
from ironic_sideways.migrate import classify, mapping, plan, work
from ironic_sideways.nova_bm import reader

if TYPE_CHECKING:
    from ironic_sideways.migrate.preflight import instances

#: BMCs that are asked at a time, each by an ipmitool of its own.
WORKERS = 16
#: Seconds for one BMC; one that is not there may take them all.
TIMEOUT_S = 20.0
#: Ironic's default where driver_info names no ipmi_port.
DEFAULT_PORT = 623


class Bmcs:
    """Checks the rows against the BMCs' answers.

    :param nova: what Nova says of the instances, if it was asked before.
    :param progress: told of each BMC that was asked.
    """

    knows_instances = False

    def __init__(
        self,
        plan_: plan.Plan,
        nova: "instances.Instances | None",
        progress: work.Progress,
    ) -> None:
        self._plan = plan_
        self._nova = nova
        self._progress = progress
        self._advance: Callable[[int], None] | None = None

    def begin(self, source: sa.Connection) -> None:
        """See that there is an ipmitool.

        :raises SidewaysError: there is none.
        """
        if shutil.which("ipmitool") is None:
            raise exceptions.SidewaysError(
                "--ask-bmcs: ipmitool is not installed: install the package ipmitool"
            )
        self._advance = self._progress("check: BMCs", reader.count(source))

    def judge(self, verdicts: list[classify.Verdict]) -> None:
        """Refuse rows whose BMC does not answer; rows refused before are not asked."""
        asked = [
            verdict
            for verdict in verdicts
            if verdict.outcome in (classify.Outcome.MIGRATE, classify.Outcome.PRESENT)
        ]
        assert self._advance is not None
        self._advance(len(verdicts) - len(asked))
        with futures.ThreadPoolExecutor(WORKERS) as pool:
            answers = {
                pool.submit(ipmi.power_status, self._bmc(verdict), TIMEOUT_S): verdict
                for verdict in asked
            }
            try:
                for answer in futures.as_completed(answers):
                    self._hear(answers[answer], answer)
                    self._advance(1)
            except BaseException:
                # On Ctrl-C the BMCs that wait their turn are not asked any more.
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def end(self) -> list[str]:
        """Nothing beyond the rows."""
        return []

    def _bmc(self, verdict: classify.Verdict) -> ipmi.Bmc:
        mapped = mapping.map_node(
            verdict.source, verdict.interfaces, self._plan.options, self._plan.stamp
        )
        info = mapped.node["driver_info"]
        suite = info.get("ipmi_cipher_suite")
        return ipmi.Bmc(
            info["ipmi_address"],
            int(info.get("ipmi_port") or DEFAULT_PORT),
            info["ipmi_username"],
            info["ipmi_password"],
            None if suite is None else int(suite),
        )

    def _hear(self, verdict: classify.Verdict, answer: futures.Future) -> None:
        try:
            state = answer.result()
        except exceptions.SidewaysError as error:
            verdict.refuse(str(error))
            return
        verdict.notes += self._power_notes(verdict, state == "on")

    def _power_notes(self, verdict: classify.Verdict, is_on: bool) -> list[str]:
        """Ironic adopts what the BMC says; a person may be surprised by it."""
        uuid = verdict.source.instance_uuid
        told = "on" if is_on else "off"
        if not uuid:
            return ["the node is free, and its machine is on"] if is_on else []
        known = self._nova.get(uuid) if self._nova else None
        if known is None:
            return [] if is_on else ["it has an instance, and its machine is off"]
        if known.runs == is_on:
            return []
        return [f"instance {uuid} is {known.vm_state} for Nova, and its machine is "
                f"{told}"]  # fmt: skip
