"""The outcome of a run: in the terminal, as annotations, as JSON and as a page."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .. import st
from .annotations import annotations
from .document import build
from .page import render

if TYPE_CHECKING:
    from .collect import Run

_MOST = 40


def lines(run: Run) -> Iterator[str]:
    """What the terminal shows at the end."""
    yield f"drawn: {st.announce()}"
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
        yield from annotations(run)


def write(folder: Path, run: Run) -> None:
    """Write the report into a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    document = build(run)
    (folder / "contract.json").write_text(json.dumps(document, ensure_ascii=False) + "\n", "utf-8")
    (folder / "index.html").write_text(render(document), "utf-8")
