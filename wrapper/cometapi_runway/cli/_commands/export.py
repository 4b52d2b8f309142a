"""``tasks export``: every request in the journal, for a spreadsheet or a program."""

from __future__ import annotations

import contextlib
import csv
import json
import os
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.naming import count_noun
from cometapi_runway.cli._actions.open_journal import open_journal
from cometapi_runway.cli._errors import UsageError
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._options.shared import FILE_GROUP, ConnectionOptions, DebugOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.report import Report
from cometapi_runway.cli._output.text import escape_control_characters
from cometapi_runway.journal import EXPORT_FIELDS

_CONNECTION: Final = ConnectionOptions()
_DISPLAY: Final = DebugOptions()
_FORMULA_STARTS: Final = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
"""Characters with which spreadsheets begin a formula, in either width."""
_OWNER_ONLY: Final = 0o600


def export(
    *,
    format: Annotated[
        Literal["csv", "jsonl"],
        Parameter(help="A table, or one JSON object per line.", group=FILE_GROUP),
    ] = "csv",
    output: Annotated[
        Path | None,
        Parameter(
            help="File to write, which must not exist; by default, standard output.",
            metavar="FILE",
            group=FILE_GROUP,
        ),
    ] = None,
    connection: ConnectionOptions = _CONNECTION,
    display: DebugOptions = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
) -> ExitCode:
    """Write what was sent when, what it cost and what came of it, oldest first; works offline.

    Addresses of assets are written whole.
    """
    with open_journal(connection) as journal, _open_output(output, report) as write:
        rows = iter(()) if journal is None else journal.export()
        count = _write_rows(rows, format, write)
    place = "" if output is None else f" to {output}"
    report.show_note(f"{count_noun(count, 'request')} written{place}")
    return ExitCode.SUCCESS


def _write_rows(
    rows: Iterable[Mapping[str, JSON]], format: str, write: Callable[[str], object]
) -> int:
    """Write rows as they come; return how many there were."""
    count = 0
    table = csv.writer(_Writer(write), lineterminator="\n")
    if format == "csv":
        table.writerow(EXPORT_FIELDS)
    for count, row in enumerate(rows, 1):  # noqa: B007 - counted
        if format == "csv":
            table.writerow([format_cell(row[name]) for name in EXPORT_FIELDS])
        else:
            write(json.dumps(row) + "\n")
    return count


class _Writer:
    """A function as the file that the ``csv`` module writes to."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self.write = write


def format_cell(value: JSON) -> str:
    """A value as the text of a cell, which no spreadsheet takes for a formula."""
    if value is None:
        return ""
    text = escape_control_characters(value if isinstance(value, str) else json.dumps(value))
    is_formula = text.lstrip()[:1] in _FORMULA_STARTS
    # Spreadsheets take what follows an apostrophe for text.
    return f"'{text}" if is_formula else text


@contextlib.contextmanager
def _open_output(output: Path | None, report: Report) -> Generator[Callable[[str], object]]:
    """The function that writes text to the file or to standard output.

    Raises:
        UsageError: The file exists or cannot be written.
    """
    if output is None:
        yield report.write_raw
        return
    file = paths.expand_user(output)
    try:
        # Only its owner can read it, like the journal. An existing file could be the journal.
        with open(file, "x", encoding="utf-8", newline="", opener=_open_private) as stream:
            yield stream.write
    except FileExistsError as error:
        raise UsageError(f"{file} exists already", "name another file with --output") from error
    except OSError as error:
        raise UsageError(
            f"cannot write {file}: {error.strerror}", "name another file with --output"
        ) from error


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, _OWNER_ONLY)
