"""The report as one JSON document, from which the page is made and which CI may read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import asdict

from cometapi_runway._core.json_values import JSON
from cometapi_runway.validation import Operation

from ..drivers.generated_driver import API_KEY
from ..generation import value_source
from ..generator_issues import ISSUES
from ..page_audit import findings
from .github_annotations import ROOT
from .mutation_scores import mutation_scores

if TYPE_CHECKING:
    from .plugin import ContractRun, TestOutcome

_MENDED = "[XPASS(strict)] "


def build_report(run: ContractRun) -> dict[str, JSON]:
    """Everything that the report says."""
    return {
        "how": value_source.describe_generation(),
        "whole": run.is_whole,
        "tests": dict(Counter(one.outcome for one in run.results)),
        "seconds": round(sum(one.seconds for one in run.results), 1),
        "operations": [_operation(one) for one in run.contract.operations],
        "counts": {name: asdict(one) for name, one in run.verdict.counts.items()},
        "problems": list(run.problems),
        "facets": _facets(run),
        "failures": [_failure(one) for one in run.results if one.outcome == "failed"],
        "pages": _pages(run),
        "samples": next(iter(run.handed("samples")), []),
        "infidelities": list(_infidelities(run)),
        "mutants": _made("mutants/results.json", mutation_scores),
        "spec_diff": _made("spec-diff.json", dict),
    }


def _operation(operation: Operation) -> dict[str, JSON]:
    pages = operation.document.get("x-page", {})
    each = [pages] if "source" in pages else pages.values()
    return {
        "id": operation.id,
        "method": operation.method,
        "path": operation.path,
        "pages": "; ".join(f"{one['source']} ({one['obtained']})" for one in each),
    }


def _facets(run: ContractRun) -> list[JSON]:
    return [
        {
            "operation": one.operation,
            "direction": one.direction,
            "part": one.part,
            "place": one.point.place,
            "choice": one.point.choice,
            "kind": one.point.kind,
            "by": clients,
            "reason": run.verdict.reasons.get(one, ""),
        }
        for one, clients in run.verdict.points.items()
    ]


def _failure(result: TestOutcome) -> dict[str, JSON]:
    return {
        "test": result.name,
        "about": result.about,
        # The key is an invented one, but a report should not teach anybody to paste keys.
        "words": "" if result.breaches else result.words.replace(API_KEY, "$COMETAPI_KEY"),
        "breaches": result.breaches,
    }


def _pages(run: ContractRun) -> list[JSON]:
    """The contradictions of the pages, each open one with the reason why it is."""
    reasons = findings.read_reasons()
    found = next(iter(run.handed("pages")), [])
    return [{**one, "reason": reasons.get(str(findings.Finding(**one)), "")} for one in found]


def _infidelities(run: ContractRun) -> Iterator[dict[str, JSON]]:
    """The listed infidelities with what their strict expected failures said."""
    states: dict[str, set[str]] = {}
    for result in run.results:
        name = result.words.removeprefix(_MENDED).partition(":")[0].strip()
        if name in ISSUES:
            state = "still so" if result.outcome == "xfailed" else "mended"
            states.setdefault(name, set()).add(state)
    for name, one in ISSUES.items():
        if name in states:
            state = "mended" if states[name] == {"mended"} else "still so"
            yield {"name": name, "state": state, "what": one.what, "here": one.here,
                   "upstream": one.upstream}  # fmt: skip


def _made(name: str, read: Callable[[dict[str, Any]], JSON]) -> JSON:
    """What another command left behind, None if it has not been run."""
    file = ROOT / ".build" / name
    return read(json.loads(file.read_text("utf-8"))) if file.is_file() else None
