"""Prints the summary of a run and writes its report files."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

from ..generation.value_source import describe_generation
from .causes import Cause, group_by_cause
from .github_annotations import make_annotations
from .html_page import render_page
from .report_data import build_report
from .results import ContractRun
from .user_names import user_names

_MAX_PROBLEMS = 40
_MAX_CAUSES = 12
# The last lines of the terminal: the verdict, three of these, and where the report is.
_LAST_ITEMS = 3
_MAX_WIDTH = 300


def summary_lines(run: ContractRun) -> Iterator[str]:
    """The lines before pytest's last one: every cause with its details, and the coverage."""
    causes = group_by_cause(run.tests)
    # Without a report, pytest has printed every failure.
    for cause in causes[:_MAX_CAUSES] if run.folder else ():
        yield from _details(run, cause)
    if len(causes) > _MAX_CAUSES:
        yield f"… and {len(causes) - _MAX_CAUSES} more causes"
    yield f"values drawn: {describe_generation()}"
    for direction, count in run.coverage.counts.items():
        yield f"coverage points, {direction}: {count}"
    if not run.is_complete:
        yield "partial or failed run: coverage is counted but not compared with the thresholds"
    yield from run.problems[:_MAX_PROBLEMS]
    if len(run.problems) > _MAX_PROBLEMS:
        yield f"… and {len(run.problems) - _MAX_PROBLEMS} more"
    yield from (f"covered by chance: {note}" for note in run.coverage.notes)
    if os.environ.get("GITHUB_ACTIONS"):
        yield from make_annotations(run)


def last_lines(run: ContractRun) -> Iterator[str]:
    """Five lines at most that say whether the run passed, and if not, why."""
    verdict = "passed" if run.is_good else "FAILED"
    if run.is_selection and run.is_good:
        verdict = "passed, but only a part of the suite ran"
    at = f" at {run.revision}" if run.revision else ""
    yield f"contract: {verdict}{at}: {count_tests(run)} in {run.seconds:.0f} s"
    if run.is_good:
        yield from (f"coverage points, {name}: {one}" for name, one in run.coverage.counts.items())
    else:
        items = list(_reasons(run))
        shown = items if len(items) <= _LAST_ITEMS else items[: _LAST_ITEMS - 1]
        yield from (f"  {one}" for one in shown)
        if len(shown) < len(items):
            yield f"  … and {len(items) - len(shown)} more, listed above"
    yield f"report: {run.folder / 'index.html'}"


def count_tests(run: ContractRun) -> str:
    """How many tests ended in which way, in words."""
    counts = Counter(one.outcome for one in run.tests)
    named = {"failed": "failed", "passed": "passed", "xfailed": "failed as expected",
             "skipped": "skipped"}  # fmt: skip
    total = len(run.tests)
    ways = ", ".join(f"{counts[key]} {text}" for key, text in named.items() if counts[key])
    return f"{total} {'test' if total == 1 else 'tests'}" + (f" ({ways})" if ways else "")


def name_cause(run: ContractRun, cause: Cause) -> str:
    """A cause in one line: the operation by its user's name and its id, and what is wrong."""
    operations = [one for one in run.contract.operations if one.id in cause.operations]
    if len(operations) > 1:
        return f"{len(operations)} operations: {cause.text}"
    where = [f"{', '.join(user_names(one))} ({one.id}): " for one in operations]
    return "".join(where) + cause.text


def _reasons(run: ContractRun) -> Iterator[str]:
    for cause in group_by_cause(run.tests):
        count = len(cause.tests)
        tests = "1 test" if count == 1 else f"{count} tests"
        yield f"{name_cause(run, cause)[:_MAX_WIDTH]} ({tests})"
    if run.stopped:
        yield f"stopped before its last test: {run.stopped}"[:_MAX_WIDTH]
    yield from (one[:_MAX_WIDTH] for one in run.problems)


def _details(run: ContractRun, cause: Cause) -> Iterator[str]:
    yield ""
    yield f"## {name_cause(run, cause)}"
    for failure in cause.failures[:1]:
        yield from _failure_lines(failure)
    if not cause.failures:
        yield cause.tests[0].text
    yield "failed: " + "\n        ".join(one.name for one in cause.tests)
    yield ""


def _failure_lines(failure: dict[str, Any]) -> Iterator[str]:
    yield f"{failure['operation']} ({', '.join(failure['clients'])}): {failure['summary']}"
    yield from (f"    {one}" for one in failure["messages"][:6])
    yield f"  drawn by: {failure['origin']}"
    if failure["value"]:
        yield f"  smallest value: {failure['value'][:600]}"
    if failure["curl"]:
        yield f"  {failure['curl'][:1200]}"
    if failure["test"]:
        yield "  as a test, for tests/contract/test_found.py:"
        yield indent(failure["test"], "    ")


def write_report(folder: Path, run: ContractRun) -> None:
    """Write the report into a folder, and create the folder if needed."""
    folder.mkdir(parents=True, exist_ok=True)
    report = build_report(run)
    (folder / "contract.json").write_text(json.dumps(report, ensure_ascii=False) + "\n", "utf-8")
    (folder / "index.html").write_text(render_page(report), "utf-8")
