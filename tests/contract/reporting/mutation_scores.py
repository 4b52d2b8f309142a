"""How many seeded defects the tests notice, as `make mutants` wrote it down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_KINDS = {"picked": "picked by hand", "random": "random"}
_KILLS = ("killed", "timeout")


def mutation_scores(results: Mapping[str, Any]) -> dict[str, Any]:
    """The table and the survivors.

    Args:
        results: `.build/mutants/results.json`.
    """
    counted = [one for one in results["mutants"]
               if not one["equivalent"] and (one["killed"] or not one["broken"])]  # fmt: skip
    left = [one for one in counted if not one["killed"]]
    same = sum(bool(one["equivalent"]) for one in results["mutants"])
    return {
        "when": results["when"],
        "headline": f"{len(counted) - len(left)}/{len(counted)}",
        "about": f"seeded defects noticed; {same} more make no difference; seed {results['seed']}",
        "columns": ["noticed", *results["suites"]],
        "rows": list(_rows(counted, list(results["suites"]))),
        "defects": list(_defects(results["mutants"], list(results["suites"]))),
        "survivors": [{"name": one["id"], "breaks": one["breaks"], "diff": "\n".join(one["diff"])}
                      for one in left],
    }  # fmt: skip


def _rows(counted: list[Mapping[str, Any]], suites: list[str]) -> Iterator[dict[str, Any]]:
    for kind, words in _KINDS.items():
        those = [one for one in counted if one["kind"] == kind]
        if those:
            yield {"name": words, "cells": list(_cells(those, suites))}
        groups = dict.fromkeys(one["group"] for one in those)
        for group in groups if len(groups) > 1 else ():
            own = [one for one in those if one["group"] == group]
            yield {"name": f"{words}: {group}", "cells": list(_cells(own, suites))}


def _defects(
    mutants: Iterable[Mapping[str, Any]], suites: Iterable[str]
) -> Iterator[dict[str, Any]]:
    """Each defect, with what every suite said about it and the test that noticed."""
    for one in mutants:
        state = "all" if one["killed"] else "listed" if one["equivalent"] else "some"
        said = [one["said"].get(suite, {"result": "", "by": ""}) for suite in suites]
        by = next((says["by"] for says in said if says["result"] in _KILLS), "")
        yield {"name": one["id"], "state": state, "said": [says["result"] for says in said],
               "by": by, "why": one["equivalent"] or one["broken"] or one["breaks"]}  # fmt: skip


def _cells(mutants: list[Mapping[str, Any]], suites: Iterable[str]) -> Iterator[dict[str, str]]:
    killed = sum(one["killed"] for one in mutants)
    yield {"text": f"{killed}/{len(mutants)}", "state": "all" if killed == len(mutants) else "some"}
    for suite in suites:
        # A suite is asked only where no other has noticed already, unless all of them are.
        said = [one["said"][suite]["result"] for one in mutants if suite in one["said"]]
        text = f"{sum(one in _KILLS for one in said)}/{len(said)}" if said else ""
        yield {"text": text, "state": ""}
