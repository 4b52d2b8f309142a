"""Run one command: parse the words, run the command, report how it ended."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import shlex
import signal
import sys
import threading
from collections.abc import Generator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from cyclopts import CoercionError, CycloptsError, UnusedCliTokensError

from cometapi_runway._core.lazy_module import LazyModule
from cometapi_runway._core.version import DISTRIBUTION
from cometapi_runway.cli._app import build_app, describe_settings_file
from cometapi_runway.cli._errors import OutputError, UsageError, format_command
from cometapi_runway.cli._options.shared import DebugOptions, DisplayOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import ExitReport, make_exit_report
from cometapi_runway.cli._output.report import Report

if TYPE_CHECKING:
    from cometapi_runway.cli._options import settings_file
    from cometapi_runway.cli._output import json_report, logs, progress_bars
else:
    json_report = LazyModule("cometapi_runway.cli._output.json_report")
    logs = LazyModule("cometapi_runway.cli._output.logs")
    progress_bars = LazyModule("cometapi_runway.cli._output.progress_bars")
    settings_file = LazyModule("cometapi_runway.cli._options.settings_file")

# The characters for which Python decodes the bytes of a file name that are not text.
_SURROGATE_ESCAPES: Final = frozenset(map(chr, range(0xDC80, 0xDD00)))
_TYPE_NAMES: Final[dict[type | None, str]] = {
    bool: "true or false",
    float: "a number",
    int: "a whole number",
}
_HELP_FLAGS: Final = frozenset({"--help", "-h"})


def run_command(arguments: Sequence[str]) -> int:
    """Run one command.

    Returns:
        The exit code.
    """
    stdout: object = sys.stdout
    if isinstance(stdout, io.TextIOWrapper):
        codecs.register_error(DISTRIBUTION, _encode_unencodable)
        stdout.reconfigure(errors=DISTRIBUTION)
    report: Report | None = None
    try:
        if not arguments or not _HELP_FLAGS.isdisjoint(arguments):
            return _show_help(arguments)
        with _interrupt_on_ctrl_c():
            app = build_app()
            command, bound, ignored = app.parse_args(
                list(arguments), exit_on_error=False, print_error=False
            )
            report = make_report(bound.arguments.get("display"))
            injected: dict[str, Any] = {"report": report, "app": app}
            injected = {name: value for name, value in injected.items() if name in ignored}
            with logs.report_logs(report):
                code = command(*bound.args, **bound.kwargs, **injected)
            # cyclopts' own commands, which show a group's help, take no report and return nothing.
            return int(code) if "report" in injected else ExitCode.SUCCESS
    except BrokenPipeError:
        # The reader of our output has closed the pipe, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return ExitCode.SUCCESS
    except CycloptsError as error:
        return _show_failure(report, arguments, error, _report_usage_error(error))
    except (Exception, KeyboardInterrupt) as error:
        return _show_failure(report, arguments, error, make_exit_report(error))


def make_report(display: DisplayOptions | DebugOptions | None) -> Report:
    """The report for the display options and the terminal."""
    report = _choose_report(display)
    report.debug = display is not None and display.debug
    return report


def _choose_report(display: DisplayOptions | DebugOptions | None) -> Report:
    if isinstance(display, DisplayOptions) and display.format == "json":
        return json_report.JsonReport()
    if sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb":
        return progress_bars.ProgressBarReport()
    return Report()


def _encode_unencodable(error: UnicodeError) -> tuple[str | bytes, int]:
    """Encode a character that the output's encoding lacks.

    The bytes of a file name that are not text are written unchanged, so that the output names the
    file. Other characters are escaped.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character, end = error.object[error.start], error.start + 1
    if character in _SURROGATE_ESCAPES:
        return character.encode("ascii", "surrogateescape"), end
    return character.encode("ascii", "backslashreplace").decode(), end


def _show_help(arguments: Sequence[str]) -> int:
    """Show help without parsing, which would apply the settings file."""
    # Imported late: only help needs it.
    from rich.console import Console  # noqa: PLC0415

    words = [word for word in arguments if word not in _HELP_FLAGS]
    app = build_app()
    if not words:
        app.help = f"{app.help}\n\n{describe_settings_file()}"
    try:
        # Without emoji, whose table alone takes a tenth of the time.
        app.help_print(words, console=Console(emoji=False))
    except SystemExit:
        # rich exits so where the pipe's reader has closed it, which is no failure.
        return ExitCode.SUCCESS
    except OSError as error:
        raise OutputError(error) from error
    return ExitCode.SUCCESS


def _show_failure(
    report: Report | None,
    arguments: Sequence[str],
    error: BaseException,
    exit_report: ExitReport,
) -> int:
    """Show a failure, and return the exit code."""
    (report or make_report(_guess_display(arguments))).show_failure(exit_report, error)
    return exit_report.code


def _guess_display(arguments: Sequence[str]) -> DisplayOptions:
    """The display options of a command line that could not be parsed."""
    text = f" {' '.join(arguments)} "
    is_json = " --format json " in text or " --format=json " in text
    if " --format" not in text:
        with contextlib.suppress(UsageError):
            is_json = settings_file.load_settings_file().get("format") == "json"
    return DisplayOptions(format="json" if is_json else "text", debug="--debug" in arguments)


def _report_usage_error(error: CycloptsError) -> ExitReport:
    words = [*(error.command_chain or ()), "--help"]
    advice = f"see {format_command(*words)}"
    return ExitReport(ExitCode.USAGE, "UsageError", _describe_usage_error(error), advice)


def _describe_usage_error(error: CycloptsError) -> str:
    """A usage error in plain words, where cyclopts has a programmer's."""
    if isinstance(error, UnusedCliTokensError) and error.unused_tokens:
        words = " ".join(map(shlex.quote, error.unused_tokens))
        plural = "" if len(error.unused_tokens) == 1 else "s"
        return f"unexpected argument{plural}: {words}"
    if isinstance(error, CoercionError) and error.token is not None and error.msg is None:
        expected = _TYPE_NAMES.get(error.target_type)
        if expected is not None:
            return f"{error.token.keyword} must be {expected}, got {error.token.value!r}"
    return str(error)


@contextlib.contextmanager
def _interrupt_on_ctrl_c() -> Generator[None]:
    """Raise `KeyboardInterrupt` on Ctrl-C; a second Ctrl-C exits without waiting for threads."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    count = 0

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal count
        count += 1
        if count > 1:
            os._exit(ExitCode.INTERRUPTED)
        raise KeyboardInterrupt

    handler_before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield
    finally:
        if not count:
            signal.signal(signal.SIGINT, handler_before)
