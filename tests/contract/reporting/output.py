"""The outcome of a run: in the terminal, as make_annotations, as JSON and as a page."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..generation import value_source
from .github_annotations import make_annotations
from .html_page import render_page
from .report_data import build_report

if TYPE_CHECKING:
    from .plugin import ContractRun

_MOST = 40


def summary_lines(run: ContractRun) -> Iterator[str]:
    """What the terminal shows at the end."""
    yield f"drawn: {value_source.describe_generation()}"
    for direction, count in run.verdict.counts.items():
        yield f"facets exercised, {direction}: {count}"
    if not run.is_whole:
        yield "not the whole suite, or some of it failed: facets are counted but not judged"
    yield from run.problems[:_MOST]
    if len(run.problems) > _MOST:
        yield f"… and {len(run.problems) - _MOST} more"
    yield from (f"by luck: {note}" for note in run.verdict.notes)
    if run.folder:
        yield f"report: {run.folder / 'index.html'}"
    if os.environ.get("GITHUB_ACTIONS"):
        yield from make_annotations(run)


def write_report(folder: Path, run: ContractRun) -> None:
    """Write the report into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    document = build_report(run)
    (folder / "contract.json").write_text(json.dumps(document, ensure_ascii=False) + "\n", "utf-8")
    (folder / "index.html").write_text(render_page(document), "utf-8")
