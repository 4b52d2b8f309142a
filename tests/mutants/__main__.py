"""`python -m tests.mutants`: seed defects, and see who notices.

Exit status 0 where every picked defect and 95 of 100 random ones are noticed, 1 where not, 2 where
a suite is red without any defect.
"""

from __future__ import annotations

import argparse
import os
import re
import sys

from . import picked, randomly, run, tell
from .judges import JUDGES
from .sites import Mutant
from .verdicts import Outcome


def main(arguments: list[str] | None = None) -> int:
    """Run it; the exit status."""
    options = _parser().parse_args(arguments)
    os.chdir(run.overlay.ROOT)
    started = run.now()
    chosen = _chosen(options)
    counts = ", ".join(f"{len(mutants)} {kind}" for kind, mutants in chosen.items())
    print(f"seed {options.seed}: {counts}", flush=True)
    run.load_libraries()
    try:
        known = run.baseline(JUDGES, options.jobs)
        run.check_forks(known, JUDGES, options.jobs)
    except run.RedBaselineError as error:
        print(error, file=sys.stderr)
        return 2
    suites = {name: {"tests": len(one.calls), "seconds": round(sum(one.seconds.values()), 1)}
              for name, one in reversed(known.items())}  # fmt: skip
    print(f"green without defects after {run.now() - started:.0f} s", flush=True)
    same = randomly.equivalents()
    outcomes: dict[str, list[Outcome]] = {}
    for kind, mutants in chosen.items():
        outcomes[kind] = []
        for outcome in run.judged(
            mutants, known, JUDGES, options.jobs, everybody=options.everybody,
            is_same=lambda mutant: any(one.covers(mutant) for one in same),
        ):  # fmt: skip
            outcomes[kind].append(outcome)
            _show(outcome, len(outcomes[kind]), len(mutants))
    results = tell.Results(options.seed, outcomes, same, suites, run.now() - started)
    tell.write(results)
    print("", *tell.lines(results), f"written: {tell.RESULTS.relative_to(run.overlay.ROOT)}",
          sep="\n")  # fmt: skip
    return 0 if results.is_good else 1


def _chosen(options: argparse.Namespace) -> dict[str, list[Mutant]]:
    wanted = re.compile(options.only or "")
    every = {
        "picked": [] if options.no_picked else [*picked.code(), *picked.moved()],
        "random": randomly.sample(options.seed, options.random),
    }
    return {kind: [one for one in mutants if wanted.search(one.id)]
            for kind, mutants in every.items()}  # fmt: skip


def _show(outcome: Outcome, number: int, count: int) -> None:
    said = " ".join(f"{name}={one.result}" for name, one in outcome.said.items())
    mark = " " if outcome.is_killed else "!"
    print(f"{mark}{number:>4}/{count} {outcome.mutant.id[:90]:<90} {said[:120]}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tests.mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=7, help="of the random defects")
    parser.add_argument("--random", type=int, default=240, help="how many of them")
    parser.add_argument("--no-picked", action="store_true", help="leave out the hand-picked ones")
    parser.add_argument("--only", help="a regular expression for the defects' names")
    parser.add_argument("--everybody", action="store_true",
                        help="ask every suite, also where another has noticed already")  # fmt: skip
    parser.add_argument("--jobs", type=int, default=2, help="how many at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
