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

from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from ironic_sideways import exceptions
from ironic_sideways.migrate.files import bmc_map
from ironic_sideways.tests import rows
from ironic_sideways.tests.strategies import settings

NODE = rows.node_uuid(1)
HEADER = "node,address,port,user,password_file\n"


def write(directory: Path, *lines: str, header: str = HEADER) -> str:
    """A map, with one password file beside it."""
    secret = directory / "one.secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)
    path = directory / "bmcs.csv"
    path.write_text(header + "".join(f"{line}\n" for line in lines))
    return str(path)


def test_nodes_are_named_by_uuid_or_mac(tmp_path: Path) -> None:
    found = bmc_map.read(
        write(
            tmp_path,
            f"{NODE},10.0.0.1,,admin,one.secret",
            "",
            f"52:54:00:AB:00:01, bmc-2.example.org ,6230,root,{tmp_path}/one.secret",
            "52:54:00:ab:00:02,fd00::1,,root,one.secret",
        )
    )
    assert [(key, one.address, one.port, one.user) for key, one in found.items()] == [
        (NODE, "10.0.0.1", 623, "admin"),
        ("52:54:00:ab:00:01", "bmc-2.example.org", 6230, "root"),
        ("52:54:00:ab:00:02", "fd00::1", 623, "root"),
    ]
    assert {one.password for one in found.values()} == {"s3cret"}
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("x,10.0.0.2,,admin,one.secret", "node 'x' is neither a uuid nor a MAC"),
        ("02:00:00:00:00:01,,,admin,one.secret", "address '' is neither"),
        ("02:00:00:00:00:01,a b,,admin,one.secret", "address 'a b' is neither"),
        ("02:00:00:00:00:01,10.0.0.2:623,,admin,one.secret", "'10.0.0.2:623' is nei"),
        ("02:00:00:00:00:01,10.0.0.2,0,admin,one.secret", "port '0' is not"),
        ("02:00:00:00:00:01,10.0.0.2,65536,admin,one.secret", "from 1 to 65535"),
        ("02:00:00:00:00:01,10.0.0.2,-1,admin,one.secret", "port '-1' is not"),
        ("02:00:00:00:00:01,10.0.0.2,,admin,", "password_file is empty"),
        ("02:00:00:00:00:01,10.0.0.2,,admin", "expected 5 fields, found 4"),
        ("02:00:00:00:00:01,10.0.0.2,,admin,one.secret,x", "found 6"),
        ("02:00:00:00:00:01,10.0.0.2,,admin,none", "none: No such file"),
        ("02:00:00:00:00:01,10.0.0.2,,admin,.", "is not a file"),
        (f"{NODE},10.0.0.2,,admin,one.secret", f"node {NODE} is in line 2 too"),
        ("02:00:00:00:00:01,10.0.0.1,623,admin,one.secret", f"is that of {NODE} too"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = write(tmp_path, f"{NODE},10.0.0.1,,admin,one.secret", line)
    with pytest.raises(exceptions.UsageError) as raised:
        bmc_map.read(path)
    assert str(raised.value).startswith(f"--bmc-map {path} line 3: ")
    assert said in str(raised.value)
    assert "s3cret" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        ("s3cret\n", 0o640, "can be read by others (mode 0640)"),
        ("s3cret\n", 0o604, "can be read by others (mode 0604)"),
        ("", 0o600, "expected one line, found 0"),
        ("s3cret\nx\n", 0o600, "found 2"),
    ],
)
def test_a_password_file_is_one_line_that_no_other_reads(
    tmp_path: Path, content: str, mode: int, said: str
) -> None:
    path = write(tmp_path, f"{NODE},10.0.0.1,,admin,one.secret")
    (tmp_path / "one.secret").write_text(content)
    (tmp_path / "one.secret").chmod(mode)
    with pytest.raises(exceptions.UsageError) as raised:
        bmc_map.read(path)
    assert f"line 2: password file {tmp_path}/one.secret" in str(raised.value)
    assert said in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_t5_an_empty_line_is_an_empty_password(tmp_path: Path) -> None:
    path = write(tmp_path, f"{NODE},10.0.0.1,,,one.secret")
    (tmp_path / "one.secret").write_text("\n")
    found = bmc_map.read(path)[NODE]
    assert (found.user, found.password) == ("", "")


def test_a_file_that_is_no_map_is_refused(tmp_path: Path) -> None:
    with pytest.raises(exceptions.UsageError, match="line 1: expected the header"):
        bmc_map.read(write(tmp_path, header="node,address\n"))
    with pytest.raises(exceptions.UsageError, match="No such file"):
        bmc_map.read(str(tmp_path / "none"))
    with pytest.raises(exceptions.UsageError, match="is no CSV"):
        bmc_map.read(write(tmp_path, '"'))
    assert bmc_map.read(write(tmp_path)) == {}


fields = st.sampled_from(
    [NODE, rows.mac(1), "10.0.0.1", "", "623", "admin", "one.secret", '"']
) | st.text(max_size=5)


@settings(ci=50, soak=5000)
@hypothesis.given(st.lists(st.lists(fields, max_size=6).map(",".join), max_size=4))
def test_any_file_is_read_or_refused_in_one_line(
    tmp_path: Path, lines: list[str]
) -> None:
    path = write(tmp_path)
    text = HEADER + "\n".join(lines)
    Path(path).write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        found = bmc_map.read(path)
    except exceptions.UsageError as error:
        assert str(error).startswith("--bmc-map ")
        assert len(str(error).splitlines()) == 1
    else:
        assert len({(one.address, one.port) for one in found.values()}) == len(found)
