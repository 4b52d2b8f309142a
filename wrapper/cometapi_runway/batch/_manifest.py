"""A manifest: the rows of a batch, read from a file one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Final

from attrs import frozen

from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.redaction import safe_repr
from cometapi_runway.batch._output_names import OutputNames
from cometapi_runway.batch._records import Record, Records, Refusal, read_records
from cometapi_runway.batch._rows import Row, RowMaker, find_resource
from cometapi_runway.batch._templates import parse_templates
from cometapi_runway.errors import ConfigurationError, InvalidRequestError, Issue

_MAX_SHOWN_ID: Final = 60


@frozen
class BadRow:
    """A row that is refused.

    Attributes:
        line: The line that it begins on, from 1.
        id: Its id, where it is known.
        issues: What is wrong with it, at least one. The path of an issue is the row's field.
        row: The row as far as it can be read, or None.
    """

    line: int
    id: str | None
    issues: tuple[Issue, ...]
    row: Row | None = None

    @property
    def place(self) -> str:
        """Where it is in the manifest: ``line 4 (cat)``."""
        if self.id is None:
            return f"line {self.line}"
        is_short = self.id.isprintable() and len(self.id) <= _MAX_SHOWN_ID
        return f"line {self.line} ({self.id if is_short else safe_repr(self.id)})"


class Manifest:
    """The rows of a batch, in a JSONL, CSV or JSON file.

    A row has the arguments of ``create`` by their Python names, and further:

    - ``id``: unique, at most 200 printable characters. A row without one gets a digest of its
      operation and arguments as its id, so that it keeps the id when rows move. Two such rows must
      differ; to buy the same task twice, give both an id.
    - ``operation``: a resource, as on the client (``compat.act_one``) or on the command line.
    - ``output``: the name of its files in the batch's folder; the id by default. Their extension
      is the output's.

    Cells of CSV are text, and are typed by the contract: ``5`` for a whole number, ``true``, JSON
    for an object or a list. An empty cell counts as absent, and so does JSON's null. A local file
    is found from the manifest's folder.

    Attributes:
        path: The file.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        operation: str | None = None,
        assignments: Iterable[str] = (),
    ) -> None:
        """Prepare to read a manifest; the file is opened by `read`.

        Args:
            path: The file, whose name ends in .jsonl, .ndjson, .csv or .json.
            operation: The resource of rows that name none.
            assignments: ``field={other} at dawn``: fills a field of every row, in place of the
                row's own value, from its fields as they are in the file. The text is typed as a
                CSV cell is.

        Raises:
            ConfigurationError: The operation does not exist, or an assignment is malformed.
        """
        self.path = Path(path)
        try:
            default = None if operation is None else find_resource(operation)
        except InvalidRequestError as error:
            raise ConfigurationError(error.issues[0].message, setting="operation") from error
        self._maker = RowMaker(self.path.parent, default, parse_templates(assignments))

    def read(self, folder: Path | None = None) -> Iterator[Row | BadRow]:
        """Read every row, and refuse those that are malformed or repeat another's id or name.

        Nothing is kept of a row but its id and name. Requests are not validated; see
        `check_manifest`.

        Args:
            folder: The batch's folder, which no output may leave by a symbolic link.

        Raises:
            ConfigurationError: The file cannot be read.
        """
        ids: dict[str, int] = {}
        names = OutputNames(folder)
        for record in self._read_records():
            if isinstance(record, Refusal):
                yield BadRow(record.line, None, (record.issue,))
                continue
            row, issues = self._maker.make(record)
            if row is not None:
                issues += _find_repeated(row, ids, names)
            yield row if row and not issues else _make_bad_row(record, row, issues)

    def _read_records(self) -> Records:
        return read_records(self.path)


class RowList(Manifest):
    """Rows that a program has made, in place of a file's; local files are found from ``.``."""

    def __init__(self, rows: Iterable[Mapping[str, JSON]], *, operation: str | None = None) -> None:
        """Prepare to read rows.

        Args:
            rows: The fields of each row.
            operation: The resource of rows that name none.

        Raises:
            ConfigurationError: The operation does not exist.
        """
        super().__init__("rows", operation=operation)
        self._records = [Record(number, fields) for number, fields in enumerate(rows, 1)]

    def _read_records(self) -> Records:
        return iter(self._records)


def _find_repeated(row: Row, ids: dict[str, int], names: OutputNames) -> list[Issue]:
    """Take the row's id and name, or say which row has them."""
    other = ids.setdefault(row.id, row.line)
    if other == row.line:
        return names.add(row.output, row.line) if row.output else []
    if row.has_own_id:
        message = f"id must be unique (unique), got {row.id!r}, the id of line {other} as well"
    else:
        message = (
            f"id is needed (unique): the row has the same arguments as line {other}; give both an "
            "id to create the task twice"
        )
    return [Issue("id", "unique", row.id, message)]


def _make_bad_row(record: Record, row: Row | None, issues: list[Issue]) -> BadRow:
    given = record.fields.get("id")
    # A malformed id is shown as it is written, not as the digest that stands in for it.
    row_id = given if isinstance(given, str) or row is None else row.id
    return BadRow(record.line, row_id if isinstance(row_id, str) else None, tuple(issues), row)
