"""A spec change report as Markdown, as one HTML page and as JSON."""

from __future__ import annotations

import html
import json
from itertools import groupby
from typing import TYPE_CHECKING

from contract_tools import files
from contract_tools.specdiff_edits import show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contract_tools.specdiff import Report
    from contract_tools.specdiff_python import Effect
    from contract_tools.specdiff_rules import Change
    from contract_tools.values import Json, JsonObject

_NAME = "spec-diff"
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --breaking: #c62828; --compatible: #2e7d32;
  --undecided: #b26a00; }
@media (prefers-color-scheme: dark) { :root { --breaking: #ff7b72; --compatible: #7ee787;
  --undecided: #e3b341; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
article { border-left: .3rem solid var(--line); margin: 1rem 0; padding: .1rem 0 .1rem .8rem; }
article.breaking { border-color: var(--breaking); }
article.compatible { border-color: var(--compatible); }
article.undecided { border-color: var(--undecided); }
b.breaking { color: var(--breaking); } b.compatible { color: var(--compatible); }
b.undecided { color: var(--undecided); }
pre { overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; margin: .3rem 0;
  padding: .4rem; background: #8881; }
code { overflow-wrap: anywhere; } ul { margin: .2rem 0; padding-left: 1.2rem; }
"""


def write(report: Report, folder: Path) -> list[Path]:
    """Write the page and the JSON into a folder, and return where they are."""
    data = json.dumps(as_json(report), indent=2, ensure_ascii=False) + "\n"
    written = dict(zip(_pages(folder), (as_html(report), data), strict=True))
    files.replace({file: text.encode() for file, text in written.items()})
    return list(written)


def discard(folder: Path) -> None:
    """Delete what an earlier comparison wrote: nobody shall take it for the one that failed."""
    files.replace(dict.fromkeys(_pages(folder)))


def _pages(folder: Path) -> tuple[Path, Path]:
    return folder / f"{_NAME}.html", folder / f"{_NAME}.json"


def headline(report: Report) -> str:
    """The report in one sentence."""
    if not report.changes:
        return f"Nothing that matters has changed since {report.base}."
    counts = [f"{report.count(kind)} {kind}" for kind in ("breaking", "undecided", "compatible")]
    return f"{len(report.changes)} changes since {report.base}: {', '.join(counts)}."


def as_markdown(report: Report) -> list[str]:
    """The report as lines of Markdown."""
    lines = ["# What changed in the contract", "", headline(report)]
    lines += ["", f"Note: {report.note}"] if report.note else []
    for operation, changes in _grouped(report):
        lines += ["", f"## {operation or 'The document'}", ""]
        for change in changes:
            lines.append(f"- **{change.verdict}** {_place(change)}: {change.what}")
            if change.judgement.reason:
                lines.append(f"  - on the wire: {change.judgement.reason}")
            lines += [f"  - for example `{show_whole(one)}`" for one in change.judgement.witness]
            lines += [f"  - in Python: `{effect.name}` {_does(effect)}"
                      for effect in change.effects]  # fmt: skip
    return lines


def as_html(report: Report) -> str:
    """The report as one page that needs nothing else."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width, initial-scale=1">',
        f"<title>What changed in the contract</title><style>{_STYLE}</style>",
        f"<h1>What changed in the contract</h1><p>{html.escape(headline(report))}</p>",
        *([f"<p>Note: {html.escape(report.note)}</p>"] if report.note else []),
    ]
    for operation, changes in _grouped(report):
        parts.append(f"<h2>{html.escape(operation or 'The document')}</h2>")
        parts += [_article(change) for change in changes]
    return "\n".join(parts) + "\n</html>\n"


def as_json(report: Report) -> JsonObject:
    """The report for programs."""
    return {
        "base": report.base,
        "headline": headline(report),
        "note": report.note,
        "breaking": report.count("breaking"),
        "undecided": report.count("undecided"),
        "compatible": report.count("compatible"),
        "changes": [_change(change) for change in report.changes],
    }


def show_whole(value: Json) -> str:
    """A witness, cut only where it is very long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 1500 else f"{text[:1499]}…"


def _change(change: Change) -> JsonObject:
    return {
        "operation": change.operation,
        "part": change.part,
        "place": change.place,
        "what": change.what,
        "verdict": change.verdict,
        "wire": change.judgement.verdict,
        "reason": change.judgement.reason,
        "witness": list(change.judgement.witness),
        "python": [
            {"name": effect.name, "what": effect.what, "breaking": effect.breaking}
            for effect in change.effects
        ],
    }


def _grouped(report: Report) -> Iterator[tuple[str, list[Change]]]:
    for operation, changes in groupby(report.changes, key=lambda change: change.operation):
        yield operation, list(changes)


def _place(change: Change) -> str:
    return f"{change.part} {change.place}".strip() or "the operation"


def _does(effect: Effect) -> str:
    return f"{effect.what} (breaking)" if effect.breaking else effect.what


def _article(change: Change) -> str:
    told = [f"<b class={change.verdict}>{change.verdict}</b> <code>"
            f"{html.escape(_place(change))}</code> {html.escape(change.what)}"]  # fmt: skip
    if change.judgement.reason:
        told.append(f"<br>On the wire: {html.escape(change.judgement.reason)}.")
    told += [f"<pre>{html.escape(show_whole(one))}</pre>" for one in change.judgement.witness]
    if change.effects:
        names = "".join(
            f"<li><code>{html.escape(effect.name)}</code> {html.escape(_does(effect))}"
            for effect in change.effects
        )
        told.append(f"<ul>{names}</ul>")
    return f"<article class={change.verdict}>{''.join(told)}</article>"


__all__ = [
    "as_html",
    "as_json",
    "as_markdown",
    "discard",
    "headline",
    "show",
    "show_whole",
    "write",
]
