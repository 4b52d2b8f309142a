"""Prints the summary of a run and writes its report files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from ..generation.value_source import describe_generation
from .github_annotations import make_annotations
from .html_page import render_page
from .report_data import build_report
from .results import ContractRun

_MAX_PROBLEMS = 40


def summary_lines(run: ContractRun) -> Iterator[str]:
    """The lines at the end of the terminal output."""
    yield f"values drawn: {describe_generation()}"
    for direction, count in run.coverage.counts.items():
        yield f"coverage points, {direction}: {count}"
    if not run.is_complete:
        yield "partial or failed run: coverage is counted but not compared with the thresholds"
    yield from run.problems[:_MAX_PROBLEMS]
    if len(run.problems) > _MAX_PROBLEMS:
        yield f"… and {len(run.problems) - _MAX_PROBLEMS} more"
    yield from (f"covered by chance: {note}" for note in run.coverage.notes)
    if run.folder:
        yield f"report: {run.folder / 'index.html'}"
    if os.environ.get("GITHUB_ACTIONS"):
        yield from make_annotations(run)


def write_report(folder: Path, run: ContractRun) -> None:
    """Write the report into a folder, and create the folder if needed."""
    folder.mkdir(parents=True, exist_ok=True)
    report = build_report(run)
    (folder / "contract.json").write_text(json.dumps(report, ensure_ascii=False) + "\n", "utf-8")
    (folder / "index.html").write_text(render_page(report), "utf-8")
