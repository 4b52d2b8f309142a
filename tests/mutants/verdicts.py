"""One defect before one judge, and what was said."""

from __future__ import annotations

import pytest
from attrs import define, evolve, field, frozen

from . import forks, swap
from .judges import NAIVE, Judge
from .record import Baseline
from .sites import Mutant

KILLED, SURVIVED, LATE, UNTOUCHED = "killed", "survived", "timeout", "not called"
BROKEN = "broken"
# Seconds to load everything anew, and what a test may take beside ten times its usual: whoever
# else is busy on the machine must not make a defect noticed.
LOADING = 180.0
_PATIENCE = 10.0
_MORE_PATIENCE = 3.0
_WORDS = 2000


@frozen
class Finding:
    """What one judge said about one defect.

    Attributes:
        result: killed, timeout, survived, not called, or how it broke.
        by: the test that noticed.
        seconds: how long it took.
    """

    result: str
    by: str = ""
    seconds: float = 0.0

    @classmethod
    def of(cls, end: forks.Ended) -> Finding:
        """Read how a fork ended that ran tests and named each before it began.

        A fork that was late before the first test, a suite that could not be collected, and a
        defect that could not be seeded say nothing about any test: they are broken, not kills.
        """
        took = round(end.seconds, 2)
        if end.is_late and end.words:
            return cls(LATE, end.words, took)
        if end.status == int(pytest.ExitCode.TESTS_FAILED):
            return cls(KILLED, end.words, took)
        if end.status == int(pytest.ExitCode.OK):
            return cls(SURVIVED, "", took)
        return cls(f"{BROKEN}: status {end.status}", end.words[-_WORDS:], took)

    @property
    def is_kill(self) -> bool:
        """Only a failed test and a test that hangs are kills."""
        return self.result in {KILLED, LATE}


@define
class Outcome:
    """One defect and what the judges said."""

    mutant: Mutant
    said: dict[str, Finding] = field(factory=dict)

    @property
    def is_killed(self) -> bool:
        """Whether the tests of this repository noticed; the naive ones are for comparison."""
        return any(one.is_kill for name, one in self.said.items() if name != NAIVE)

    @property
    def broken(self) -> str:
        """Why nobody could judge it: it does not load, or the fork failed. Not a kill."""
        said = () if self.is_killed else (one for name, one in self.said.items() if name != NAIVE)
        broken = (one for one in said if one.result.startswith(BROKEN))
        return next((f"{one.result}: {one.by}" for one in broken), "")


@frozen
class Task:
    """One defect before one judge.

    Attributes:
        index: the defect's number.
        plan: how to swap it in; None where it has to be loaded.
        tests: those that can notice, in the order they are run.
        left: those that can notice and are not run at first.
        is_again: whether it was late once: a defect that hangs does so twice.
    """

    index: int
    mutant: Mutant
    judge: Judge
    plan: swap.Plan | None
    tests: tuple[str, ...]
    left: tuple[str, ...]
    is_again: bool = False

    def rest(self) -> Task:
        """The same with the tests that were left."""
        return evolve(self, tests=self.left, left=())

    def patience(self, test: str, known: Baseline) -> float:
        """The seconds that a test may take before it is taken for one that hangs."""
        # Whoever tests a contract that has moved draws anew, which can take longer than loading.
        usual = _PATIENCE if self.mutant.group != "contract" else LOADING
        seconds = usual + 10 * known.seconds.get(test, 0.0)
        return seconds * (_MORE_PATIENCE if self.is_again else 1)
