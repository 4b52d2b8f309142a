"""`python -m tests.mutants`: run mutants through the test suites.

The exit status is 0 if every picked mutant and 96 % of the random ones of each area are killed, 1
if not, and 2 if a suite fails without a mutation.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgres_server import SHARED_FOLDER, find_binaries, use_shared_server
from tests.revision import Revision, read_revision

from . import picked_mutants, random_mutants, report, runner
from .areas import AREAS, CONTRACT
from .mutation_operators import Mutant
from .package_copy import ROOT
from .results import MutantResult
from .suites import SUITES, Suite


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    os.chdir(ROOT)
    selected = _select(options)
    counts = ", ".join(f"{len(mutants)} {kind}" for kind, mutants in selected.items())
    print(f"seed {options.seed}: {counts}", flush=True)
    runner.load_libraries()
    areas = {one.area for mutants in selected.values() for one in mutants}
    suites = tuple(one for one in SUITES if any(map(one.applies_to, areas)))
    try:
        with _prepare(suites) as suites:
            results = _run(options, selected, suites)
    except runner.FailingBaselineError as error:
        print(error, file=sys.stderr)
        return 2
    report.write(results)
    print("", *report.lines(results), f"written: {report.RESULTS.relative_to(ROOT)}",
          sep="\n")  # fmt: skip
    return 0 if results.is_good else 1


@contextmanager
def _prepare(suites: tuple[Suite, ...]) -> Iterator[tuple[Suite, ...]]:
    """Start the server that suites need, and yield those that can run here."""
    if not any(one.needs_server for one in suites):
        yield suites
    elif find_binaries() is None:
        print("PostgreSQL is not installed: its tests kill no mutants", flush=True)
        yield tuple(one for one in suites if not one.needs_server)
    else:
        with tempfile.TemporaryDirectory() as folder, use_shared_server(Path(folder)):
            os.environ[SHARED_FOLDER] = folder
            yield suites


def _run(
    options: argparse.Namespace, selected: dict[str, list[Mutant]], suites: tuple[Suite, ...]
) -> report.RunResults:
    started = runner.now()
    revision = read_revision()
    baselines = runner.baseline(suites, options.jobs)
    usual = {name: {"tests": len(one.calls), "seconds": round(one.took, 1)}
             for name, one in reversed(baselines.items())}  # fmt: skip
    print(f"unchanged suites pass after {runner.now() - started:.0f} s", flush=True)
    same = random_mutants.equivalents()
    outcomes: dict[str, list[MutantResult]] = {}
    for kind, mutants in selected.items():
        outcomes[kind] = []
        for outcome in runner.run_trials(
            mutants, baselines, suites, options.jobs, all_suites=options.all_suites,
            is_equivalent=lambda mutant: any(one.covers(mutant) for one in same),
        ):  # fmt: skip
            outcomes[kind].append(outcome)
            _show(outcome, len(outcomes[kind]), len(mutants))
    every = [one for found in outcomes.values() for one in found]
    runner.check_kills(every, baselines, suites, options.jobs)
    took = runner.now() - started
    # Files that changed during the run were tested in part only.
    tested = revision if read_revision() == revision else Revision("")
    return report.RunResults(options.seed, outcomes, same, usual, took, tested)


def _select(options: argparse.Namespace) -> dict[str, list[Mutant]]:
    pattern = re.compile(options.only or "")
    picked = [*picked_mutants.code(), *picked_mutants.contract_changes()]
    areas = [one for one in AREAS if options.area in {None, one.name}]
    every: dict[str, list[Mutant]] = {"picked": [], "random": []}
    if not options.no_picked:
        every["picked"] = [one for one in picked if options.area in {None, one.area}]
    if not options.picked_only:
        for area in areas:
            count = area.count if options.random is None else options.random
            every["random"] += random_mutants.sample(options.seed, area, count)
    return {kind: [one for one in mutants if pattern.search(one.id)]
            for kind, mutants in every.items()}  # fmt: skip


def _show(outcome: MutantResult, number: int, count: int) -> None:
    found = " ".join(f"{name}={one.result}" for name, one in outcome.suite_results.items())
    mark = " " if outcome.is_killed else "!"
    print(f"{mark}{number:>4}/{count} {outcome.mutant.id[:90]:<90} {found[:120]}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="the seed of the random mutants")
    names = [one.name for one in AREAS]
    parser.add_argument("--area", choices=[*names, CONTRACT], help="only the mutants of this area")
    parser.add_argument(
        "--random",
        type=int,
        help="the number of random mutants of each area; by default "
        + ", ".join(f"{one.count} ({one.name})" for one in AREAS),
    )
    parser.add_argument("--no-picked", action="store_true", help="omit the hand-picked mutants")
    parser.add_argument("--picked-only", action="store_true", help="omit the random mutants")
    parser.add_argument("--only", help="a regular expression for the ids of mutants")
    parser.add_argument(
        "--all-suites",
        action="store_true",
        help="run every suite, also for mutants that another suite has killed",
    )
    parser.add_argument("--jobs", type=int, default=2, help="the number of processes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
