"""The report as one JSON document, from which the page is made and which CI may read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from attrs import asdict

from cometapi_runway.jsonvalue import JSON
from cometapi_runway.validation import Operation

from .. import st

if TYPE_CHECKING:
    from .collect import Result, Run


def build(run: Run) -> dict[str, JSON]:
    """Everything that the report says."""
    return {
        "how": st.announce(),
        "whole": run.is_whole,
        "tests": dict(Counter(one.outcome for one in run.results)),
        "seconds": round(sum(one.seconds for one in run.results), 1),
        "operations": [_operation(one) for one in run.contract.operations],
        "counts": {name: asdict(one) for name, one in run.verdict.counts.items()},
        "problems": list(run.problems),
        "facets": _facets(run),
        "failures": [_failure(one) for one in run.results if one.outcome == "failed"],
        "infidelities": [_infidelity(one) for one in run.results if "infidelities" in one.name],
    }


def _operation(operation: Operation) -> dict[str, JSON]:
    return {
        "id": operation.id,
        "method": operation.method,
        "path": operation.path,
        "tag": operation.tag,
        "resource": operation.resource,
        "page": operation.document.get("x-page", {}),
    }


def _facets(run: Run) -> list[JSON]:
    return [
        {
            "operation": one.operation,
            "direction": one.direction,
            "part": one.part,
            "place": one.facet.place,
            "choice": one.facet.choice,
            "kind": one.facet.kind,
            "by": clients,
            "reason": run.verdict.reasons.get(one, ""),
        }
        for one, clients in run.verdict.facets.items()
    ]


def _failure(result: Result) -> dict[str, JSON]:
    return {
        "test": result.name,
        "about": result.about,
        "operation": result.operation,
        "words": "" if result.breaches else result.words,
        "breaches": result.breaches,
    }


def _infidelity(result: Result) -> dict[str, JSON]:
    """A strict expected failure: failed means that upstream has mended it."""
    return {
        "test": result.name,
        "about": result.about,
        "outcome": result.outcome,
        "words": result.words,
    }
