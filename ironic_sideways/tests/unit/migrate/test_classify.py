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

"""Which rows move, which are skipped or refused, and what is said of them."""

import dataclasses

import pytest

from ironic_sideways.migrate import choices, classify, mapping
from ironic_sideways.tests import rows, samples

OPTIONS = choices.Options(resource_class="baremetal", owner=None, node_arch="x86_64")


def judge(*found: dict, **policy: object) -> classify.Verdict:
    """The verdict on a row and its interfaces; its instance boots from its disk."""
    return classify.classify(
        samples.source(*found),
        OPTIONS,
        classify.Policy(**{"boot_from_disk": True, **policy}),  # type: ignore[arg-type]
    )


def test_nodes_at_rest_move_with_their_interfaces() -> None:
    verdict = judge(rows.free_node(1), rows.interface(1), rows.interface(1, card=1))
    assert verdict.outcome is classify.Outcome.MIGRATE
    assert [card.id for card in verdict.interfaces] == [10, 11]
    assert verdict.reasons == verdict.notes == []


@pytest.mark.parametrize("task_state", [None, "deleted"])
def test_a_free_node_is_free_whether_it_was_used_before_or_never(
    task_state: str | None,
) -> None:
    verdict = judge(rows.free_node(1, task_state=task_state), rows.interface(1))
    assert verdict.outcome is classify.Outcome.MIGRATE


@pytest.mark.parametrize(
    "task_state", ["deploying", "deploy complete", "deploy failed", "error"]
)
def test_t4_a_free_node_with_a_stale_word_moves_when_the_operator_says_so(
    task_state: str,
) -> None:
    free = (rows.free_node(1, task_state=task_state), rows.interface(1))
    refused = judge(*free)
    assert refused.outcome is classify.Outcome.REFUSE
    assert "say --stale-states-free" in refused.reasons[0]
    moved = judge(*free, stale_states_free=True)
    assert moved.outcome is classify.Outcome.MIGRATE
    assert moved.notes == [f"free, though task_state says {task_state!r}"]
    used = judge(
        rows.used_node(1, task_state=task_state),
        rows.plugged(1),
        stale_states_free=True,
    )
    assert used.outcome is classify.Outcome.REFUSE


def test_every_reason_is_said_at_once() -> None:
    verdict = judge(
        rows.used_node(1, uuid=None, pm_user=None, task_state="error"),
        rows.plugged(1, address="x"),
    )
    assert len(verdict.reasons) == 4


def test_selected_hosts_and_nodes_alone_move() -> None:
    row = (rows.free_node(1), rows.interface(1))
    assert judge(*row, service_hosts=frozenset({"compute-1"})).outcome == "migrate"
    assert judge(*row, service_hosts=frozenset({"compute-2"})).outcome == "skip"
    assert judge(*row, nodes=frozenset({rows.node_uuid(1)})).outcome == "migrate"
    assert judge(*row, nodes=frozenset({rows.node_uuid(2)})).outcome == "skip"


def test_what_is_missing_but_not_needed_is_noted() -> None:
    verdict = judge(rows.free_node(1, cpus=None))
    assert verdict.outcome is classify.Outcome.MIGRATE
    assert verdict.notes == [
        "cpus is NULL: the node's properties lack it",
        "no network interface moves with it",
    ]


def test_a_class_by_shape_needs_the_whole_shape() -> None:
    def shaped(**changed: int | None) -> classify.Verdict:
        return classify.classify(
            samples.source(rows.free_node(1, **changed), rows.interface(1)),
            dataclasses.replace(OPTIONS, resource_class_by_shape=True),
            classify.Policy(),
        )

    assert shaped().resource_class == "baremetal-x86_64-4c-8192m-100g"
    verdict = shaped(cpus=None, local_gb=None)
    assert verdict.reasons == [
        "cpus, local_gb NULL: --resource-class-by-shape makes the class of cpus, "
        "memory_mb and local_gb"
    ]


#: A node with two NICs and a VIF on each, and on the first alone.
TWO = (
    rows.plugged(1),
    rows.interface(1, card=1, vif_uuid=rows.vif_uuid(2)),
)
ONE = (rows.plugged(1), rows.interface(1, card=1))


