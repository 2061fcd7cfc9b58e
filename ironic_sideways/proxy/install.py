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
``keystonecontext``; all else stays as it is, byte for byte. The file is read as
PasteDeploy reads it, before and after: what would change anything more is not
written. A second run changes nothing. nova-api reads the file when it starts.
"""

import argparse
import configparser
import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from oslo_utils import strutils

from ironic_sideways import whole_file

NAME = "baremetal_proxy"
CONTEXT_FILTER = "keystonecontext"
FACTORY = "paste.filter_factory"
#: Of nova.api.auth. Other services have a filter of the same name.
NOVA = "nova."
LINES = (f"[filter:{NAME}]", f"{FACTORY} = ironic_sideways.proxy:filter_factory")
#: What takes a name out of a pipeline: with all of its line, or with the blanks after
#: it or before it.
REMOVALS = (
    rf"(?m)^[ \t]+{NAME}[ \t]*\r?\n",
    rf"(?<![^\s=:]){NAME}[ \t]+",
    rf"[ \t]+{NAME}(?!\S)",
)
#: Its section, up to an empty line or the next section.
SECTION = (
    rf"^\[filter:[ \t]*{NAME}[ \t]*\][^\n]*(?:\n|\Z)"
    r"(?:(?!\[)[^\n]*\S[^\n]*(?:\n|\Z))*"
)

EXIT_CODES = """\
exit codes:
  0  the file is as asked for
  1  refused, nothing changed
  2  bad usage
"""

#: Section -> option -> value.
Content = dict[str, dict[str, str]]


def installed(text: str) -> str:
    """The paste file's ``text`` with the filter in each of its pipelines.

    Raises ValueError where it is not nova-api's, or cannot be changed so.
    """
    content = _read(text)
    factory = content.get(f"filter:{CONTEXT_FILTER}", {}).get(FACTORY)
    wanted = list(_pipelines(content, CONTEXT_FILTER))
    if not wanted or factory is None:
        raise ValueError(f"no pipeline with the filter {CONTEXT_FILTER}")
    if not factory.startswith(NOVA):
        raise ValueError(
            f"its {CONTEXT_FILTER} is {factory}, expected {NOVA}...: this is not "
            "nova-api's file"
        )
    for section, option, names in wanted:
        others = [name for name in names if name != NAME]
        if names != [*others[:-1], NAME, others[-1]]:
            text = _without_name(text, section, option, names)
            before = rf"(?<![^\s=:])(?={re.escape(others[-1])}(?!\S))"
            others.insert(-1, NAME)
            text = _changed(text, section, option, others, [(before, f"{NAME} ")])
    if not re.search(SECTION, text, re.MULTILINE):
        end = "\r\n" if "\r\n" in text else "\n"
        # One empty line before it, which goes with it.
        text = end.join((text, *LINES, ""))
    return text


def removed(text: str) -> str:
    """The paste file's ``text`` without the filter and its section.

    Raises ValueError where they cannot be taken out without changing more.
    """
    content = _read(text)
    for section, option, names in _pipelines(content, NAME):
        text = _without_name(text, section, option, names)
    if not re.search(SECTION, text, re.MULTILINE):
        return text
    rest = {
        section: options
        for section, options in _read(text).items()
        if section.partition(":")[2].strip() != NAME
    }
    for pattern in (rf"\r?\n{SECTION}", SECTION):
        for new in _candidates(text, pattern, ""):
            if _means(new, rest):
                return new
    raise ValueError(f"{LINES[0]} cannot be taken out: do it by hand")


def _read(text: str) -> Content:
    """As paste.deploy.loadwsgi.ConfigLoader reads it, but for interpolation.

    Raises ValueError with one line.
    """
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_file(io.StringIO(text, newline=None), "it")
    except configparser.Error as error:
        raise ValueError(" ".join(str(error).split())) from None
    sections = {name: dict(parser.items(name)) for name in parser.sections()}
    return {**sections, parser.default_section: dict(parser.defaults())}


def _pipelines(content: Content, name: str) -> Iterator[tuple[str, str, list[str]]]:
    """Section, option and names of each pipeline that has ``name``."""
    for section, options in content.items():
        if section.partition(":")[0] in ("composite", "composit", "pipeline"):
            for option, value in options.items():
                if option in ("keystone", "pipeline") and name in value.split():
                    yield section, option, value.split()


def _without_name(text: str, section: str, option: str, names: list[str]) -> str:
    """``text`` without the filter in one pipeline, however often it is there."""
    names = list(names)
    while NAME in names:
        names.remove(NAME)
        removals = [(pattern, "") for pattern in REMOVALS]
        text = _changed(text, section, option, names, removals)
    return text


def _changed(
    text: str,
    section: str,
    option: str,
    names: list[str],
    changes: Sequence[tuple[str, str]],
) -> str:
    """``text`` after the one change of ``changes`` that makes the pipeline ``names``.

    Raises ValueError where each would change more, or not that.
    """
    wanted = _read(text)
    wanted[section][option] = " ".join(names)
    for pattern, replacement in changes:
        for new in _candidates(text, pattern, replacement):
            if _means(new, wanted, (section, option)):
                return new
    raise ValueError(
        f"[{section}] {option}: expected {' '.join(names)}, which no small change "
        "makes of it: write it by hand"
    )


def _candidates(text: str, pattern: str, replacement: str) -> Iterator[str]:
    for match in re.finditer(pattern, text, re.MULTILINE):
        yield text[: match.start()] + replacement + text[match.end() :]


def _means(text: str, wanted: Content, pipeline: tuple[str, str] | None = None) -> bool:
    """Whether ``text`` says just that; of a pipeline, by its names."""
    try:
        found = _read(text)
        if pipeline:
            section, option = pipeline
            found[section][option] = " ".join(found[section][option].split())
    except (ValueError, KeyError):
        return False
    return found == wanted


def replace(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` at once, with the mode and owner it had."""
    status = path.stat()
    with whole_file.replacing(path, status.st_mode & 0o7777) as stream:
        stream.write(text)
        os.fchown(stream.fileno(), status.st_uid, status.st_gid)


def _shown(text: str) -> str:
    """``text``, which may cite the file: no secret, nothing a terminal acts on."""
    text = "".join(one for one in text if one.isprintable())
    text = re.sub(r"(://[^\s/:@]*:)\S+@", r"\1***@", text)
    return str(strutils.mask_password(text))


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
    if not path.is_file():
        found = "a directory" if path.is_dir() else "no such file"
        print(f"{parsed.file}: expected a paste file, found {found}", file=sys.stderr)
        return 2
    try:
        with path.open(encoding="utf-8", newline="") as file:
            old = file.read()
        new = removed(old) if parsed.remove else installed(old)
        if new != old:
            replace(path, new)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        said = f"{parsed.file}: {reason}; nothing was changed"
        print(_shown(said), file=sys.stderr)
        return 1
    state = "taken out of" if parsed.remove else "in"
    again = "" if new != old else " already; nothing to do"
    print(f"{NAME}: {state} {parsed.file}{again}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
