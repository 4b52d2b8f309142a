"""Check a whole manifest offline, and estimate what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from attrs import frozen

from cometapi_runway._core.naming import count_noun
from cometapi_runway._settings import Settings, resolve_settings
from cometapi_runway.batch._manifest import BadRow, Manifest
from cometapi_runway.batch._rows import Row, name_argument
from cometapi_runway.errors import InvalidRequestError, Issue
from cometapi_runway.resources._prepare_request import prepare_create

MAX_BAD_ROWS: Final = 20
"""Bad rows that a report keeps; it counts the others."""
_MAX_ISSUES: Final = 10
"""Issues that a report keeps of one row."""


@frozen
class Estimate:
    """What a batch costs at the prices that are known.

    Attributes:
        rows: The rows of each operation.
        prices: The price of one task in USD, for each operation where it is known.
    """

    rows: Mapping[str, int]
    prices: Mapping[str, Decimal]

    @property
    def known_cost(self) -> Decimal:
        """The cost of the rows whose price is known, in USD."""
        return sum((self.prices[name] * self.rows[name] for name in self.prices), Decimal())

    @property
    def unpriced_rows(self) -> int:
        """The rows whose price is unknown; they are not part of the known cost."""
        return sum(count for name, count in self.rows.items() if name not in self.prices)


@frozen
class ManifestReport:
    """What a check found.

    Attributes:
        path: The manifest.
        row_count: All rows, bad ones included.
        bad_row_count: The rows that are refused.
        bad_rows: The first of them.
        estimate: The cost of the other rows.
    """

    path: Path
    row_count: int
    bad_row_count: int
    bad_rows: tuple[BadRow, ...]
    estimate: Estimate

    @property
    def is_valid(self) -> bool:
        """Whether every row may be sent."""
        return self.row_count > 0 and self.bad_row_count == 0

    @property
    def message(self) -> str:
        """One sentence about a manifest that is refused."""
        if self.row_count == 0:
            return f"{self.path} has no rows (minItems)"
        rows = count_noun(self.row_count, "row")
        return f"{self.path} is not valid: {self.bad_row_count} of {rows} refused"

    def to_error(self) -> InvalidRequestError:
        """The error for a manifest that is refused, with the issues of the first bad rows."""
        issues = [
            Issue(issue.path, issue.rule, issue.value, f"{row.place}: {issue.message}")
            for row in self.bad_rows
            for issue in row.issues
        ]
        return InvalidRequestError(issues or [Issue("", "minItems", None, self.message)])


def check_manifest(
    manifest: Manifest,
    *,
    folder: Path | None = None,
    price_of: Callable[[str], Decimal | None] | None = None,
    settings: Settings | None = None,
) -> ManifestReport:
    """Validate every row as ``create`` does; nothing is sent.

    Rows are checked one at a time, so that the memory does not grow with the manifest, apart from
    ids and names.

    Args:
        manifest: The manifest.
        folder: The batch's folder, which no output may leave by a symbolic link.
        price_of: The price of one task of a resource in USD; None if it is unknown.
        settings: The client's settings; those of the environment, without a key, if None.

    Raises:
        ConfigurationError: The file cannot be read, or a setting is malformed.
    """
    if settings is None:
        # A check needs no key, and must not risk showing a real one. This one is too short to be
        # looked for, as a key is in a URL of the gateway.
        settings = resolve_settings("none")
    rows: Counter[str] = Counter()
    bad_rows: list[BadRow] = []
    bad_row_count = 0
    for item in manifest.read(folder):
        row = item if isinstance(item, Row) else item.row
        issues = () if isinstance(item, Row) else item.issues
        issues += () if row is None else _check_request(row, settings, issues)
        if row is not None and not issues:
            rows[row.resource.name] += 1
            continue
        bad_row_count += 1
        if len(bad_rows) < MAX_BAD_ROWS:
            bad_rows.append(BadRow(item.line, item.id, issues[:_MAX_ISSUES]))
    row_count = rows.total() + bad_row_count
    priced = {name: price_of(name) for name in rows} if price_of is not None else {}
    prices = {name: price for name, price in priced.items() if price is not None}
    estimate = Estimate(dict(rows), prices)
    return ManifestReport(manifest.path, row_count, bad_row_count, tuple(bad_rows), estimate)


def _check_request(row: Row, settings: Settings, known: tuple[Issue, ...]) -> tuple[Issue, ...]:
    """What `create` refuses of a row, apart from fields whose issues are known."""
    try:
        prepare_create(row.resource.signature, row.arguments, settings)
    except InvalidRequestError as error:
        fields = {issue.path for issue in known}
        issues = (_name_field(row, issue) for issue in error.issues)
        return tuple(issue for issue in issues if issue.path not in fields)
    return ()


def _name_field(row: Row, issue: Issue) -> Issue:
    """An issue of the body as one of the row: its fields have the names of arguments."""
    name = name_argument(row.resource, issue.path)
    rest = issue.message.removeprefix(issue.path)
    message = f"{name}{rest}" if rest != issue.message else issue.message
    if f"({issue.rule}" not in message:
        message += f" ({issue.rule})"
    return Issue(name, issue.rule, issue.value, message)
