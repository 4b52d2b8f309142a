"""The results of a run: on the terminal, and as JSON for the contract report."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from attrs import asdict, define
from tests.revision import Revision

from .areas import AREAS
from .mutation_operators import Mutant
from .package_copy import ROOT
from .random_mutants import Equivalent
from .results import MutantResult

RESULTS = ROOT / ".build" / "mutants" / "results.json"


@define
class RunResults:
    """The results of one run.

    Attributes:
        seed: the seed of the random mutants.
        outcomes: by kind: picked and random.
        same: mutants that are listed as equivalent.
        suites: number and seconds of the tests of each suite.
        took: the duration in seconds.
        revision: the state of the project that was tested.
    """

    seed: int
    outcomes: dict[str, list[MutantResult]]
    same: list[Equivalent]
    suites: dict[str, dict[str, float]]
    took: float
    revision: Revision

    def reason(self, outcome: MutantResult) -> str:
        """Why a mutant is equivalent; empty if it must be killed."""
        return next((one.reason for one in self.same if one.covers(outcome.mutant)), "")

    def counted(self, kind: str) -> list[MutantResult]:
        """The mutants of a kind that are not equivalent and could be applied."""
        return [one for one in self.outcomes[kind] if not self.reason(one) and not one.broken]

    @property
    def is_good(self) -> bool:
        """Whether every picked mutant and 96 % of the random ones of each area were killed.

        And whether most of the random ones could run: of few that could, the share means nothing.
        """
        picked, areas = self.counted("picked"), by_area(self.counted("random"))
        enough = all(sum(one.is_killed for one in own) >= 0.96 * len(own) for own in areas.values())
        random = self.outcomes["random"]
        have_run = sum(bool(one.broken) for one in random) <= 0.2 * len(random)
        return (
            all(one.is_killed for one in picked) and enough and have_run and not self.broken_picks
        )

    @property
    def broken_picks(self) -> list[MutantResult]:
        """Picked mutants that could not run."""
        return [one for one in self.outcomes["picked"] if one.broken]


def by_area(outcomes: Iterable[MutantResult]) -> dict[str, list[MutantResult]]:
    """The mutants of each area, in the order of the areas."""
    found: dict[str, list[MutantResult]] = {}
    for one in outcomes:
        found.setdefault(one.mutant.area, []).append(one)
    return {name: found[name] for name in sorted(found, key=_place)}


def _place(area: str) -> int:
    names = [one.name for one in AREAS]
    return names.index(area) if area in names else len(names)


def lines(results: RunResults) -> Iterator[str]:
    """The lines of the terminal report."""
    for kind, outcomes in results.outcomes.items():
        counted = results.counted(kind)
        if not counted:
            continue
        yield f"{kind}: {_score(counted)} killed"
        for name in results.suites:
            found = [one.suite_results[name] for one in counted if name in one.suite_results]
            if found:
                kills, count = sum(one.is_kill for one in found), len(found)
                yield f"  {name:<11}{kills:>4} of {count} it ran for ({kills / count:.0%})"
        for area, own in by_area(counted).items():
            yield f"  {area + ':':<15} {_score(own)}"
        same = [one for one in outcomes if results.reason(one)]
        if same:
            yield f"  {len(same)} more are equivalent (equivalents.toml)"
        for one in (one for one in outcomes if one.broken):
            yield f"  not counted, {one.mutant.id}: {one.broken[-200:]}"
        for one in (one for one in counted if not one.is_killed):
            yield f"survived: {one.mutant.id}  {one.mutant.breaks}"
            yield f"    {one.mutant.area}, {one.mutant.file}:{one.mutant.line}"
            yield from (f"    {line}" for line in diff(one.mutant))
        for one in (one for one in same if one.is_killed):
            yield f"listed as equivalent, but killed: {one.mutant.id}"
    yield f"seed {results.seed}, {results.took:.0f} s"


def _score(outcomes: list[MutantResult]) -> str:
    kills = sum(one.is_killed for one in outcomes)
    return f"{kills} of {len(outcomes)} ({kills / len(outcomes):.1%})"


def diff(mutant: Mutant) -> list[str]:
    """The mutation as a diff."""
    before = (ROOT / mutant.file).read_text("utf-8").splitlines()
    lines = difflib.unified_diff(before, mutant.source.splitlines(), mutant.file, lineterm="", n=1)
    return list(lines)[2:30]


def write(results: RunResults, file: Path = RESULTS) -> None:
    """Write all results as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(as_json(results), indent=1, ensure_ascii=False) + "\n", "utf-8")


def as_json(results: RunResults) -> dict[str, Any]:
    """All results as JSON."""
    return {
        "seed": results.seed,
        "when": datetime.now(UTC).isoformat(" ", "minutes"),
        "took": round(results.took, 1),
        "revision": results.revision.as_json(),
        "suites": results.suites,
        "summary": {kind: _summary(results, kind) for kind in results.outcomes},
        "mutants": [
            _one(results, kind, outcome)
            for kind, outcomes in results.outcomes.items()
            for outcome in outcomes
        ],
    }


def _summary(results: RunResults, kind: str) -> dict[str, Any]:
    counted = results.counted(kind)
    return {
        "counted": len(counted),
        "killed": sum(one.is_killed for one in counted),
        "equivalent": sum(bool(results.reason(one)) for one in results.outcomes[kind]),
        "by": {
            name: sum(
                one.suite_results[name].is_kill for one in counted if name in one.suite_results
            )
            for name in results.suites
        },
        "areas": {
            area: {"counted": len(own), "killed": sum(one.is_killed for one in own)}
            for area, own in by_area(counted).items()
        },
    }


def _one(results: RunResults, kind: str, outcome: MutantResult) -> dict[str, Any]:
    mutant = outcome.mutant
    kept = ("id", "area", "file", "line", "scope", "before", "after", "breaks")
    return {
        "kind": kind,
        **{name: getattr(mutant, name) for name in kept},
        "diff": diff(mutant),
        "killed": outcome.is_killed,
        "equivalent": results.reason(outcome),
        "broken": outcome.broken,
        "results": {name: asdict(one) for name, one in outcome.suite_results.items()},
    }
