"""The report as one JSON document, which the page is rendered from and CI can read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from attrs import asdict

from cometapi_runway._core.json_values import JSON
from cometapi_runway.validation import Operation

from ..drivers.generated_driver import API_KEY
from ..generation.value_source import describe_generation
from ..generator_issues import ISSUES
from ..page_audit import findings
from .github_annotations import ROOT
from .mutation_scores import mutation_scores
from .results import ContractRun, RecordedTest

_UNEXPECTED_PASS = "[XPASS(strict)] "


def build_report(run: ContractRun) -> dict[str, JSON]:
    """Everything that the report shows."""
    return {
        "generation": describe_generation(),
        "complete": run.is_complete,
        "tests": dict(Counter(one.outcome for one in run.tests)),
        "seconds": round(sum(one.seconds for one in run.tests), 1),
        "operations": [_operation(one) for one in run.contract.operations],
        "counts": {name: asdict(one) for name, one in run.coverage.counts.items()},
        "problems": list(run.problems),
        "coverage_points": _coverage_points(run),
        "failures": [_failure(one) for one in run.tests if one.outcome == "failed"],
        "pages": _pages(run),
        "samples": next(iter(run.received("samples")), []),
        "generator_issues": list(_generator_issues(run)),
        "mutants": _read_results("mutants/results.json", mutation_scores),
        "spec_diff": _read_results("spec-diff.json", dict),
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


def _coverage_points(run: ContractRun) -> list[JSON]:
    return [
        {
            "operation": one.operation,
            "direction": one.direction,
            "part": one.part,
            "path": one.point.path,
            "choice": one.point.choice,
            "kind": one.point.kind,
            "clients": clients,
            "reason": run.coverage.reasons.get(one, ""),
        }
        for one, clients in run.coverage.points.items()
    ]


def _failure(test: RecordedTest) -> dict[str, JSON]:
    # The key is invented, but a report with a key in it would be a bad example.
    text = test.text.replace(API_KEY, "$COMETAPI_KEY")
    return {
        "test": test.name,
        "summary": test.summary,
        "text": "" if test.contract_failures else text,
        "contract_failures": test.contract_failures,
    }


def _pages(run: ContractRun) -> list[JSON]:
    """The contradictions of the pages; open ones with their reasons."""
    reasons = findings.read_reasons()
    found = next(iter(run.received("pages")), [])
    return [{**one, "reason": reasons.get(str(findings.Finding(**one)), "")} for one in found]


def _generator_issues(run: ContractRun) -> Iterator[dict[str, JSON]]:
    """The listed generator issues with the outcome of their strict expected failures."""
    states: dict[str, set[str]] = {}
    for test in run.tests:
        name = test.text.removeprefix(_UNEXPECTED_PASS).partition(":")[0].strip()
        if name in ISSUES:
            state = "present" if test.outcome == "xfailed" else "fixed"
            states.setdefault(name, set()).add(state)
    for name, one in ISSUES.items():
        if name in states:
            state = "fixed" if states[name] == {"fixed"} else "present"
            yield {"name": name, "state": state, "behavior": one.behavior,
                   "mitigation": one.mitigation, "upstream": one.upstream}  # fmt: skip


def _read_results(name: str, read: Callable[[dict[str, Any]], JSON]) -> JSON:
    """The results of another command; None if it has not run."""
    file = ROOT / ".build" / name
    return read(json.loads(file.read_text("utf-8"))) if file.is_file() else None
