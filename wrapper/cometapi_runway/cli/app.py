"""The commands, and the one place where a command is run and its end is told."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from cyclopts import App, CycloptsError, Group, Parameter

from cometapi_runway._core.json_values import JSON, as_object, as_text
from cometapi_runway._core.version import __version__
from cometapi_runway._settings import KEY_VARIABLE
from cometapi_runway.cli import NAME, places
from cometapi_runway.cli.creations import creations
from cometapi_runway.cli.deferred import Deferred
from cometapi_runway.cli.endings import (
    MEANINGS,
    Ending,
    Exit,
    OutputError,
    UsageError,
    command,
    ending,
)
from cometapi_runway.cli.options import Display
from cometapi_runway.cli.report import JsonReport, Report
from cometapi_runway.validation import contract

if TYPE_CHECKING:
    from cyclopts.argument import ArgumentCollection

    from cometapi_runway.cli import config, logs
else:
    config = Deferred("cometapi_runway.cli.config")
    logs = Deferred("cometapi_runway.cli.logs")

_HERE: Final = "cometapi_runway.cli"
_MAKE: Final = Group("Make something", sort_key=1)
_TASKS: Final = Group("Tasks", sort_key=2)
_HELP: Final = Group("Set up and try out", sort_key=3)
_OTHER: Final = Group("Other", sort_key=4)
# How Python reads bytes of a file name that are not text.
_ODD_BYTES: Final = frozenset(map(chr, range(0xDC80, 0xDD00)))
_HELP_FLAGS: Final = frozenset({"--help", "-h"})

# Modules are imported when their command is run; names and summaries are enough for --help.
_COMMANDS: Final = (
    ("tasks", "tasks:app", "Look at tasks, wait for them, fetch their files.", _TASKS),
    ("demo", "demo:demo", "Make a video against a local gateway; needs no key.", _HELP),
    ("simulate", "simulate:simulate", "Run a local gateway to try things out.", _HELP),
    ("doctor", "doctor:doctor", "Check key, gateway, clock, record and folder; free.", _HELP),
    ("validate", "contract:validate", "Check a request body against the contract, offline.", _HELP),
    ("contract", "contract:show", "Show the contract in use and where it comes from.", _HELP),
    ("completion", "completion:completion", "Print or install completion for your shell.", _HELP),
)


def build() -> App:
    """Make the application; nothing but the contract is read for it."""
    app = App(
        name=NAME,
        help="Runway's video and image models behind the CometAPI gateway.\n\n"
        f"The key is read from {KEY_VARIABLE}. Each command has its own --help.",
        help_format="plaintext",
        help_epilogue=_exit_codes(),
        version=__version__,
        config=_configure,
        default_parameter=Parameter(negative_iterable=()),
        group_commands=_OTHER,
    )
    _add_creations(app)
    for name, target, summary, group in _COMMANDS:
        more = {} if target.endswith(":app") else {"help_epilogue": ""}
        app.command(f"{_HERE}.{target}", name=name, help=summary, group=group, **more)
    for flag in ("--help", "--version"):
        app[flag].group = _OTHER
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command.

    Returns:
        The exit code.
    """
    stdout: object = sys.stdout
    if isinstance(stdout, io.TextIOWrapper):
        codecs.register_error(NAME, _as_bytes)
        stdout.reconfigure(errors=NAME)
    report: Report | None = None
    try:
        if not arguments or not _HELP_FLAGS.isdisjoint(arguments):
            return _help(arguments)
        with _interruptible():
            body, bound, ignored = build().parse_args(
                list(arguments), exit_on_error=False, print_error=False
            )
            report = voice(bound.arguments.get("display"))
            more = {"report": report} if "report" in ignored else {}
            with logs.told_by(report):
                return int(body(*bound.args, **bound.kwargs, **more) or Exit.SUCCESS)
    except BrokenPipeError:
        # Whoever read our output has had enough, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return Exit.SUCCESS
    except CycloptsError as error:
        return _end(report, arguments, error, _usage(error))
    except (Exception, KeyboardInterrupt) as error:
        return _end(report, arguments, error, ending(error))


