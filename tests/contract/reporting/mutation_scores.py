"""How many mutants the tests kill, from the results of `make mutants`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_KINDS = {"picked": "hand-picked", "random": "random"}
_KILLS = ("killed", "timeout")


def mutation_scores(results: Mapping[str, Any]) -> dict[str, Any]:
    """The score table and the survivors.

    Args:
        results: the content of `.build/mutants/results.json`.
    """
    counted = [one for one in results["mutants"]
               if not one["equivalent"] and (one["killed"] or not one["broken"])]  # fmt: skip
    survivors = [one for one in counted if not one["killed"]]
    equivalent = sum(bool(one["equivalent"]) for one in results["mutants"])
    return {
        "when": results["when"],
        "headline": f"{len(counted) - len(survivors)}/{len(counted)}",
        "about": f"mutants killed; {equivalent} more are equivalent; seed {results['seed']}",
        "columns": ["killed", *results["suites"]],
        "rows": list(_rows(counted, list(results["suites"]))),
        "mutants": list(_mutants(results["mutants"], list(results["suites"]))),
        "survivors": [{"name": one["id"], "breaks": one["breaks"], "diff": "\n".join(one["diff"])}
                      for one in survivors],
    }  # fmt: skip


def _rows(counted: list[Mapping[str, Any]], suites: list[str]) -> Iterator[dict[str, Any]]:
    for kind, label in _KINDS.items():
        selected = [one for one in counted if one["kind"] == kind]
        if selected:
            yield {"name": label, "cells": list(_cells(selected, suites))}
        areas = dict.fromkeys(one["area"] for one in selected)
        for area in areas if len(areas) > 1 else ():
            own = [one for one in selected if one["area"] == area]
            yield {"name": f"{label}: {area}", "cells": list(_cells(own, suites))}


def _mutants(
    mutants: Iterable[Mapping[str, Any]], suites: Iterable[str]
) -> Iterator[dict[str, Any]]:
    """Each mutant with the result of every suite and the test that killed it."""
    for one in mutants:
        state = "all" if one["killed"] else "listed" if one["equivalent"] else "some"
        results = [one["results"].get(suite, {"result": "", "test": ""}) for suite in suites]
        killer = next((found["test"] for found in results if found["result"] in _KILLS), "")
        yield {
            "name": one["id"],
            "state": state,
            "results": [found["result"] for found in results],
            "test": killer,
            "why": one["equivalent"] or one["broken"] or one["breaks"],
        }


def _cells(mutants: list[Mapping[str, Any]], suites: Iterable[str]) -> Iterator[dict[str, str]]:
    killed = sum(one["killed"] for one in mutants)
    yield {"text": f"{killed}/{len(mutants)}", "state": "all" if killed == len(mutants) else "some"}
    for suite in suites:
        # Without --all-suites, a suite runs only for mutants that no other suite has killed.
        found = [one["results"][suite]["result"] for one in mutants if suite in one["results"]]
        text = f"{sum(one in _KILLS for one in found)}/{len(found)}" if found else ""
        yield {"text": text, "state": ""}
