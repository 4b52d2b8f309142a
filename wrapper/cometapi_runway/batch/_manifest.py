"""A manifest: the rows of a batch, read from a file one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike
from pathlib import Path

from cometapi_runway.batch._output_names import OutputNames
from cometapi_runway.batch._records import BadRow, Record, read_records
from cometapi_runway.batch._rows import Row, RowMaker, find_resource
from cometapi_runway.batch._templates import parse_templates
from cometapi_runway.errors import ConfigurationError, InvalidRequestError, Issue


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
        for record in read_records(self.path):
            yield record if isinstance(record, BadRow) else self._read(record, ids, names)

    def _read(self, record: Record, ids: dict[str, int], names: OutputNames) -> Row | BadRow:
        try:
            row = self._maker.make(record)
            _take_id(row, ids)
            names.add(row.output, row.line)
        except InvalidRequestError as error:
            given = record.fields.get("id")
            return BadRow(record.line, given if isinstance(given, str) else None, error.issues)
        return row


def _take_id(row: Row, ids: dict[str, int]) -> None:
    other = ids.setdefault(row.id, row.line)
    if other == row.line:
        return
    if row.has_own_id:
        message = f"id must be unique (unique), got {row.id!r}, the id of line {other} as well"
    else:
        message = (
            f"id is needed (unique): the row has the same arguments as line {other}; give both an "
            "id to create the task twice"
        )
    raise InvalidRequestError([Issue("id", "unique", row.id, message)])
