"""The result of one mutant in one suite."""

from __future__ import annotations

import pytest
from attrs import define, evolve, field, frozen

from . import code_swap, forked_processes
from .areas import CONTRACT
from .baseline import Baseline
from .mutation_operators import Mutant
from .suites import COMPARISON, Suite

KILLED, SURVIVED, TIMED_OUT, NOT_CALLED = "killed", "survived", "timeout", "not called"
BROKEN = "broken"
# Timeouts in seconds: to reload everything, and for a test on top of five times its usual duration,
# which is that under a profiler. A busy machine must not kill a mutant: one that times out runs
# again with twice the limit.
LOADING_TIMEOUT = 180.0
_TEST_TIMEOUT = 5.0
_RETRY_FACTOR = 2.0
_WORDS = 2000


@frozen
class SuiteResult:
    """The result of one suite for one mutant.

    Attributes:
        result: killed, timeout, survived, not called, or broken with a status.
        test: the test that killed the mutant.
        seconds: the duration.
    """

    result: str
    test: str = ""
    seconds: float = 0.0

    @classmethod
    def of(cls, end: forked_processes.ProcessResult) -> SuiteResult:
        """Interpret how a process ended that reported each test before it ran.

        A process that timed out before the first test, a suite that could not be collected, and a
        mutant that could not be applied say nothing about a test: they are broken, not kills.
        """
        took = round(end.seconds, 2)
        if end.timed_out and end.words:
            return cls(TIMED_OUT, end.words, took)
        # pytest takes an interruption that a test lets through for one of its own.
        is_interrupted = end.status == int(pytest.ExitCode.INTERRUPTED) and bool(end.words)
        if end.status == int(pytest.ExitCode.TESTS_FAILED) or is_interrupted:
            return cls(KILLED, end.words, took)
        if end.status == int(pytest.ExitCode.OK):
            return cls(SURVIVED, "", took)
        return cls(f"{BROKEN}: status {end.status}", end.words[-_WORDS:], took)

    @property
    def is_kill(self) -> bool:
        """Only a failed test and a test that times out kill a mutant."""
        return self.result in {KILLED, TIMED_OUT}


@define
class MutantResult:
    """One mutant and its results by suite."""

    mutant: Mutant
    suite_results: dict[str, SuiteResult] = field(factory=dict)

    @property
    def is_killed(self) -> bool:
        """Whether a test of this repository killed it; the comparison suite does not count."""
        return any(one.is_kill for name, one in self.suite_results.items() if name != COMPARISON)

    @property
    def broken(self) -> str:
        """Why no suite could run it: it does not load, or the process failed. Not a kill."""
        found = (
            ()
            if self.is_killed
            else (one for name, one in self.suite_results.items() if name != COMPARISON)
        )
        broken = (one for one in found if one.result.startswith(BROKEN))
        return next((f"{one.result}: {one.test}" for one in broken), "")


@frozen
class Trial:
    """One mutant in one suite.

    Attributes:
        index: the number of the mutant.
        plan: how to swap its code; None if it must be loaded.
        tests: the tests that can kill it, in order.
        left: tests that can kill it but do not run at first.
        is_retry: whether it timed out before; a mutant must time out twice to be killed.
    """

    index: int
    mutant: Mutant
    suite: Suite
    plan: code_swap.Plan | None
    tests: tuple[str, ...]
    left: tuple[str, ...]
    is_retry: bool = False

    def rest(self) -> Trial:
        """The trial of the remaining tests."""
        return evolve(self, tests=self.left, left=())

    def timeout_for(self, test: str, baseline: Baseline) -> float:
        """The timeout of a test in seconds."""
        # Tests of a changed contract draw new values, which can take longer than loading.
        usual = _TEST_TIMEOUT if self.mutant.area != CONTRACT else LOADING_TIMEOUT
        seconds = usual + 5 * baseline.seconds.get(test, 0.0)
        return seconds * (_RETRY_FACTOR if self.is_retry else 1)
