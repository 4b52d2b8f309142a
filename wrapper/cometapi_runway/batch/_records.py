"""Manifests as they are in the file: JSONL, CSV or JSON, read one row at a time.

A row that cannot be read becomes a `Refusal`, and reading goes on, so that one run reports every
bad row. It stops only where the rest has no certain meaning, such as after an open quote in CSV.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from attrs import field, frozen

from cometapi_runway._core.json_values import JSON, as_object
from cometapi_runway._core.naming import count_noun
from cometapi_runway._core.redaction import safe_repr
from cometapi_runway.errors import ConfigurationError, Issue

_MAX_LINE_BYTES: Final = 64 * 1024 * 1024
"""Longer than any row: without a limit a file without line breaks would fill the memory."""
_MAX_SHOWN_BYTES: Final = 60
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_STOPPED: Final = "the rows after it were not read"
_BLANKS: Final = re.compile(r"[ \t\r\n]*")
# The characters that stand for bytes that are not UTF-8.
_ESCAPED_BYTE: Final = re.compile("[\udc80-\udcff]")


@frozen
class Record:
    """One row as it is in the manifest.

    Attributes:
        line: The line that it begins on, from 1.
        fields: Its values by field; a field without a value is left out.
        is_text: Whether every value is text that still has to be typed, as in CSV.
    """

    line: int
    fields: Mapping[str, JSON]
    is_text: bool = False


@frozen
class Refusal:
    """A row that cannot be read.

    Attributes:
        line: The line that it begins on, from 1.
        issue: What is wrong with it. Its path is the row's field, or empty.
    """

    line: int
    issue: Issue


Records: TypeAlias = Iterator[Record | Refusal]


def read_records(path: Path) -> Records:
    """Read a manifest; the end of its name tells the format.

    Raises:
        ConfigurationError: The file cannot be read, or its name has another end.
    """
    read = _READERS.get(path.suffix.lower())
    if read is None:
        ends = ", ".join(_READERS)
        raise ConfigurationError(
            f"the manifest's name must end in one of {ends}; got {str(path)!r}", setting="manifest"
        )
    try:
        with path.open("rb") as file:
            mark = file.read(len(_UTF8_MARK))
            if mark.startswith(_UTF16_MARKS):
                yield _refuse(1, "the file", "utf-8", None, "is UTF-16 (utf-8); save it as UTF-8")
                return
            file.seek(len(mark) if mark == _UTF8_MARK else 0)
            yield from read(file)
    except (OSError, ValueError) as error:
        # A ValueError means a character that no system allows in a name.
        reason = error.strerror if isinstance(error, OSError) else error
        message = f"the manifest {str(path)!r} cannot be read: {reason}"
        raise ConfigurationError(message, setting="manifest") from error


def _read_jsonl(file: BinaryIO) -> Records:
    for line, content in enumerate(_read_lines(file), 1):
        if len(content) > _MAX_LINE_BYTES:
            yield _line_too_long(line)
            return
        if content.strip():
            yield _read_json_line(line, content)


def _read_json_line(line: int, content: bytes) -> Record | Refusal:
    if b"\0" in content:
        return _refuse(line, "the line", "nul", None, "contains a NUL byte (nul)")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        return _not_utf8(line, error)
    decoder = _RowDecoder()
    try:
        value, end = decoder.decode(text)
        if text[end:].strip():
            raise json.JSONDecodeError("text after the row", text, end)
    except ValueError as error:
        if not content.endswith(b"\n"):
            problem = f"ends in the middle of a row (torn): {_describe(error)}"
            return _refuse(line, "the last line", "torn", None, problem)
        return _refuse(line, "the line", "json", None, f"is not JSON (json): {_describe(error)}")
    return decoder.make_record(line, value)


def _read_csv(file: BinaryIO) -> Records:
    rows = _read_csv_rows(file)
    first = next(rows, None)
    if first is None or isinstance(first, Refusal):
        yield from () if first is None else (first,)
        return
    line, header = first
    names = _strip_empty_end([name.strip() for name in header])
    if (problem := _check_header(line, names)) is not None:
        yield problem
        return
    for row in rows:
        yield row if isinstance(row, Refusal) else _make_csv_record(*row, names)


def _read_csv_rows(file: BinaryIO) -> Iterator[tuple[int, list[str]] | Refusal]:
    """The rows that are not blank, each with the line that it begins on."""
    # Undecodable bytes become lone surrogates, so that the refusal can name the cell.
    lines = (content.decode(errors="surrogateescape") for content in _read_lines(file))
    rows = csv.reader(lines, strict=True)
    while True:
        line = rows.line_num + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            limit = csv.field_size_limit()
            advice = f"a cell has at most {limit} characters, and quotes inside quotes are doubled"
            problem = f"cannot be read (csv): {error}; {advice}; {_STOPPED}"
            yield _refuse(line, "the row", "csv", None, problem)
            return
        if any(cell.strip() for cell in cells):
            yield line, cells


def _check_header(line: int, names: Sequence[str]) -> Refusal | None:
    """Why the first row cannot name the columns, or None."""
    subject = "the header"
    if len(names) == 1 and (other := re.search(r"[;\t|]", names[0])):
        problem = f"has one column, {names[0]!r}; separate columns by commas, not {other[0]!r}"
        return _refuse(line, subject, "csv", names[0], f"{problem} (csv)")
    repeated = [name for name, count in Counter(names).items() if count > 1 and name]
    if repeated:
        problem = f"names {repeated[0]!r} more than once (unique)"
        return _refuse(line, subject, "unique", repeated[0], problem)
    for number, name in enumerate(names, 1):
        if not name or "\0" in name or _ESCAPED_BYTE.search(name):
            problem = f"must name every column in UTF-8 (name), got {_show(name)} as column"
            return _refuse(line, subject, "name", _show(name), f"{problem} {number}")
    return None


def _make_csv_record(line: int, cells: list[str], names: Sequence[str]) -> Record | Refusal:
    cells = [*cells[: len(names)], *_strip_empty_end(cells[len(names) :])]
    if len(cells) != len(names):
        actual = count_noun(len(cells), "cell")
        problem = f"has {actual}, the header {count_noun(len(names), 'column')} (cells)"
        return _refuse(
            line, "the row", "cells", cells[-1], f"{problem}; the last is {_show(cells[-1])}"
        )
    for name, cell in zip(names, cells, strict=True):
        if (issue := _check_cell(name, cell)) is not None:
            return Refusal(line, issue)
    fields = {name: cell for name, cell in zip(names, cells, strict=True) if cell.strip()}
    return Record(line, fields, is_text=True)


def _check_cell(name: str, cell: str) -> Issue | None:
    if _ESCAPED_BYTE.search(cell):
        # The bytes as they are in the file, such as 'caf\xe9'.
        shown = repr(cell.encode(errors="surrogateescape")[:_MAX_SHOWN_BYTES])[1:]
        message = f"{name} is not UTF-8 (utf-8), got {shown}; save the file as UTF-8"
        return Issue(name, "utf-8", shown, message)
    if "\0" in cell:
        message = f"{name} contains a NUL character (nul), got {_show(cell)}"
        return Issue(name, "nul", _show(cell), message)
    return None


def _strip_empty_end(cells: list[str]) -> list[str]:
    """The cells without empty ones at the end, which spreadsheets add."""
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _read_json(file: BinaryIO) -> Records:
    content = file.read()
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        yield _not_utf8(content.count(b"\n", 0, error.start) + 1, error)
        return
    index = _skip_blanks(text, 0)
    if not text.startswith("[", index):
        line = text.count("\n", 0, index) + 1
        yield _refuse(line, "the file", "type", None, "must be a JSON array of rows (type)")
        return
    yield from _read_items(text, index + 1)


def _read_items(text: str, index: int) -> Records:
    """The items of an array, decoded one by one so that they are never all in memory."""
    decoder, line, counted = _RowDecoder(), 1, 0
    index = _skip_blanks(text, index)
    is_end = text.startswith("]", index)
    while not is_end:
        line, counted = line + text.count("\n", counted, index), index
        try:
            value, index = decoder.decode(text, index)
            index = _skip_blanks(text, index)
            is_end = text.startswith("]", index)
            if not is_end and not text.startswith(",", index):
                raise json.JSONDecodeError("expected , or ] after a row", text, index)
        except ValueError as error:
            problem = f"is not JSON (json): {_describe(error, with_line=True)}; {_STOPPED}"
            yield _refuse(line, "the row", "json", None, problem)
            return
        yield decoder.make_record(line, value)
        index = index if is_end else _skip_blanks(text, index + 1)
    if text[index + 1 :].strip():
        line = text.count("\n", 0, index) + 1
        yield _refuse(line, "the file", "json", None, "has text after the array (json)")


def _skip_blanks(text: str, index: int) -> int:
    match = _BLANKS.match(text, index)
    return index if match is None else match.end()


@frozen(eq=False)
class _RowDecoder:
    """Decodes rows, and keeps the names that the last one repeats."""

    _repeated: list[str] = field(factory=list[str], init=False)

    def decode(self, text: str, index: int = 0) -> tuple[JSON, int]:
        """The value at an index, and the index after it.

        Raises:
            ValueError: It is not JSON, or too deeply nested to parse.
        """
        self._repeated.clear()
        decoder = json.JSONDecoder(object_pairs_hook=self._make_object)
        try:
            value: JSON
            value, end = decoder.raw_decode(text, _skip_blanks(text, index))
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        return value, end

    def make_record(self, line: int, value: JSON) -> Record | Refusal:
        """The record of a decoded value."""
        fields = as_object(value)
        if fields is None:
            problem = f"must be a JSON object (type), got {_show(value)}"
            return _refuse(line, "the row", "type", _show(value), problem)
        if self._repeated:
            name = self._repeated[0]
            return _refuse(line, name, "unique", None, "is in the row more than once (unique)")
        return Record(line, {name: item for name, item in fields.items() if item is not None})

    def _make_object(self, pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
        names = Counter(name for name, _ in pairs)
        self._repeated.extend(name for name, count in names.items() if count > 1)
        return dict(pairs)


_READERS: Final[Mapping[str, Callable[[BinaryIO], Records]]] = {
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".csv": _read_csv,
    ".json": _read_json,
}


def _read_lines(file: BinaryIO) -> Iterator[bytes]:
    """The lines, each with its end; a line that is too long is cut and is the last."""
    while content := file.readline(_MAX_LINE_BYTES + 1):
        yield content
        if len(content) > _MAX_LINE_BYTES:
            return


def _line_too_long(line: int) -> Refusal:
    problem = f"has more than {_MAX_LINE_BYTES} bytes (maxBytes); {_STOPPED}"
    return _refuse(line, "the line", "maxBytes", None, problem)


def _not_utf8(line: int, error: UnicodeDecodeError) -> Refusal:
    byte = f"0x{error.object[error.start]:02x}"
    before = error.object[max(0, error.start - 20) : error.start].decode(errors="ignore")
    problem = f"is not UTF-8 (utf-8), got the byte {byte} after {_show(before)}; save it as UTF-8"
    return _refuse(line, "the line", "utf-8", byte, problem)


def _describe(error: ValueError, *, with_line: bool = False) -> str:
    """What the decoder says, with the place in the line."""
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    line = f"line {error.lineno}, " if with_line else ""
    return f"{error.msg.removesuffix(' at')} at {line}column {error.colno}"


def _show(value: object) -> str:
    return safe_repr(value)


def _refuse(line: int, subject: str, rule: str, value: object, problem: str) -> Refusal:
    path = "" if subject.startswith("the ") else subject
    return Refusal(line, Issue(path, rule, value, f"{subject} {problem}"))
