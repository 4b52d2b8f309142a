"""`table`: the operations of the contract as a Markdown table, printed or written into a file."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from contract_tools._common.atomic_files import replace_files
from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import as_object, as_text, entries, members
from contract_tools._common.openapi import Operation, operations
from contract_tools.pages.confidence import FIELD_PARTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contract_tools._common.json_values import Json, JsonObject
    from contract_tools._common.workspace import Workspace

BEGIN = "<!-- operations: from openapi/runway.yaml, by `python -m contract_tools table` -->"
END = "<!-- operations: end -->"
HEAD = ("In Python", "Request", "Known from", "Fields")
ORDER = ("documented", "observed", "upstream", "inferred")
READERS = {"tasks": "tasks.retrieve", "feed": "compat.tasks.retrieve"}


def operations_table(contract: JsonObject) -> str:
    """Return the table: one row for each resource, official format first, reads last."""
    rows = sorted(row for operation in operations(contract) for row in _rows(operation))
    lines = [HEAD, tuple("---" for _ in HEAD), *(row for _, row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def insert_table(text: str, table: str) -> str:
    """Return a text with the table between its two marks.

    Raises:
        ContractError: the text does not have both marks, each once and in order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in before + after:
        raise ContractError(f"the text needs one line {BEGIN!r} and, after it, one line {END!r}")
    return f"{before}{BEGIN}\n{table}{END}{after}"


def write_table(workspace: Workspace, file: Path | None) -> list[str]:
    """Return the table as lines, or write it between the marks of a file.

    Raises:
        ContractError: the file does not have both marks, each once and in order.
    """
    source = workspace.package / "contract.json"
    table = operations_table(as_object(json.loads(source.read_text("utf-8")), source.name))
    if file is None:
        return table.splitlines()
    try:
        text = insert_table(file.read_text("utf-8"), table)
    except ContractError as error:
        raise ContractError(f"{file}: {error}") from error
    replace_files({file: text.encode()})
    return [f"{file}: written"]


def _rows(operation: Operation) -> Iterator[tuple[tuple[bool, bool, str], tuple[str, ...]]]:
    """Yield a sort key and a row for each resource of an operation."""
    raw, route = operation.raw, operation.route
    is_compat = as_text(entries(raw.get("tags"))[0], route) != "official"
    page, confidence = raw.get("x-page"), members(raw.get("x-confidence"))
    for resource, schema in _resources(raw.get("x-resource"), route):
        source = as_object(members(page).get(schema, page), route)
        levels = members(confidence.get(schema, confidence))
        reader = READERS.get(resource)
        call = reader or f"{'compat.' if is_compat else ''}{resource}.create"
        how = "the page itself" if source.get("obtained") == "page" else "a transcription"
        row = (f"`client.{call}`", f"`{route}`", how, _count_levels(levels))
        yield (reader is not None, is_compat, call), row


def _resources(value: Json, path: str) -> list[tuple[str, str]]:
    """Return each resource with the schema of its body, empty where it is the only one."""
    if isinstance(value, dict):
        return [(resource, as_text(schema, path)) for resource, schema in value.items()]
    return [(as_text(value, path), "")]


def _count_levels(levels: JsonObject) -> str:
    """Return how many fields have each confidence level."""
    counts = Counter(level for part, level in levels.items() if part.startswith(FIELD_PARTS))
    return ", ".join(f"{counts[level]} {level}" for level in ORDER if counts[level]) or (
        "all documented"
    )
