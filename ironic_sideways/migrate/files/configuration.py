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

"""A service's configuration file of another machine, read by oslo.config."""

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from oslo_config import cfg

from ironic_sideways import exceptions

Found = TypeVar("Found")


def read(
    conf: cfg.ConfigOpts, path: str, option: str, found: Callable[[], Found]
) -> Found:
    """Parse ``path`` into ``conf`` and give what ``found`` then makes of it.

    Of this machine nothing counts, neither directories nor variables. A ``$name`` in
    a value is what the file says of it, or else the default that is registered.

    :param option: that names the file, and what is expected there.
    :raises UsageError: it cannot be read, or a value is not what it should be.
    """
    name, _, expected = option.partition(" ")
    try:
        sections = _parse(conf, _text(Path(path)))
        try:
            return found()
        except (cfg.NoSuchOptError, cfg.NoSuchGroupError):
            _register(conf, sections)
        return found()
    except (cfg.Error, ValueError, OSError) as error:
        raise exceptions.UsageError(
            f"{name} {path}: expected {expected}: {_reason(error)}"
        ) from error


def _text(path: Path) -> str:
    """Its text; a comment in an older encoding does not keep from the rest."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _parse(conf: cfg.ConfigOpts, text: str) -> dict[str, dict[str, list[str]]]:
    """:returns: section -> option -> values, of options that nobody registered too."""
    sections: dict[str, dict[str, list[str]]] = {}
    # oslo.config takes names of files alone. A copy on the disk would hold passwords.
    with os.fdopen(os.memfd_create("conf"), "w", encoding="utf-8") as copy:
        copy.write(text)
        copy.flush()
        name = f"/proc/self/fd/{copy.fileno()}"
        conf(
            args=[], default_config_files=[name], default_config_dirs=[], use_env=False
        )
        cfg.ConfigParser(name, sections).parse()
    return sections


def _register(conf: cfg.ConfigOpts, sections: dict[str, dict[str, list[str]]]) -> None:
    """Register what else the file says: a ``$name`` is about one of them."""
    for group, options in sections.items():
        for name in options:
            if re.fullmatch(r"[a-z][a-z0-9_]*", name):
                with contextlib.suppress(cfg.DuplicateOptError):
                    where = None if group == "DEFAULT" else group
                    conf.register_opt(cfg.StrOpt(name), group=where)


def _reason(error: Exception) -> str:
    """In one line; a line of the file, which may be a password, is not shown."""
    if isinstance(error, cfg.ConfigFileParseError):
        where = re.search(r":(\d+), (.*?)(: '.*)?$", str(error.msg))
        assert where
        return f"line {where[1]}: {where[2]}"
    if isinstance(error, cfg.NoSuchOptError | cfg.NoSuchGroupError):
        # The first is of the option whose value it is, the last of what that names.
        causes: list[BaseException] = [error]
        while causes[-1].__context__ is not None:
            causes.append(causes[-1].__context__)
        if any(isinstance(cause, RecursionError) for cause in causes):
            return "a $name in a value leads back to itself"
        named = getattr(causes[-1], "opt_name", None) or f"{causes[-1].group_name}.*"  # type: ignore[attr-defined]
        return (
            f"a value has ${named}, which the file does not say: write {named}, or the "
            "value itself, into a copy of it"
        )
    return getattr(error, "strerror", None) or exceptions.line(error)
