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

"""Whatever looks like a secret is masked, and what does not is left as it is."""

import time

import pytest

from ironic_sideways import masking

SECRET = "hunter2hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"mysql+pymysql://nova:{SECRET}@127.0.0.1/nova?charset=utf8",
        f"rabbit://guest:{SECRET}@127.0.0.1:5672/",
        f"password = {SECRET}",
        f"admin_password: {SECRET}",
        f"{{'ipmi_password': '{SECRET}', 'a': 1}}",
        f'{{"password": "{SECRET}"}}',
        f"--os-password {SECRET}",
        f"ipmitool -I lanplus -H 127.0.0.1 -U admin -P {SECRET} power status",
        f"X-Auth-Token: {SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"curl -H 'X-Subject-Token: {SECRET}'",
        f"token gAAAAABnabcdefghijklmnop{SECRET}== was sent",
        f"eyJhbGciOiJFUzI1NiIs.eyJzdWIiOiJh{SECRET}.c2lnbmF0dXJl{SECRET}",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----",
        f"-----BEGIN RSA PRIVATE KEY-----\nabc\n{SECRET}",
        f"{SECRET * 5}=",
    ],
)
def test_a_secret_is_masked(text):
    masked = masking.mask(text)

    assert SECRET not in masked
    assert masking.MASK in masked


@pytest.mark.parametrize(
    "text",
    [
        f"mysql+pymysql://nova:a/{SECRET}+b=@127.0.0.1/nova",
        f"mysql://nova:p@{SECRET}@127.0.0.1/nova",
        f"rabbit://nova:first111@10.0.0.1:5672,nova:{SECRET}@10.0.0.2:5672//",
        f"rabbit://:{SECRET}@10.0.0.1:5672//",
        f"https://user:p@{SECRET}@mirror.example.org/simple",
        f"https://ghp_{SECRET}@git.example.org/x",
        f"ipmitool -I lanplus -P{SECRET} power status",
        f"ipmitool -I lanplus -H h -p 623 -U admin -P {SECRET} power status",
        f"mysql -P 3306 -uroot -p{SECRET} nova",
        f"mysql -uroot -p{SECRET} nova",
        f"MYSQL_PWD={SECRET}",
        f"metadata_proxy_shared_secret_key: {SECRET}",
        f"api_key={SECRET}",
        f"mysql+pymysql://nova:it's{SECRET}@127.0.0.1/nova",
        f"mysql+pymysql://nova:<{SECRET}>x@127.0.0.1/nova",
        f'rabbit://nova:"{SECRET}@10.0.0.1',
        f"https://user:it's{SECRET}@mirror.example.org/simple",
        f"mysql:\\/\\/nova:{SECRET}@127.0.0.1",
        f"http://h/v1/AUTH_a/b?temp_url_sig={SECRET}&temp_url_expires=3",
        f"agent_secret_token: {SECRET}",
        f"auth_token={SECRET}",
        f"passphrase: {SECRET}",
        f"ipmitool -H h -U admin user set password 2 {SECRET}",
        f"mysqldump -uroot -p{SECRET} nova_bm",
        f"mariadb -p{SECRET} nova",
        f"mariadb-dump --single-transaction -uroot -p{SECRET} nova",
        f"sshpass -p {SECRET} ssh h",
        f"curl -s -u admin:{SECRET} http://h",
        f"CREATE USER 'nova'@'%' IDENTIFIED BY '{SECRET}';",
    ],
)
def test_s5_a_secret_of_an_unusual_kind_is_masked(text):
    assert SECRET not in masking.mask(text)


def test_s7_no_line_holds_the_report_up():
    """Some of what logs hold is a tenant's own, of any length."""
    long = ["x://a:" * 20_000, f"token {'-' * 20_000}", f"pass {'-a' * 20_000}"]
    long += ["x://a:'b" * 3_000, "curl -u " * 3_000, "mysqlx " * 3_000]
    begin = time.process_time()

    for text in long:
        assert masking.mask(text) == text

    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    "text",
    [
        "http://10.0.0.1:8774/v2.1/servers?who=a@b",
        "http://127.0.0.1:9696 was asked by admin@example.org",
        "mysqld --port 3306, see root@localhost",
        "no token in the services' logs",
        '{"href":"amqp://10.0.0.1:5672","by":"a@b"}',
        "<a href='amqp://h:5672'>me@example.org</a>",
        "mysqldump -P 3306 --port=3306, mariadb 10.11.6 is in /usr/bin",
        "it is identified by its uuid",
        "curl -s http://h:80/x said it to a@b",
        "an expired token is 401",
        "X-Auth-Token: {SHA256}0123456789abcdef",
        "http://127.0.0.1:8774/v2.1/os-baremetal-nodes",
        "tempest.api.compute.servers.X.test_change_server_password",
        "62 passed, 0 failed, 2 skipped",
        "heartbeat.jsonl:1882",
        "two lines\n\twith a tab",
        "c890fbde-2b11-5b69-97a3-1b8b904176e2",
    ],
)
def test_what_is_no_secret_stays(text):
    assert masking.mask(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31;1mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07x", "x"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("\x1b[?1049h\x1b[2J\x1bc", "c"),
        ("a\rb\x08\x00\x7f\x9b2J", "ab2J"),
        ("\u202egpj.exe\u2066", "gpj.exe"),
        ("\u061cabc", "abc"),
        ("a\u200b\u2060\u206a\ufeff\ufff9\U000e0041\U000e007fb", "ab"),
        ("half of a \ud83d character", "half of a  character"),
        ("pass\x1b[0mword=hunter2hunter2", "password=***"),
    ],
)
def test_s7_what_a_terminal_would_act_on_is_not_shown(text, shown):
    assert masking.mask(text) == shown
