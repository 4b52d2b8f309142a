"""What happened in a contract run: the tests, the coverage, and what workers reported."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen
from tests.revision import Revision

from cometapi_runway.validation import Contract

from ..coverage.coverage_thresholds import CoverageResult

SUITE = Path(__file__).parents[1]


@frozen
class RecordedTest:
    """How one test ended.

    Attributes:
        name: its node id.
        outcome: passed, failed, skipped or xfailed.
        seconds: its duration.
        text: the failure as pytest shows it, or the reason of an expected failure.
        cause: why it failed, in one line; empty if it did not.
        line: the first line of its function.
        operation: the operation that it tests, or None.
        summary: the first line of its docstring.
        contract_failures: the failed contract checks, as JSON.
    """

    name: str
    outcome: str
    seconds: float
    text: str
    line: int = 1
    operation: str | None = None
    summary: str = ""
    contract_failures: list[dict[str, Any]] = field(factory=list)
    cause: str = ""

    @classmethod
    def from_report(cls, report: pytest.TestReport) -> RecordedTest:
        """Read a pytest report and the details that the plugin attached to it."""
        details = json.loads(dict(report.user_properties).get("contract", "{}"))
        reason = getattr(report, "wasxfail", None)
        outcome = "xfailed" if reason is not None and report.skipped else report.outcome
        text = reason if reason is not None else report.longreprtext
        line = (report.location[1] or 0) + 1
        cause = cause_line(report) if outcome == "failed" else ""
        return cls(report.nodeid, outcome, report.duration, text, line, **details, cause=cause)

    @classmethod
    def from_collection(cls, report: pytest.CollectReport) -> RecordedTest:
        """Read the report of a file that could not be imported."""
        return cls(report.nodeid, "failed", 0.0, report.longreprtext, cause=cause_line(report))


def cause_line(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The message of the exception; without one, the last line that pytest marks, or the last."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return crash.message.strip().partition("\n")[0].removeprefix("AssertionError: ")
    lines = [one for one in report.longreprtext.splitlines() if one.strip()] or ["no message"]
    marked = [one for one in lines if one.startswith("E ")] or lines
    return marked[-1].removeprefix("E ").strip()


@define(eq=False)
class ContractRun:
    """The results of a run.

    Attributes:
        config: the pytest configuration.
        contract: the contract that is tested.
        tests: the tests in the order in which they ended.
        coverage: the evaluated coverage; None until the session ends.
        worker_reports: what each worker sent, by name.
        started: when the run began.
        ended: when it ended; None before.
        revision: the state of the project at the start; None if no report was requested.
        stopped: why the run ended before its last test; empty if it did not.
        mismatches: why the results are not of the contract that the report names.
    """

    config: pytest.Config
    contract: Contract
    tests: list[RecordedTest] = field(factory=list)
    coverage: CoverageResult | None = None
    worker_reports: list[dict[str, Any]] = field(factory=list)
    started: datetime = field(factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    revision: Revision | None = None
    stopped: str = ""
    mismatches: tuple[str, ...] = ()

    def received(self, name: str) -> list[Any]:
        """What the workers sent under a name."""
        return [one[name] for one in self.worker_reports if name in one]

    @property
    def folder(self) -> Path | None:
        """The folder of the report; None if no report was requested."""
        return self.config.getoption("--contract-report", default=None)

    @property
    def problems(self) -> tuple[str, ...]:
        """What fails the run apart from its tests; coverage counts in a complete run only."""
        missing = self.coverage.problems if self.coverage and self.is_complete else ()
        return (*self.mismatches, *missing)

    @property
    def seconds(self) -> float:
        """How long the run took."""
        return ((self.ended or datetime.now(UTC)) - self.started).total_seconds()

    @property
    def is_complete(self) -> bool:
        """Whether the whole suite ran without failures, so that coverage can be evaluated."""
        return not (self.is_selection or self.stopped or self.has_failures)

    @property
    def has_failures(self) -> bool:
        """Whether a test failed."""
        return any(one.outcome == "failed" for one in self.tests)

    @property
    def is_selection(self) -> bool:
        """Whether only a part of the suite was asked for."""
        option = self.config.option
        selected = option.keyword or option.markexpr or getattr(option, "lf", False)
        paths = [Path(one.partition("::")[0]).resolve() for one in self.config.args]
        return bool(selected) or not any(one in (SUITE, *SUITE.parents) for one in paths)

    @property
    def is_good(self) -> bool:
        """Whether the whole run passed."""
        return not (self.has_failures or self.stopped or self.problems)
