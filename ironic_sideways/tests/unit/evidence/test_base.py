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

import hashlib
import os
import types
from pathlib import Path
from typing import Any

import pytest

from ironic_sideways.evidence import base, tenants

DIGESTS = tenants.Digests(b"of this run")

TEXT = """
[DEFAULT]
host = one
# a comment
transport_url = rabbit://user:secret%@host/

[ironic]
password = another
"""


def test_an_option_that_changes_is_known_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "nova.conf"
    path.write_text(TEXT)
    before = base.options(path, DIGESTS)
    path.write_text(TEXT.replace("host = one", "host = two"))
    after = base.options(path, DIGESTS)

    assert {key for key in before if before[key] != after[key]} == {"DEFAULT/host"}


def test_neither_comments_nor_what_only_ironic_would_use_is_the_base(
    tmp_path: Path,
) -> None:
    path = tmp_path / "nova.conf"
    path.write_text(TEXT)
    before = base.options(path, DIGESTS)
    path.write_text(TEXT.split("[ironic]")[0].replace("# a comment\n", ""))

    assert base.options(path, DIGESTS) == before


def test_no_value_is_kept_as_it_may_be_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "nova.conf"
    path.write_text(TEXT)

    assert "secret" not in str(base.options(path, DIGESTS))


def test_a_file_that_appears_is_a_difference(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    before = base.options(path, DIGESTS)
    path.write_text('"rule": "check"')

    assert before == {}
    assert list(base.options(path, DIGESTS)) == ["text"]


def test_a_tree_is_known_by_its_files_and_where_its_links_lead(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("default boot\n")
    (tmp_path / "01-mac").symlink_to(tmp_path / "config")
    before = base.tree(tmp_path)
    assert base.tree(tmp_path) == before

    (tmp_path / "config").write_text("default deploy\n")
    (tmp_path / "01-mac").unlink()
    (tmp_path / "01-mac").symlink_to("elsewhere")
    after = base.tree(tmp_path)
    assert all(after[name] != before[name] for name in before)
    assert len(before) == 2
    assert base.tree(None) == {}


def test_s3_a_port_s_dhcp_options_are_told_where_they_are_nova_baremetal_s() -> None:
    extra = [
        {"opt_name": "bootfile-name", "opt_value": "pxelinux.0", "ip_version": 4},
        {"opt_name": "bootfile-name", "opt_value": "a horse", "ip_version": 4},
        {"opt_name": "note", "opt_value": "horse", "ip_version": 4},
    ]
    port = types.SimpleNamespace(
        **{"id": "p", "mac_address": "m", "device_id": "d", "binding_host_id": "h"},
        **{"binding_vnic_type": "v", "binding_profile": {}, "extra_dhcp_opts": extra},
    )
    cloud = types.SimpleNamespace(network=types.SimpleNamespace(ports=lambda: [port]))
    told = base.ports(cloud, DIGESTS)["p"]["dhcp_options"]
    assert told[0] == "bootfile-name=pxelinux.0 (IPv4)"
    assert len(set(told)) == 3 and "horse" not in str(told)


def test_s3_an_option_s_digest_is_of_use_only_with_the_run_s_secret(
    tmp_path: Path,
) -> None:
    """Else whoever reads the evidence tries passwords until the digest fits."""
    path = tmp_path / "nova.conf"
    path.write_text(TEXT)
    other = tenants.Digests(b"of another run")
    assert base.options(path, other) != base.options(path, DIGESTS)


def test_s4_what_lies_below_the_tftp_root_is_looked_at_without_following_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may write there can put a link in a file's place at any time."""
    root, secret = tmp_path / "tftpboot", tmp_path / "of root alone"
    (root / "instance").mkdir(parents=True)
    secret.write_text("secret")
    kernel = root / "instance" / "kernel"
    kernel.write_text("kernel")
    (root / "away").symlink_to(tmp_path)
    (tmp_path / "by link").symlink_to(root)
    os.mkfifo(root / "pipe")
    found = base.tree(root)
    assert found.keys() == {str(kernel), str(root / "away")}
    assert found[str(root / "away")] == f"-> {tmp_path}"
    assert len(base.tree(tmp_path / "by link")) == 2
    stat = os.stat

    def swap(path: Any, **named: Any) -> os.stat_result:
        seen = stat(path, **named)
        if str(path).endswith("kernel") and not named.get("follow_symlinks", True):
            kernel.unlink()
            kernel.symlink_to(secret)
        return seen

    monkeypatch.setattr(os, "stat", swap)
    monkeypatch.setattr(os, "lstat", lambda path: swap(path, follow_symlinks=False))

    assert hashlib.sha256(b"secret").hexdigest()[:12] not in base.tree(root).values()
