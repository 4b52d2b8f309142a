"""`python -m contract_tools.table`: the operations as a table, for people.

It is printed, or, with `--write FILE`, put between the two marks in that file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from contract_tools import files
from contract_tools.confidence import OF_FIELDS
from contract_tools.errors import ContractError
from contract_tools.values import as_object, as_text, entries, members
from contract_tools.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contract_tools.values import Json, JsonObject

BEGIN = "<!-- operations: from openapi/runway.yaml, by `python -m contract_tools.table` -->"
END = "<!-- operations: end -->"
HEAD = ("In Python", "Request", "Known from", "Fields")
ORDER = ("documented", "observed", "upstream", "inferred")
READERS = {"tasks": "tasks.retrieve", "feed": "compat.tasks.retrieve"}


def markdown(contract: JsonObject) -> str:
    """Return the table: one row for each resource, official format first, reads last."""
    rows = sorted(row for operation in _operations(contract) for row in _rows(*operation))
    lines = [HEAD, tuple("---" for _ in HEAD), *(row for _, row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def placed(text: str, table: str) -> str:
    """Return a text with the table between its marks.

    Raises:
        ContractError: it does not have both marks, each once and in order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in after or END in before + after:
        raise ContractError(f"the text needs one line {BEGIN!r} and, after it, one line {END!r}")
    return f"{before}{BEGIN}\n{table}{END}{after}"


def _operations(contract: JsonObject) -> Iterator[tuple[str, str, JsonObject]]:
    for path, item in members(contract.get("paths")).items():
        for method, operation in members(item).items():
            if "operationId" in members(operation):
                yield method.upper(), path, as_object(operation, path)


def _rows(
    method: str, path: str, operation: JsonObject
) -> Iterator[tuple[tuple[bool, bool, str], tuple[str, ...]]]:
    """Yield a sort key and a row for each resource of an operation."""
    tag = as_text(entries(operation.get("tags"))[0], path)
    is_old = tag != "official"
    page, confidence = operation.get("x-page"), members(operation.get("x-confidence"))
    for resource, schema in _resources(operation.get("x-resource"), path):
        source = as_object(members(page).get(schema, page), path)
        words = members(confidence.get(schema, confidence))
        reader = READERS.get(resource)
        call = reader or f"{'compat.' if is_old else ''}{resource}.create"
        how = "the page itself" if source.get("obtained") == "page" else "a transcription"
        row = (f"`client.{call}`", f"`{method} {path}`", how, _counted(words))
        yield (reader is not None, is_old, call), row


def _resources(value: Json, path: str) -> list[tuple[str, str]]:
    """Return each resource with the schema of its body, empty where it is the only one."""
    if isinstance(value, dict):
        return [(resource, as_text(schema, path)) for resource, schema in value.items()]
    return [(as_text(value, path), "")]


def _counted(words: JsonObject) -> str:
    """Say how many fields are how sure."""
    counts = Counter(word for part, word in words.items() if part.startswith(OF_FIELDS))
    return ", ".join(f"{counts[word]} {word}" for word in ORDER if counts[word]) or "all documented"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, or put it into a file; the exit status."""
    parser = argparse.ArgumentParser(prog="contract_tools.table", description=__doc__)
    parser.add_argument("--write", metavar="FILE", type=Path, help="a file with both marks")
    options = parser.parse_args(arguments)
    source = Workspace.here().package / "contract.json"
    table = markdown(as_object(json.loads(source.read_text("utf-8")), source.name))
    goal: Path | None = options.write
    if goal is None:
        print(table, end="")
        return 0
    try:
        files.replace({goal: placed(goal.read_text("utf-8"), table).encode()})
    except ContractError as error:
        print(f"error: {goal}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