def _as_bytes(error: UnicodeError) -> tuple[str | bytes, int]:
    """Write what an encoding lacks: a file name's odd bytes as they are, so that it names the file.

    Other characters are escaped.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letter, after = error.object[error.start], error.start + 1
    if letter in _ODD_BYTES:
        return letter.encode("ascii", "surrogateescape"), after
    return letter.encode("ascii", "backslashreplace").decode(), after


def _help(arguments: Sequence[str]) -> int:
    """Print help: on a way of its own, since what comes before a command's work is not needed."""
    from rich.console import Console  # noqa: PLC0415 - only who reads help pays for it

    words = [word for word in arguments if word not in _HELP_FLAGS]
    app = build()
    if not words:
        app.help = f"{app.help}\n\n{_precedence()}"
    try:
        # Without emoji, whose table alone would take a tenth of the time.
        app.help_print(words, console=Console(emoji=False, highlight=False))
    except SystemExit:
        # So rich ends where a pipe's reader has had enough; for us that is no failure.
        return Exit.SUCCESS
    except OSError as error:
        raise OutputError(error) from error
    return Exit.SUCCESS


def _precedence() -> str:
    file = places.config()
    with contextlib.suppress(ValueError, RuntimeError):
        file = Path("~") / file.relative_to(Path.home())
    return f"Settings file: {file}; options come before the environment, and that before the file."


def _end(
    report: Report | None, arguments: Sequence[str], error: BaseException, told: Ending
) -> int:
    """Say how it ended, and return the exit code."""
    (report or voice(_asked(arguments))).failed(told, error)
    return told.code


def _add_creations(app: App) -> None:
    """One command for everything that can be made, as the contract has it."""
    for creation in creations():
        parent = app
        for name in creation.groups:
            if name not in parent:
                parent.command(App(name=name, help=_about(name), group=_MAKE, help_epilogue=""))
            parent = parent[name]
        target = f"{_HERE}.create:{creation.name}"
        name = creation.words[-1]
        parent.command(target, name=name, help=creation.description, group=_MAKE)


def _about(tag: str) -> str:
    """What the contract says of a tag."""
    tags: JSON = contract().document.get("tags")
    found = (as_object(tag) for tag in (tags if isinstance(tags, list) else []))
    words = (one.get("description") for one in found if one and one.get("name") == tag)
    return as_text(next(words, None)) or ""


def _configure(app: App, commands: tuple[str, ...], found: ArgumentCollection) -> None:
    """Fill in the settings file, which help does not need."""
    config.apply(app, commands, found)


def _exit_codes() -> str:
    lines = (f"  {code.value:>3}  {meaning}" for code, meaning in MEANINGS.items())
    return "Exit codes:\n" + "\n".join(lines) + "\n"


def voice(display: Display | None) -> Report:
    """The report that fits the options and the place where it is read."""
    report = _voice(display)
    report.debug = display is not None and display.debug
    return report


def _voice(display: Display | None) -> Report:
    if display is not None and display.format == "json":
        return JsonReport()
    if sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb":
        # rich is only loaded for those who see it.
        from cometapi_runway.cli.live import LiveReport  # noqa: PLC0415

        return LiveReport()
    return Report()


def _asked(arguments: Sequence[str]) -> Display:
    """How to speak of options that could not be understood as a whole."""
    text = " ".join(arguments)
    is_json = "--format json" in text or "--format=json" in text
    if "--format" not in text:
        with contextlib.suppress(UsageError):
            is_json = config.load().get("format") == "json"
    return Display(format="json" if is_json else "text", debug="--debug" in arguments)


def _usage(error: CycloptsError) -> Ending:
    chain = [*(error.command_chain or ()), "--help"]
    return Ending(Exit.USAGE, "UsageError", str(error), f"see {command(*chain)}")


@contextlib.contextmanager
def _interruptible() -> Generator[None]:
    """Ctrl-C interrupts; a second one ends at once, whatever threads still wait for."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = 0

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        asked += 1
        if asked > 1:
            os._exit(Exit.INTERRUPTED)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield
    finally:
        if not asked:
            signal.signal(signal.SIGINT, before)