def with_vifs(
    cards: tuple[dict, ...], **options: object
) -> tuple[classify.Verdict, dict[str, str]]:
    """The verdict on used node 1, and MAC -> VIF of the ports that are written."""
    source = samples.source(rows.used_node(1), *cards)
    chosen = dataclasses.replace(OPTIONS, **options)  # type: ignore[arg-type]
    verdict = classify.classify(source, chosen, classify.Policy(boot_from_disk=True))
    made = mapping.map_node(source, verdict.interfaces, chosen, samples.STAMP)
    if verdict.outcome is classify.Outcome.MIGRATE:
        assert samples.differences(source, made, options=chosen) == []
    vifs = {
        p["address"]: p["internal_info"].get("tenant_vif_port_id") for p in made.ports
    }
    return verdict, {mac: vif for mac, vif in vifs.items() if vif}


def test_t2_a_vif_goes_to_the_nic_with_the_address_of_its_port() -> None:
    first, second = rows.vif_uuid(1), rows.vif_uuid(2)
    mac, other = rows.mac(1), rows.mac(1, card=1)
    for cards, told in (
        (TWO, {first: other, second: mac}),
        (TWO, {first: mac, second: other}),
        (ONE, {first: other}),
        (ONE, {first: mac}),
    ):
        verdict, vifs = with_vifs(cards, vif_macs=told)
        assert verdict.outcome is classify.Outcome.MIGRATE
        assert vifs == {address: vif for vif, address in told.items()}
        assert bool(verdict.notes) is (told[first] != mac)


@pytest.mark.parametrize("cards", [ONE, TWO])
def test_t2_several_nics_and_a_vif_need_a_decision(cards: tuple[dict, ...]) -> None:
    verdict, _ = with_vifs(cards)
    assert verdict.outcome is classify.Outcome.REFUSE
    assert f"2 NICs and VIF {rows.vif_uuid(1)}" in verdict.reasons[0]
    assert "give --os-cloud" in verdict.reasons[0]
    verdict, vifs = with_vifs(cards, vifs_as_recorded=True)
    assert verdict.outcome is classify.Outcome.MIGRATE
    assert vifs[rows.mac(1)] == rows.vif_uuid(1)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "Neutron has no such port"),
        ({1: "fa:16:3e:00:00:01"}, "has fa:16:3e:00:00:01, which no NIC"),
        ({1: rows.mac(1), 2: rows.mac(1)}, "or another of its ports, has"),
    ],
)
def test_t2_a_port_that_fits_no_nic_is_refused(
    told: dict[int, str], words: str
) -> None:
    macs = {rows.vif_uuid(number): mac for number, mac in told.items()}
    verdict, _ = with_vifs(TWO, vif_macs=macs)
    assert verdict.outcome is classify.Outcome.REFUSE
    assert words in "; ".join(verdict.reasons)
    assert "say --vifs-as-recorded" in verdict.reasons[0]
    decided, _ = with_vifs(TWO, vif_macs=macs, vifs_as_recorded=True)
    assert decided.outcome is classify.Outcome.MIGRATE


def netbooted(
    boot: choices.NetBoot | None, row: dict | None = None, **policy: object
) -> classify.Verdict:
    """The verdict on node 1, of which ``boot`` was found."""
    card = rows.plugged(1) if policy.pop("plugged", True) else rows.interface(1)
    return classify.classify(
        samples.source(rows.used_node(1) | (row or {}), card),
        dataclasses.replace(OPTIONS, netboot={rows.instance_uuid(1): boot}),
        classify.Policy(**policy),  # type: ignore[arg-type]
    )


BOOT = choices.NetBoot("/t/config", "k", "r", "root=x")
BY_ROW = {"pxe_config_path": "/tftpboot/x/config"}


def test_an_instance_with_a_configuration_boots_over_the_network() -> None:
    verdict = netbooted(BOOT, BY_ROW)
    assert verdict.outcome is classify.Outcome.MIGRATE
    assert verdict.netboot is BOOT
    assert (
        "a rebuild needs a whole-disk image, with which it boots from its disk"
        in verdict.notes[0]
    )
    assert verdict.notes[1:] == ["no rebuild keeps its ephemeral disk"]


