"""`python -m tests.mutants`: seed defects, and see who notices.

Exit status 0 where every picked defect and 95 of 100 random ones are noticed, 1 where not, 2 where
a suite is red without any defect.
"""

from __future__ import annotations

import argparse
import os
import re
import sys

from . import picked_mutants, random_mutants, runner, report
from .suites import SUITES
from .mutation_operators import Mutant
from .results import MutantResult


def main(arguments: list[str] | None = None) -> int:
    """Run it; the exit status."""
    options = _parser().parse_args(arguments)
    os.chdir(runner.overlay.ROOT)
    started = runner.now()
    chosen = _chosen(options)
    counts = ", ".join(f"{len(mutants)} {kind}" for kind, mutants in chosen.items())
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
    print(f"green without defects after {runner.now() - started:.0f} s", flush=True)
    same = random_mutants.equivalents()
    outcomes: dict[str, list[MutantResult]] = {}
    for kind, mutants in chosen.items():
        outcomes[kind] = []
        for outcome in runner.run_trials(
            mutants, baselines, SUITES, options.jobs, all_suites=options.all_suites,
            is_equivalent=lambda mutant: any(one.covers(mutant) for one in same),
        ):  # fmt: skip
            outcomes[kind].append(outcome)
            _show(outcome, len(outcomes[kind]), len(mutants))
    results = report.RunResults(options.seed, outcomes, same, suites, runner.now() - started)
    report.write(results)
    print("", *report.lines(results), f"written: {report.RESULTS.relative_to(runner.overlay.ROOT)}",
          sep="\n")  # fmt: skip
    return 0 if results.is_good else 1


def _chosen(options: argparse.Namespace) -> dict[str, list[Mutant]]:
    wanted = re.compile(options.only or "")
    every = {
        "picked": [] if options.no_picked else [*picked_mutants.code(), *picked_mutants.moved()],
        "random": random_mutants.sample(options.seed, options.random),
    }
    return {kind: [one for one in mutants if wanted.search(one.id)]
            for kind, mutants in every.items()}  # fmt: skip


def _show(outcome: MutantResult, number: int, count: int) -> None:
    said = " ".join(f"{name}={one.result}" for name, one in outcome.suite_results.items())
    mark = " " if outcome.is_killed else "!"
    print(f"{mark}{number:>4}/{count} {outcome.mutant.id[:90]:<90} {said[:120]}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="of the random defects")
    parser.add_argument("--random", type=int, default=240, help="how many of them")
    parser.add_argument("--no-picked", action="store_true", help="leave out the hand-picked ones")
    parser.add_argument("--only", help="a regular expression for the defects' names")
    parser.add_argument("--all_suites", action="store_true",
                        help="ask every suite, also where another has noticed already")  # fmt: skip
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
