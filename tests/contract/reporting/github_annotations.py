"""Findings as GitHub shows them beside the lines they are about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .plugin import ContractRun, TestOutcome

ROOT = Path(__file__).parents[3]
CONTRACT = "openapi/runway.yaml"
_LONGEST = 4000


def make_annotations(run: ContractRun) -> Iterator[str]:
    """One workflow error_command for each breach, each other failure and each fault of the list."""
    lines = operation_lines((ROOT / CONTRACT).read_text("utf-8"))
    for result in run.results:
        if result.outcome == "failed":
            yield from _failure(result, lines)
    for problem in run.problems:
        yield error_command("tests/contract/facets.toml", 1, "facets", problem)


def _failure(result: TestOutcome, lines: dict[str, int]) -> Iterator[str]:
    for breach in result.breaches:
        name = breach["operation"]
        words = "\n".join([*breach["complaints"], f"with {breach['value']}", breach["curl"]])
        title = f"{name} ({breach['how']})"
        yield error_command(CONTRACT, lines.get(name, 1), title, words)
    if not result.breaches:
        file, _, test = result.name.partition("::")
        yield error_command(file, result.line, test, result.words)


def operation_lines(text: str) -> dict[str, int]:
    """The line of the contract on which each operation is named."""
    named = re.compile(r"^\s+operationId: (\S+)$")
    rows = enumerate(text.splitlines(), 1)
    return {match[1]: number for number, row in rows if (match := named.match(row))}


def error_command(file: str, line: int, title: str, message: str) -> str:
    """One ``::error``; what would end a value early is escaped."""
    where = {"file": file, "line": str(line), "title": title}
    marks = ",".join(
        f"{key}={_escape(value).replace(':', '%3A').replace(',', '%2C')}"
        for key, value in where.items()
    )
    return f"::error {marks}::{_escape(message[:_LONGEST])}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
