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

"""How every console script runs: options, one command, and an end with its exit code.

A parser says by ``set_defaults(run=...)`` what a command calls. It is given the parsed
options, and returns an exit code, the line to print, or nothing. A command that keeps
account of its changes has ``changed=""`` there, and says in ``parsed.changed`` what it
has changed once it has: whatever ends it after that asks for a follow-up.
"""

import argparse
import contextlib
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from ironic_sideways import exceptions, masking

EXIT_CODES = """\
exit codes:
  0  done, or nothing to do
  1  refused or failed, nothing changed
  2  bad usage
  3  changed, and needs the named follow-up
  129, 130, 143  ended by SIGHUP, SIGINT or SIGTERM, nothing changed
  141  its output is no longer read, nothing changed
"""

#: Console script -> module of this package with its ``main``.
SCRIPTS = {
    "ironic-sideways": "main",
    "ironic-nova-bm-migrate": "migrate",
    "nova-bm-update-flavors": "update_flavors",
    "nova-bm-bind-ports": "bind_ports",
    "nova-bm-clear-dhcp-options": "clear_dhcp_options",
    "nova-bm-convert-allocations": "convert_allocations",
}
#: What to do, unless the command says it, when all is done but not all was told.
AGAIN = "give the same command again to be told the rest"


class Parser(argparse.ArgumentParser):
    """Takes no abbreviated option: one of today may mean another one tomorrow.

    Subparsers are of their parser's class.
    """

    def __init__(self, *words: Any, **named: Any) -> None:
        formatter = argparse.RawDescriptionHelpFormatter
        defaults = {"allow_abbrev": False, "formatter_class": formatter}
        super().__init__(*words, **{**defaults, "epilog": EXIT_CODES, **named})


class Ended(KeyboardInterrupt):
    """SIGTERM or SIGHUP: cleans up as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.number = number


def _end(number: int, _frame: object) -> None:
    raise Ended(number)


def script() -> int:
    """The console scripts: import the command's module, and run it.

    Importing takes a second or two, in which a signal is told of as later.
    """
    name = Path(sys.argv[0]).name
    with _ending():
        try:
            module = importlib.import_module(f"ironic_sideways.cmd.{SCRIPTS[name]}")
            return int(module.main())
        except KeyboardInterrupt as error:
            code, reason = _reason(error)
            print(f"{name}: {reason}; nothing was changed", file=sys.stderr)
            return code


@contextlib.contextmanager
def _ending() -> Iterator[None]:
    """Raise Ended for the signals that end a program."""
    # What is ignored stays so: nohup means it.
    before = {
        number: signal.signal(number, _end)
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) != signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Shown:
    """A stream of text that may come from outside: nothing in it acts on a terminal.

    :param change: what is written, to what is shown of it.
    """

    def __init__(self, stream: IO[str], change: Callable[[str], str]) -> None:
        self._stream, self._change = stream, change

    def write(self, text: str) -> int:
        self._stream.write(self._change(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def _showing() -> Iterator[None]:
    """Clean what is printed; of errors, which cite others, mask secrets, too.

    What a command prints when all went well is its own words, as is the command that
    restores nova_bm: ``--password nova_bm`` holds no secret.
    """
    with contextlib.ExitStack() as stack:
        # Either is None where the program was started without it.
        if sys.stdout:
            out: Any = _Shown(sys.stdout, masking.printable)
            stack.enter_context(contextlib.redirect_stdout(out))
        if sys.stderr:
            err: Any = _Shown(sys.stderr, masking.mask)
            stack.enter_context(contextlib.redirect_stderr(err))
        yield


@_ending()
@_showing()
def main(parser: Parser, words: Sequence[str] | None = None) -> int:
    """Run what ``words`` ask for; whatever ends it is one line and its exit code."""
    parsed = argparse.Namespace()
    try:
        return _done(parser, words, parsed)
    except (Exception, KeyboardInterrupt) as error:
        code, said = _how(error, parsed)
        with contextlib.suppress(OSError):
            print(f"{parser.prog}: {said}", file=sys.stderr)
        _give_up_output()
        return code


def _done(
    parser: Parser, words: Sequence[str] | None, parsed: argparse.Namespace
) -> int:
    try:
        parser.parse_args(words, parsed)
        _refuse_overwriting(parsed)
        result = parsed.run(parsed)
        if isinstance(result, str):
            print(result)
    except SystemExit:
        _flush()
        raise
    _flush()
    return result if isinstance(result, int) else 0


def _refuse_overwriting(parsed: argparse.Namespace) -> None:
    """See that --output is no file that another option names, to read or to write.

    :raises UsageError: names both.
    """
    output = getattr(parsed, "output", None)
    if output is None or Path(output).is_dir():
        return
    for name, value in vars(parsed).items():
        for one in value if isinstance(value, list) else [value]:
            if name == "output" or not isinstance(one, str | Path):
                continue
            if Path(str(one).removeprefix("@")).resolve() == Path(output).resolve():
                raise exceptions.UsageError(
                    f"--output {output}: would overwrite what "
                    f"--{name.replace('_', '-')} names; expected another file"
                )


def _flush() -> None:
    """See now, not at the exit, that a reader went away or a disk is full."""
    if sys.stdout:
        sys.stdout.flush()


def _give_up_output() -> None:
    """Let the interpreter's exit not fail over what could not be printed."""
    try:
        _flush()
    except OSError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _how(error: BaseException, parsed: argparse.Namespace) -> tuple[int, str]:
    """The exit code, and what is said of ``error``."""
    if isinstance(error, exceptions.FollowUpNeeded):
        return error.exit_code, str(error)
    code, reason = _reason(error)
    changed = getattr(parsed, "changed", None)
    if changed:
        again = getattr(parsed, "again", AGAIN)
        return (
            exceptions.FollowUpNeeded.exit_code,
            f"{changed}; then: {reason}; {again}",
        )
    if changed is None or isinstance(error, exceptions.SidewaysError):
        return code, reason
    return code, f"{reason}; nothing was changed"


def _reason(error: BaseException) -> tuple[int, str]:
    match error:
        case exceptions.SidewaysError():
            return error.exit_code, str(error)
        case KeyboardInterrupt():
            number = getattr(error, "number", signal.SIGINT)
            return 128 + number, exceptions.line(error)
        case BrokenPipeError(filename=None):
            return 128 + signal.SIGPIPE, "its output is no longer read"
        case IsADirectoryError():
            return 2, f"{error.filename}: is a directory, expected a file"
        case OSError():
            name = f"{error.filename}: " if error.filename else "cannot go on: "
            return 1, f"{name}{error.strerror or error}"
        case _ if isinstance(error, _cloud_errors()):
            return 1, f"the cloud says: {exceptions.line(error)}"
        case _ if _is_strange_answer(error):
            return 1, (
                "the cloud answered what openstacksdk cannot read: "
                f"{type(error).__name__}: {exceptions.line(error)}"
            )
    # A defect of ours, which its report needs to see.
    traceback.print_exception(error)
    return 1, f"{type(error).__name__}: {exceptions.line(error)}"


def _cloud_errors() -> tuple[type[Exception], ...]:
    """What openstacksdk raises, if the command imported it at all."""
    if "openstack" not in sys.modules:
        return ()
    from ironic_sideways.cmd import connections

    return connections.ERRORS


def _is_strange_answer(error: BaseException) -> bool:
    if "openstack" not in sys.modules:
        return False
    from ironic_sideways.cmd import connections

    return connections.is_strange_answer(error)
