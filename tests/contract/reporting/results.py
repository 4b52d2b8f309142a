"""What happened in a contract run: the tests, the coverage, and what workers reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen

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

    @classmethod
    def from_report(cls, report: pytest.TestReport) -> RecordedTest:
        """Read a pytest report and the details that the plugin attached to it."""
        details = json.loads(dict(report.user_properties).get("contract", "{}"))
        reason = getattr(report, "wasxfail", None)
        outcome = "xfailed" if reason is not None and report.skipped else report.outcome
        text = reason if reason is not None else report.longreprtext
        line = (report.location[1] or 0) + 1
        return cls(report.nodeid, outcome, report.duration, text, line, **details)


@define(eq=False)
class ContractRun:
    """The results of a run.

    Attributes:
        config: the pytest configuration.
        contract: the contract that is tested.
        tests: the tests in the order in which they ended.
        coverage: the evaluated coverage; None until the session ends.
        worker_reports: what each worker sent, by name.
    """

    config: pytest.Config
    contract: Contract
    tests: list[RecordedTest] = field(factory=list)
    coverage: CoverageResult | None = None
    worker_reports: list[dict[str, Any]] = field(factory=list)

    def received(self, name: str) -> list[Any]:
        """What the workers sent under a name."""
        return [one[name] for one in self.worker_reports if name in one]

    @property
    def folder(self) -> Path | None:
        """The folder of the report; None if no report was requested."""
        return self.config.getoption("--contract-report", default=None)

    @property
    def problems(self) -> tuple[str, ...]:
        """The coverage problems; empty for a partial run."""
        return self.coverage.problems if self.coverage and self.is_complete else ()

    @property
    def is_complete(self) -> bool:
        """Whether the whole suite ran without failures, so that coverage can be evaluated."""
        option = self.config.option
        selected = option.keyword or option.markexpr or getattr(option, "lf", False)
        paths = [Path(one.partition("::")[0]).resolve() for one in self.config.args]
        failed = any(one.outcome == "failed" for one in self.tests)
        return not (selected or failed) and any(one in (SUITE, *SUITE.parents) for one in paths)
