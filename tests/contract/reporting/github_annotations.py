"""Failures as GitHub workflow commands, shown next to the lines that they concern."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ..coverage.coverage_thresholds import THRESHOLDS_FILE
from .results import ContractRun, RecordedTest

ROOT = Path(__file__).parents[3]
CONTRACT = "openapi/runway.yaml"
_MAX_LENGTH = 4000


def make_annotations(run: ContractRun) -> Iterator[str]:
    """One workflow command for each failed check, each other failed test and each problem."""
    lines = operation_lines((ROOT / CONTRACT).read_text("utf-8"))
    for test in run.tests:
        if test.outcome == "failed":
            yield from _annotate_failure(test, lines)
    for problem in run.problems:
        file = THRESHOLDS_FILE.relative_to(ROOT).as_posix()
        yield error_command(file, 1, "coverage thresholds", problem)


def _annotate_failure(test: RecordedTest, lines: dict[str, int]) -> Iterator[str]:
    for failure in test.contract_failures:
        name, value = failure["operation"], failure["value"]
        text = "\
".join([*failure["messages"], f"smallest value: {value}", failure["curl"]])
        title = f"{name} ({failure['client']})"
        yield error_command(CONTRACT, lines.get(name, 1), title, text)
    if not test.contract_failures:
        file, _, name = test.name.partition("::")
        yield error_command(file, test.line, name, test.text)


def operation_lines(text: str) -> dict[str, int]:
    """The line of the contract that names each operation."""
    named = re.compile(r"^\s+operationId: (\S+)$")
    rows = enumerate(text.splitlines(), 1)
    return {match[1]: number for number, row in rows if (match := named.match(row))}


def error_command(file: str, line: int, title: str, message: str) -> str:
    """One ``::error`` command; characters that would end a value are escaped."""
    where = {"file": file, "line": str(line), "title": title}
    options = ",".join(
        f"{key}={_escape(value).replace(':', '%3A').replace(',', '%2C')}"
        for key, value in where.items()
    )
    return f"::error {options}::{_escape(message[:_MAX_LENGTH])}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
