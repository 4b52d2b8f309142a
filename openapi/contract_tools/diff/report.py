"""The report of `make spec-diff` as Markdown, as one HTML page and as JSON."""

from __future__ import annotations

import html
import json
from itertools import groupby
from typing import TYPE_CHECKING

from contract_tools._common.atomic_files import replace_files
from contract_tools._common.json_values import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contract_tools._common.json_values import JsonObject
    from contract_tools.diff.changes import Change, Effect
    from contract_tools.diff.spec_diff import Comparison

_NAME = "spec-diff"
_WITNESS_LENGTH = 1500
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --breaking: #c62828; --compatible: #2e7d32;
  --undecided: #b26a00; }
@media (prefers-color-scheme: dark) { :root { --breaking: #ff7b72; --compatible: #7ee787;
  --undecided: #e3b341; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem;
  overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; }
article { border-left: .3rem solid var(--line); margin: 1rem 0; padding: .1rem 0 .1rem .8rem; }
article.breaking { border-color: var(--breaking); }
article.compatible { border-color: var(--compatible); }
article.undecided { border-color: var(--undecided); }
b.breaking { color: var(--breaking); } b.compatible { color: var(--compatible); }
b.undecided { color: var(--undecided); }
pre { white-space: pre-wrap; margin: .3rem 0; padding: .4rem; background: #8881; }
ul { margin: .2rem 0; padding-left: 1.2rem; }
"""


def write_reports(comparison: Comparison, folder: Path) -> list[Path]:
    """Write the HTML page and the JSON into a folder, and return their paths."""
    data = json.dumps(as_json(comparison), indent=2, ensure_ascii=False) + "\n"
    contents = dict(zip(_files(folder), (as_html(comparison), data), strict=True))
    replace_files({file: text.encode() for file, text in contents.items()})
    return list(contents)


def delete_reports(folder: Path) -> None:
    """Delete the reports of an earlier comparison, so that none is left if this one fails."""
    replace_files(dict.fromkeys(_files(folder)))


def _files(folder: Path) -> tuple[Path, Path]:
    return folder / f"{_NAME}.html", folder / f"{_NAME}.json"


def headline(comparison: Comparison) -> str:
    """Return the report in one sentence."""
    if not comparison.changes:
        return f"Nothing that matters has changed since {comparison.base}."
    counts = [
        f"{comparison.count(kind)} {kind}" for kind in ("breaking", "undecided", "compatible")
    ]
    total = len(comparison.changes)
    changes = f"{total} change" if total == 1 else f"{total} changes"
    return f"{changes} since {comparison.base}: {', '.join(counts)}."


def as_markdown(comparison: Comparison) -> list[str]:
    """Return the report as lines of Markdown."""
    lines = ["# What changed in the contract", "", headline(comparison)]
    lines += ["", f"Note: {comparison.note}"] if comparison.note else []
    for operation, changes in _by_operation(comparison):
        lines += ["", f"## {operation or 'The document'}", ""]
        for change in changes:
            lines.append(f"- **{change.verdict}** {change.location}: {change.what}")
            if change.judgement.reason:
                lines.append(f"  - on the wire: {change.judgement.reason}")
            lines += [
                f"  - for example `{shorten(one, _WITNESS_LENGTH)}`"
                for one in change.judgement.witness
            ]
            lines += [f"  - in Python: `{effect.name}` {_describe_effect(effect)}"
                      for effect in change.effects]  # fmt: skip
    return lines


def as_html(comparison: Comparison) -> str:
    """Return the report as one self-contained HTML page."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width, initial-scale=1">',
        f"<title>What changed in the contract</title><style>{_STYLE}</style>",
        f"<h1>What changed in the contract</h1><p>{html.escape(headline(comparison))}</p>",
        *([f"<p>Note: {html.escape(comparison.note)}</p>"] if comparison.note else []),
    ]
    for operation, changes in _by_operation(comparison):
        parts.append(f"<h2>{html.escape(operation or 'The document')}</h2>")
        parts += [_article(change) for change in changes]
    return "\n".join(parts) + "\n</html>\n"


def as_json(comparison: Comparison) -> JsonObject:
    """Return the report as JSON."""
    return {
        "base": comparison.base,
        "headline": headline(comparison),
        "note": comparison.note,
        "digest": comparison.digest,
        "breaking": comparison.count("breaking"),
        "undecided": comparison.count("undecided"),
        "compatible": comparison.count("compatible"),
        "changes": [_change(change) for change in comparison.changes],
    }


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


def _by_operation(comparison: Comparison) -> Iterator[tuple[str, list[Change]]]:
    for operation, changes in groupby(comparison.changes, key=lambda change: change.operation):
        yield operation, list(changes)


def _describe_effect(effect: Effect) -> str:
    return f"{effect.what} (breaking)" if effect.breaking else effect.what


def _article(change: Change) -> str:
    parts = [f"<b class={change.verdict}>{change.verdict}</b> <code>"
            f"{html.escape(change.location)}</code> {html.escape(change.what)}"]  # fmt: skip
    if change.judgement.reason:
        parts.append(f"<br>On the wire: {html.escape(change.judgement.reason)}.")
    parts += [
        f"<pre>{html.escape(shorten(one, _WITNESS_LENGTH))}</pre>"
        for one in change.judgement.witness
    ]
    if change.effects:
        names = "".join(
            f"<li><code>{html.escape(effect.name)}</code> {html.escape(_describe_effect(effect))}"
            for effect in change.effects
        )
        parts.append(f"<ul>{names}</ul>")
    return f"<article class={change.verdict}>{''.join(parts)}</article>"
