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

"""Arbitrary nova_bm contents, for hypothesis: sound but for a few columns."""

import datetime
import os
from typing import Any

import hypothesis
from hypothesis import strategies as st

from ironic_sideways.nova_bm import states
from ironic_sideways.tests import rows

#: What a VARCHAR may hold: control characters and emoji too.
odd_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=36)
#: What an INT may hold, its ends above all.
numbers = (
    st.none()
    | st.sampled_from([-(2**31), -1, 0, 1, 2**31 - 1])
    | st.integers(-(2**31), 2**31 - 1)
)
#: Servers without NO_ZERO_DATE took such dates, and keep them.
ZERO_DATES = ("0000-00-00 00:00:00", "2014-00-00 00:00:00")
times = (
    st.none()
    | st.sampled_from(ZERO_DATES)
    | st.datetimes(datetime.datetime(1000, 1, 1), datetime.datetime(9999, 12, 31)).map(
        lambda time: time.isoformat(" ", "seconds")
    )
)
task_states = st.sampled_from(
    [*states.FREE, *states.IN_FLIGHT, *states.FAILED, states.ACTIVE]
)
macs = st.text("0123456789abcdefABCDEF", min_size=12, max_size=12).map(
    lambda digits: ":".join(digits[i : i + 2] for i in range(0, 12, 2))
)
deleted = st.sampled_from([0, 0, 0, 1, None])


def mostly(sound: Any, other: st.SearchStrategy) -> st.SearchStrategy:
    """``sound`` nine times in ten."""
    return st.integers(0, 9).flatmap(lambda n: other if n == 0 else st.just(sound))


@st.composite
def node(draw: st.DrawFn, number: int) -> list[dict[str, Any]]:
    """A bm_nodes row with its bm_interfaces rows, sound but for a few columns."""
    base = rows.used_node if draw(st.booleans()) else rows.free_node
    row = base(number)
    odd: dict[str, st.SearchStrategy] = {
        "uuid": st.none() | odd_text,
        "deleted": deleted,
        "cpus": numbers,
        "memory_mb": numbers,
        "local_gb": numbers,
        "root_mb": numbers,
        "swap_mb": numbers,
        "ephemeral_mb": numbers,
        "terminal_port": numbers,
        "preserve_ephemeral": st.sampled_from([None, 0, 1]),
        "pm_address": st.none() | odd_text | st.just("10.0.0.1"),
        "pm_user": st.none() | odd_text,
        "pm_password": st.none() | odd_text,
        "service_host": st.none() | odd_text,
        "instance_uuid": st.none() | odd_text | st.just(rows.instance_uuid(1)),
        "instance_name": st.none() | odd_text,
        "image_path": st.none() | odd_text,
        "pxe_config_path": st.none() | odd_text,
        "task_state": task_states | odd_text,
        "deploy_key": st.none() | odd_text,
        "created_at": times,
        "updated_at": times,
        "deleted_at": times,
    }
    for column in draw(st.lists(st.sampled_from(sorted(odd)), max_size=3)):
        row[column] = draw(odd[column])
    made = [row]
    for card in range(draw(st.integers(0, 2))):
        made.append(
            rows.interface(
                number,
                card,
                address=draw(
                    mostly(rows.mac(number, card), st.none() | odd_text | macs)
                ),
                vif_uuid=draw(
                    st.none() | mostly(rows.vif_uuid(number * 10 + card), odd_text)
                ),
                deleted=draw(mostly(0, deleted)),
                datapath_id=draw(st.none() | odd_text),
                port_no=draw(numbers),
                created_at=draw(times),
                updated_at=draw(times),
                deleted_at=draw(mostly(None, times)),
            )
        )
    return made


@st.composite
def orphan(draw: st.DrawFn, number: int) -> list[dict[str, Any]]:
    """A bm_interfaces row whose node is not there, or no node at all."""
    return [
        rows.interface(
            900 + number,
            bm_node_id=draw(st.none() | st.just(900)),
            address=draw(st.none() | st.just(rows.mac(1)) | odd_text | macs),
            vif_uuid=draw(st.none() | odd_text),
            deleted=draw(deleted),
        )
    ]


def settings(ci: int, soak: int) -> hypothesis.settings:
    """How often a property is tried: the same examples each time, or many new ones."""
    many = bool(os.environ.get("IRONIC_SIDEWAYS_SOAK"))
    return hypothesis.settings(
        max_examples=soak if many else ci,
        derandomize=not many,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


contents = st.integers(0, 4).flatmap(
    lambda count: st.tuples(
        *(node(number) for number in range(1, count + 1)),
        *(mostly([], orphan(number)) for number in range(2)),
    )
)
