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

"""A node's way through a deploy, kept where it changed."""

import types

import openstack.exceptions

from ironic_sideways.evidence import node_watch


def node(state: str, step: str | None = None, heard: str | None = None):
    internal = {"agent_last_heartbeat": heard, "agent_version": "13.0.0"}
    return types.SimpleNamespace(
        id="node-1",
        deploy_interface="direct",
        provision_state=state,
        deploy_step={"step": step} if step else {},
        clean_step=None,
        driver_internal_info=internal if heard else {},
    )


def test_what_stays_as_it_is_is_kept_once():
    watch = node_watch.Watch(100.0)
    for moment, state in ((101, "deploying"), (102, "deploying"), (103, "active")):
        watch.see(node(state), moment)

    assert watch.record()["changes"] == [
        {"after": 1, "state": "deploying", "step": None},
        {"after": 3, "state": "active", "step": None},
    ]


def test_each_step_of_one_state_is_a_change():
    watch = node_watch.Watch(100.0)
    for moment, step in ((101, "deploy"), (110, "write_image"), (115, "write_image")):
        watch.see(node("wait call-back", step), moment)

    steps = [(c["after"], c["step"]) for c in watch.record()["changes"]]
    assert steps == [(1, "deploy"), (10, "write_image")]


def test_the_heartbeat_of_an_earlier_agent_is_none_of_this_one():
    watch = node_watch.Watch(100.0)
    watch.see(node("active", heard="of long ago"), 101)
    watch.see(node("wait call-back", heard="of long ago"), 105)
    assert watch.record()["agent"] is None

    watch.see(node("wait call-back", heard="of now"), 131)
    watch.see(node("active", heard="of later"), 140)

    assert watch.record()["agent"] == {"version": "13.0.0", "after": 31}


def test_an_instance_without_node_shows_nothing():
    watch = node_watch.Watch(100.0)
    watch.see(None, 101)

    assert watch.record()["node"] is None
    assert watch.record()["changes"] == []


def test_a_watch_sees_how_it_ended_and_outlives_an_answer_that_does_not_come(
    monkeypatch,
):
    monkeypatch.setattr(node_watch, "INTERVAL", 0.001)
    answers = iter([openstack.exceptions.HttpException("503")])
    fast = 0

    def look():
        nonlocal fast
        fast += 1
        for answer in answers:
            raise answer
        return node("deploying" if fast < 4 else "active")

    with node_watch.watching(look) as watch:
        while fast < 3:
            pass

    assert watch.record()["changes"][-1]["state"] == "active"