@pytest.mark.parametrize("size", [0, None, 1024])
def test_t10_a_rebuild_that_loses_an_ephemeral_disk_is_told_beforehand(
    size: int | None,
) -> None:
    notes = netbooted(BOOT, {**BY_ROW, "ephemeral_mb": size}).notes
    assert ("no rebuild keeps its ephemeral disk" in notes) is bool(size)


def test_t1_a_net_booted_instance_is_refused_in_a_run_for_uefi() -> None:
    """What it boots by now is of the BIOS; another run has its node."""
    options = dataclasses.replace(
        OPTIONS, netboot={rows.instance_uuid(1): BOOT}, boot_mode="uefi"
    )
    verdict = classify.classify(
        samples.source(rows.used_node(1), rows.plugged(1)), options, classify.Policy()
    )
    assert verdict.outcome is classify.Outcome.REFUSE
    assert "leave this node to a run without --boot-mode uefi" in verdict.reasons[0]


def test_the_configuration_counts_where_the_row_names_none() -> None:
    verdict = netbooted(BOOT)
    assert verdict.netboot is BOOT
    assert "pxe_config_path is empty, but" in verdict.notes[2]


@pytest.mark.parametrize("row", [{}, BY_ROW], ids=["no path", "path"])
@pytest.mark.parametrize("looked", [True, False])
def test_t3_an_instance_boots_from_its_disk_by_the_operators_word_alone(
    row: dict, looked: bool
) -> None:
    def judged(**policy: bool) -> classify.Verdict:
        if looked:
            return netbooted(None, row, **policy)
        return judge(rows.used_node(1) | row, rows.plugged(1), **policy)

    refused = judged(boot_from_disk=False)
    assert refused.outcome is classify.Outcome.REFUSE
    assert "--instances-boot-from-disk if it does boot" in refused.reasons[0]
    moved = judged(boot_from_disk=True)
    assert (moved.outcome, moved.netboot) == (classify.Outcome.MIGRATE, None)


def test_a_configuration_that_is_missing_or_at_fault_is_refused() -> None:
    assert "below any --tftp-root" in netbooted(None, BY_ROW).reasons[0]
    fault = choices.NetBoot(fault="/t/config: has no root=")
    assert "/t/config: has no root=" in netbooted(fault, BY_ROW).reasons[0]


def test_in_a_cloud_of_both_kinds_the_configuration_tells_them_apart() -> None:
    both = {"boot_from_disk": True}
    assert netbooted(BOOT, BY_ROW, **both).netboot is BOOT
    from_disk = netbooted(None, BY_ROW, **both)
    assert from_disk.outcome is classify.Outcome.MIGRATE
    assert from_disk.netboot is None


def test_neutron_must_know_the_port_of_an_instance_that_boots_over_it() -> None:
    assert "has no VIF" in netbooted(BOOT, plugged=False).reasons[0]
    assert not netbooted(BOOT, plugged=False, dhcp_provider="none").reasons


def test_a_mapped_bmc_takes_the_place_of_the_row_s_power() -> None:
    row = samples.source(rows.used_node(1, pm_user=None), rows.plugged(1))
    policy = classify.Policy(
        default_power_manager="a.VirtualPowerManager", boot_from_disk=True
    )
    refused = classify.classify(row, OPTIONS, policy)
    assert len(refused.reasons) == 1
    assert "VirtualPowerManager power, give the node's BMC" in refused.reasons[0]
    bmcs = {rows.mac(1): choices.Bmc("10.0.0.9", 623, "u", "s3cret")}
    moved = classify.classify(row, dataclasses.replace(OPTIONS, bmcs=bmcs), policy)
    assert moved.outcome is classify.Outcome.MIGRATE


def test_an_instance_on_its_disk_cannot_be_taken_over_as_a_ramdisk() -> None:
    def ramdisk(*found: dict) -> classify.Verdict:
        options = dataclasses.replace(OPTIONS, deploy_interface="ramdisk")
        policy = classify.Policy(boot_from_disk=True)
        return classify.classify(samples.source(*found), options, policy)

    used = ramdisk(rows.used_node(1), rows.plugged(1))
    assert "--deploy-interface ramdisk cannot take over" in used.reasons[0]
    assert not ramdisk(rows.free_node(1), rows.interface(1)).reasons
