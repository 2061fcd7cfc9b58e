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

"""Put the proxy into nova-api's api-paste.ini, or take it out again.

``python -m ironic_sideways.proxy.install PASTE_FILE [--remove]``

It goes directly before the application in every pipeline that has
``keystonecontext``; all other lines stay as they are, comments included. A
second run changes nothing. nova-api reads the file when it starts.
"""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from ironic_sideways import whole_file

NAME = "baremetal_proxy"
CONTEXT_FILTER = "keystonecontext"
SECTION = f"""\

[filter:{NAME}]
paste.filter_factory = ironic_sideways.proxy:filter_factory
"""
PIPELINE = re.compile(
    r"^(?P<key>(?:keystone|pipeline)[ \t]*=[ \t]*)(?P<filters>.*(?:\n[ \t]+\S.*)*)$",
    re.MULTILINE,
)
SECTION_PATTERN = re.compile(
    rf"\n*^\[filter:{NAME}\][^\n]*\n(?:(?!\[)[^\n]*\n?)*", re.MULTILINE
)

EXIT_CODES = """\
exit codes:
  0  the file is as asked for
  1  refused, nothing changed
  2  bad usage
"""


def installed(text: str) -> str:
    """The paste file's ``text`` with the filter in each of its pipelines.

    Raises ValueError where no pipeline has ``keystonecontext``.
    """
    text, found = _rewritten(text, add=True)
    if not found:
        raise ValueError(f"no pipeline with the filter {CONTEXT_FILTER}")
    if not SECTION_PATTERN.search(text):
        text = text.rstrip("\n") + "\n" + SECTION
    return text


def removed(text: str) -> str:
    """The paste file's ``text`` without the filter and its section."""
    text, _ = _rewritten(text, add=False)
    match = SECTION_PATTERN.search(text)
    if match is None:
        return text
    rest = text[match.end() :]
    return text[: match.start()] + "\n" + ("\n" + rest if rest else "")


def _rewritten(text: str, add: bool) -> tuple[str, int]:
    """``text`` with its pipelines changed, and how many have the context."""
    found = 0

    def pipeline(match: re.Match[str]) -> str:
        nonlocal found
        names = match["filters"].split()
        if CONTEXT_FILTER not in names:
            return match[0]
        found += 1
        wanted = [name for name in names if name != NAME]
        if add:
            wanted.insert(-1, NAME)
        return match[0] if names == wanted else match["key"] + " ".join(wanted)

    return PIPELINE.sub(pipeline, text), found


def replace(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` at once, with the mode and owner it had."""
    status = path.stat()
    with whole_file.replacing(path, status.st_mode & 0o7777) as stream:
        stream.write(text)
        os.fchown(stream.fileno(), status.st_uid, status.st_gid)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the installer; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m ironic_sideways.proxy.install",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="PASTE_FILE", help="api-paste.ini")
    parser.add_argument("--remove", action="store_true", help="take the proxy out")
    parsed = parser.parse_args(arguments)
    path = parsed.file.resolve()
    try:
        old = path.read_text(encoding="utf-8")
        new = removed(old) if parsed.remove else installed(old)
        if new != old:
            replace(path, new)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        print(f"{parsed.file}: {reason}; nothing was changed", file=sys.stderr)
        return 1
    state = "taken out of" if parsed.remove else "in"
    again = "" if new != old else " already; nothing to do"
    print(f"{NAME}: {state} {parsed.file}{again}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
