"""The report as one JSON document, which the page is rendered from and CI can read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from attrs import asdict
from tests.revision import Revision

from cometapi_runway._core.json_values import JSON
from cometapi_runway.validation import Operation

from ..drivers.generated_driver import API_KEY
from ..generation.value_source import describe_generation
from ..generator_issues import ISSUES
from ..page_audit import findings
from .causes import Cause, group_by_cause
from .github_annotations import ROOT
from .identity import contract_digest, describe_run
from .mutation_scores import mutation_scores
from .results import ContractRun
from .user_names import user_names

_UNEXPECTED_PASS = "[XPASS(strict)] "


def build_report(run: ContractRun) -> dict[str, JSON]:
    """Everything that the report shows."""
    return {
        "run": describe_run(run),
        "generation": describe_generation(),
        "tests": dict(Counter(one.outcome for one in run.tests)),
        "operations": [_operation(one) for one in run.contract.operations],
        "counts": {name: asdict(one) for name, one in run.coverage.counts.items()},
        "problems": list(run.problems),
        "coverage_points": _coverage_points(run),
        "causes": [_cause(one) for one in group_by_cause(run.tests)],
        "pages": _pages(run),
        "samples": next(iter(run.received("samples")), []),
        "generator_issues": list(_generator_issues(run)),
        "mutants": _mutants(run),
        "spec_diff": _spec_diff(),
    }


def _operation(operation: Operation) -> dict[str, JSON]:
    pages = operation.document.get("x-page", {})
    each = [pages] if "source" in pages else pages.values()
    return {
        "id": operation.id,
        "names": user_names(operation),
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


def _cause(cause: Cause) -> dict[str, JSON]:
    first = cause.tests[0]
    # The key is invented, but a report with a key in it would be a bad example.
    text = "" if cause.failures else first.text.replace(API_KEY, "$COMETAPI_KEY")
    return {
        "text": cause.text.replace(API_KEY, "$COMETAPI_KEY"),
        "operations": cause.operations,
        "tests": [one.name for one in cause.tests],
        "failures": cause.failures,
        "output": text,
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


def _mutants(run: ContractRun) -> JSON:
    """The scores of `make mutants`; without their table if they are of another revision."""
    results = _read_results("mutants/results.json")
    if results is None:
        return None
    stated = results.get("revision")
    if run.revision is None or not run.revision.is_state_of(stated):
        return {"stale": str(Revision(**stated)) if stated else "an unknown revision"}
    return mutation_scores(results)


def _spec_diff() -> JSON:
    """The result of `make spec-diff`; only its base if it compared another contract."""
    results = _read_results("spec-diff.json")
    if results is None or results.get("digest") == contract_digest():
        return results
    return {"stale": results["base"]}


def _read_results(name: str) -> dict[str, Any] | None:
    """The results of another command; None if it has not run."""
    file = ROOT / ".build" / name
    return json.loads(file.read_text("utf-8")) if file.is_file() else None
