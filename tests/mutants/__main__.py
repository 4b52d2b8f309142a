"""`python -m tests.mutants`: run mutants through the test suites.

The exit status is 0 if every picked mutant and 95 % of the random ones are killed, 1 if not, and 2
if a suite fails without a mutation.
"""

from __future__ import annotations

import argparse
import os
import re
import sys

from . import picked_mutants, random_mutants, report, runner
from .mutation_operators import Mutant
from .package_copy import ROOT
from .results import MutantResult
from .suites import SUITES


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    os.chdir(ROOT)
    started = runner.now()
    selected = _select(options)
    counts = ", ".join(f"{len(mutants)} {kind}" for kind, mutants in selected.items())
    print(f"seed {options.seed}: {counts}", flush=True)
    runner.load_libraries()
    try:
        baselines = runner.baseline(SUITES, options.jobs)
        runner.check_forks(baselines, SUITES, options.jobs)
    except runner.FailingBaselineError as error:
        print(error, file=sys.stderr)
        return 2
    suites = {name: {"tests": len(one.calls), "seconds": round(sum(one.seconds.values()), 1)}
              for name, one in reversed(baselines.items())}  # fmt: skip
    print(f"unchanged suites pass after {runner.now() - started:.0f} s", flush=True)
    same = random_mutants.equivalents()
    outcomes: dict[str, list[MutantResult]] = {}
    for kind, mutants in selected.items():
        outcomes[kind] = []
        for outcome in runner.run_trials(
            mutants, baselines, SUITES, options.jobs, all_suites=options.all_suites,
            is_equivalent=lambda mutant: any(one.covers(mutant) for one in same),
        ):  # fmt: skip
            outcomes[kind].append(outcome)
            _show(outcome, len(outcomes[kind]), len(mutants))
    results = report.RunResults(options.seed, outcomes, same, suites, runner.now() - started)
    report.write(results)
    print("", *report.lines(results), f"written: {report.RESULTS.relative_to(ROOT)}",
          sep="\n")  # fmt: skip
    return 0 if results.is_good else 1


def _select(options: argparse.Namespace) -> dict[str, list[Mutant]]:
    pattern = re.compile(options.only or "")
    every = {
        "picked": []
        if options.no_picked
        else [*picked_mutants.code(), *picked_mutants.contract_changes()],
        "random": random_mutants.sample(options.seed, options.random),
    }
    return {kind: [one for one in mutants if pattern.search(one.id)]
            for kind, mutants in every.items()}  # fmt: skip


def _show(outcome: MutantResult, number: int, count: int) -> None:
    found = " ".join(f"{name}={one.result}" for name, one in outcome.suite_results.items())
    mark = " " if outcome.is_killed else "!"
    print(f"{mark}{number:>4}/{count} {outcome.mutant.id[:90]:<90} {found[:120]}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="the seed of the random mutants")
    parser.add_argument("--random", type=int, default=240, help="the number of random mutants")
    parser.add_argument("--no-picked", action="store_true", help="omit the hand-picked mutants")
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
