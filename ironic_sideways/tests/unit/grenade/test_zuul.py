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

""".zuul.yaml and its playbooks, parsed: they say what the plugin's settings say."""

import pkgutil
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from tempest.api import compute

from ironic_sideways.trials.tempest import lists

REPOSITORY = Path(__file__).parents[4]
JOB = "grenade-ironic-sideways"
CONFIGURATION = yaml.safe_load((REPOSITORY / ".zuul.yaml").read_text())
JOBS: dict[str, dict[str, Any]] = {
    entry["job"]["name"]: entry["job"] for entry in CONFIGURATION if "job" in entry
}
(PROJECT,) = (entry["project"] for entry in CONFIGURATION if "project" in entry)
TOX_JOBS = [
    "openstack-tox-pep8",
    "openstack-tox-py311",
    "openstack-tox-functional",
]


def merged(name: str) -> dict[str, Any]:
    """A job's variables as Zuul merges them with its parents'."""
    job = JOBS[name]
    below = merged(job["parent"]) if job["parent"] in JOBS else {}
    return combine(below, job.get("vars", {}))


def combine(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    found = dict(below)
    for key, value in above.items():
        known = found.get(key)
        if isinstance(value, dict) and isinstance(known, dict):
            found[key] = combine(known, value)
        else:
            found[key] = value
    return found


def test_the_job_is_grenades_and_the_variants_are_the_jobs():
    assert JOBS[JOB]["parent"] == "grenade"
    assert JOBS[f"{JOB}-back"]["parent"] == JOB
    assert JOBS[f"{JOB}-fake"]["parent"] == JOB
    assert JOBS.keys() == {JOB, f"{JOB}-back", f"{JOB}-fake"}


def test_the_way_back_is_from_a_phase_of_the_window_by_a_name_that_is_read():
    (value,) = JOBS[f"{JOB}-back"]["vars"]["grenade_localrc"].values()
    (name,) = JOBS[f"{JOB}-back"]["vars"]["grenade_localrc"]
    assert (
        f" ${{{name}:-}} " in (REPOSITORY / "devstack/upgrade/upgrade.sh").read_text()
    )
    window = (REPOSITORY / "grenade/upgrade-ironic").read_text()
    assert re.search(rf"^    phase {value} ", window, re.M)
    # The base's smoke tests are off there, too.
    assert merged(f"{JOB}-back")["grenade_localrc"]["BASE_RUN_SMOKE"] is False


def test_it_goes_sideways_on_the_branch_under_test():
    """Grenade's own job goes to it: a branch named here would miss a Depends-On."""
    variables = merged(JOB)
    assert variables["grenade_from_branch"] == "master"
    assert "grenade_to_branch" not in variables


def test_it_has_its_parents_time_and_does_not_vote_yet():
    assert "timeout" not in JOBS[JOB]
    assert JOBS[JOB]["voting"] is False
    assert not [name for name in PROJECT["gate"]["jobs"] if name in JOBS]


def test_ironic_is_required_and_its_own_plugin_is_not_enabled():
    assert "opendev.org/openstack/ironic" in JOBS[JOB]["required-projects"]
    assert list(merged(JOB)["devstack_plugins"]) == ["ironic-sideways"]
    assert not [s for s in merged(JOB)["devstack_services"] if s.startswith("ir-")]


def test_both_sides_say_what_the_settings_say_where_grenade_runs_devstack():
    """devstack_localrc does nothing in Zuul: the same values must be here.

    Grenade's own job has its ranges; these are of its .zuul.yaml (0a5e3bf).
    """
    text = (REPOSITORY / "devstack/upgrade/settings").read_text()
    array = text.partition("SIDEWAYS_LOCALRC=(\n")[2].partition("\n)")[0]
    said = dict(line.strip().strip("'").split("=", 1) for line in array.splitlines())
    parents = {
        "NETWORK_GATEWAY": "10.1.0.1",
        "FIXED_RANGE": "10.1.0.0/20",
        "IPV4_ADDRS_SAFE_TO_USE": "10.1.0.0/20",
        "FIXED_NETWORK_SIZE": "4096",
    }
    local = parents | merged(JOB)["grenade_devstack_localrc"]["shared"]
    for name, value in said.items():
        default = re.sub(rf"^\$\{{{name}:-(.*)\}}$", r"\1", value)
        assert local[name] == default


@pytest.mark.parametrize(
    ("name", "driver"), [(JOB, "nova_bm"), (f"{JOB}-fake", "fake")]
)
def test_the_variant_differs_in_the_base_driver_alone(name, driver):
    local = merged(name)["grenade_devstack_localrc"]
    assert local["old"] == {"IRONIC_SIDEWAYS_BASE_DRIVER": driver}
    assert local["shared"] == merged(JOB)["grenade_devstack_localrc"]["shared"]


def test_the_plugin_knows_each_variable_that_is_its_own():
    known = (REPOSITORY / "devstack/settings").read_text()
    for side in merged(JOB)["grenade_devstack_localrc"].values():
        for name in side:
            if name.startswith("IRONIC_SIDEWAYS"):
                assert f"{name}=${{{name}:-" in known


def test_the_bases_smoke_tests_are_off():
    """They boot virtual servers, which no bare-metal base has."""
    assert merged(JOB)["grenade_localrc"]["BASE_RUN_SMOKE"] is False


def selected() -> list[str]:
    """The test modules of the installed Tempest's that the job runs."""
    pattern = re.compile(merged(JOB)["tempest_test_regex"])
    found = pkgutil.walk_packages(compute.__path__, f"{compute.__name__}.")
    names = [m.name for m in found if m.name.rpartition(".")[2].startswith("test_")]
    return [name for name in names if pattern.search(name)]


def test_each_alternative_of_tempests_selection_is_a_test_of_tempest():
    text = merged(JOB)["tempest_test_regex"]
    ((admin, others),) = re.findall(r"\(admin\\.test_\((.*?)\)\|(.*)\)$", text)
    begins = [f"admin.test_{one}" for one in admin.split("|")]
    begins += others.replace("\\", "").split("|")
    assert len(begins) == 7

    names = [name.removeprefix("tempest.api.compute.") for name in selected()]

    for begin in begins:
        assert [name for name in names if name.startswith(begin)], begin
    assert len(names) > 10


def test_the_job_runs_of_tempest_what_the_plugin_itself_runs():
    """What was never seen green would tell nothing of a change."""
    lines = lists.SELECTION.read_text().splitlines()
    known = [re.compile(line) for line in lines if line and not line.startswith("#")]
    for name in selected():
        assert [one for one in known if one.search(f"{name}.")], name
    pattern = re.compile(merged(JOB)["tempest_test_regex"])
    assert not [one.name for one in lists.excluded() if pattern.search(one.name)]


def test_the_evidence_is_fetched_as_it_is_and_the_links_lead_to_it():
    """zuul_copy_output renames logs (extensions_to_txt), which the page links to."""
    assert "zuul_copy_output" not in merged(JOB)
    (play,) = yaml.safe_load((REPOSITORY / JOBS[JOB]["post-run"]).read_text())
    fetch, returned = play["tasks"][-2:]
    place = fetch["ansible.posix.synchronize"]
    assert place["src"] == "{{ evidence }}/"
    (folder,) = re.findall(r"^\{\{ zuul.executor.log_root \}\}/(.*)$", place["dest"])
    artifacts = returned["zuul_return"]["data"]["zuul"]["artifacts"]
    urls = [artifact["url"] for artifact in artifacts]
    assert urls == [f"{folder}report.html", folder]


def test_nobody_needs_to_read_another_users_home():
    (play,) = yaml.safe_load((REPOSITORY / JOBS[JOB]["post-run"]).read_text())
    assert "ansible_user_dir" not in str(play)
    assert play["vars"]["repository"] == "/opt/stack/new/ironic-sideways"


def test_a_run_that_ended_early_gets_its_page_before_the_links():
    (play,) = yaml.safe_load((REPOSITORY / JOBS[JOB]["post-run"]).read_text())
    write, _, give = play["tasks"][-3:]

    assert "zuul_return" in give
    assert write["when"] == "begun.stat.exists and not report.stat.exists"
    command = write["ansible.builtin.command"]["cmd"]
    script, verb = command.rpartition("}}/")[2].split()
    known = (REPOSITORY / script).read_text()
    assert f"# Usage: after-upgrade judge|{verb}\n" in known
    assert write["environment"] == {"DEPLOYMENT": "devstack"}


def test_every_job_runs_in_check_and_those_that_vote_in_the_gate():
    variants = [f"{JOB}-back", f"{JOB}-fake"]
    assert PROJECT["check"]["jobs"] == [*TOX_JOBS, JOB, *variants]
    assert PROJECT["gate"]["jobs"] == TOX_JOBS


def test_the_tox_jobs_have_environments():
    text = (REPOSITORY / "tox.ini").read_text()
    for job in TOX_JOBS:
        name = job.removeprefix("openstack-tox-").replace("py311", "py3")
        if job.startswith("openstack-tox"):
            assert f"[testenv:{name}]" in text
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"
