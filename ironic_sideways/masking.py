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

"""No secret goes into what a reviewer reads, and nothing acts on a terminal.

The evidence holds no secret (design rule), and a log that holds one all the same is
a finding: but the page that says so is published, and must not repeat it. Nor may what
somebody had a service log act on the terminal that shows it.
"""

import functools
import re
import sys

from oslo_utils import strutils

MASK = "***"

#: A terminal's sequences, whole; then whatever a terminal or a browser acts on instead
#: of showing it, as the marks that turn the direction of writing; what is never drawn
#: (tags); and halves of characters, which JSON may have and no file can.
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ud800-\udfff]"
)
#: A quotation mark or bracket that is not the end of what stands in such.
_WITHIN = r"""['"<>](?=[^\s'"<>,;:)\]}&/\\])"""
#: Before a password, and it: in the URL of a database, a message bus, a BMC, where it
#: may have a / or @ and more hosts may follow; in that of a web server or repository.
URLS = (
    (
        r"\b(?!https?:)[a-z][a-z0-9+.-]{0,40}:(?:\\?/){2}[^\s/:@]{0,255}:",
        rf"(?:[^\s'\"<>]|{_WITHIN}){{1,999}}(?=@)",
    ),
    (r"\bhttps?://[^\s/:@]{0,255}:", rf"(?:[^\s/'\"<>]|{_WITHIN}){{1,999}}(?=@)"),
)
#: What a text must have to be looked at closer: nearly none has.
_SUSPICIOUS = re.compile(
    r"pass|pwd|secret|token|credential|auth|api_key|:\\?/\\?/|gAAAA|eyJ|ipmitool|mysql"
    r"|mariadb|identified|curl|_sig=|PRIVATE KEY"
    r"|[A-Za-z0-9+/]{60}",
    re.IGNORECASE,
)
#: An armoured key, whole or cut off at either end; a line of its body alone.
_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|^[A-Za-z0-9+/]{60,}={0,2}$",
    re.DOTALL | re.MULTILINE,
)
#: What goes before a secret, and the secret, which alone is masked.
_NAMED = [
    re.compile(f"({before}){secret}", re.IGNORECASE)
    for before, secret in (
        *URLS,
        # A token that is the user.
        (r"\bhttps?://", r"[^\s/:@'\"]{16,255}(?=@)"),
        # keystoneauth logs {SHA256}<digest>, which is no secret.
        (
            r"X-(?:Auth|Subject|Service)-Token['\"]?\s*[:=]\s*['\"]?",
            r"(?!\{SHA256\})[^\s'\",}]+",
        ),
        (r"\bAuthorization['\"]?\s*:\s*['\"]?(?:Basic|Bearer)\s+", r"\S+"),
        # An option, and what strutils leaves: a name in a line of YAML.
        (
            r"(?<![\w-])--?[\w-]{0,60}(?:password|passwd|secret|token)[ =]",
            r"[^\s'\"]{4,}",
        ),
        (
            r"\b\w*(?:password|passwd|passphrase|mysql_pwd|secret(?:_key)?|api_key"
            r"|(?:auth|secret)_token|temp_url_sig)['\"]?\s?[:=]\s?['\"]?",
            r"[^\s'\",}&]{4,}",
        ),
        (r"\bipmitool\b.{0,999}?\s(?-i:-P)\s*", r"\S+"),
        (r"\bipmitool\b.{0,999}?\suser set password \d+ ", r"\S+"),
        (r"\b(?:mysql|mariadb)\S{0,20}\s(?:.{0,999}?\s)?(?-i:-p)", r"\S+"),
        (r"\bsshpass\s+-p\s*", r"\S+"),
        (
            r"\bcurl\b.{0,999}?\s(?:-u|--user)[ =]?['\"]?[^\s:'\"]{1,255}:",
            r"[^\s'\"]+",
        ),
        # SQL, and what DevStack gives the database's client.
        (r"\bidentified by (?:password )?['\"]", r"[^'\"]+"),
    )
]
#: A Fernet token; keystone's other kind is a JWS.
_TOKEN = re.compile(r"\bgAAAAA[\w-]{16,}={0,2}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}")


@functools.lru_cache(maxsize=2**13)
def mask(text: str) -> str:
    """``text`` as it may be shown: line by line, secrets replaced by asterisks."""
    text = printable(text)
    if not _SUSPICIOUS.search(text):
        return text
    text = _TOKEN.sub(MASK, _KEY.sub(MASK, text))
    for pattern in _NAMED:
        text = pattern.sub(rf"\g<1>{MASK}", text)
    return str(strutils.mask_password(text, secret=MASK))


def printable(text: str) -> str:
    """``text`` without control characters, but for ends of lines and tabs."""
    return _CONTROL.sub("", text)


if __name__ == "__main__":
    # For grenade/phases.sh.
    sys.stdout.write(mask(sys.stdin.buffer.read().decode(errors="replace")))
