"""What happened in a run, brought together from all workers.

Workers hand over their ledgers and, on each failed test, its breaches. The one process that hears
of all tests adds them up, holds them against the floors and fails the run where they fall short.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen

from cometapi_runway._core.json_values import JSON
from cometapi_runway.validation import Contract, Operation

from ..checks.failures import ContractCheckError
from ..coverage import coverage_thresholds
from ..coverage.coverage_recorder import CoverageRecorder, merge_coverage
from ..generation import value_source
from . import output

_OUTPUT = "contract"
_KEPT = pytest.StashKey[dict[str, JSON]]()
SUITE = Path(__file__).parents[1]


def send_to_report(config: pytest.Config, name: str, value: JSON) -> None:
    """Give something that a worker found out to whoever writes the report."""
    if hasattr(config, "workeroutput"):
        config.workeroutput.setdefault(_OUTPUT, {})[name] = value
    else:
        config.stash.setdefault(_KEPT, {})[name] = value


def operation_of(item: pytest.Item) -> str | None:
    """The operation that a test is about, None where it is about none."""
    params = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return next((value.id for value in params if isinstance(value, Operation)), None)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    """Send along what the one who writes the report cannot see: the operation and the breaches."""
    report = (yield).get_result()
    if call.when != "call":
        return
    about: dict[str, JSON] = {"operation": operation_of(item)}
    if call.excinfo and isinstance(call.excinfo.value, ContractCheckError):
        about["breaches"] = call.excinfo.value.as_json()
    if hasattr(item, "function"):
        about["about"] = (inspect.getdoc(item.function) or "").partition("\n")[0]
    report.user_properties.append(("contract", json.dumps(about)))


@frozen
class TestOutcome:
    """How one test ended.

    Attributes:
        name: its node id.
        outcome: passed, failed, skipped, xfailed.
        seconds: how long it took.
        words: the failure as pytest shows it, or the reason of an expected one.
        line: the line its function begins on.
        operation: the operation it is about, if any.
        about: the first line of its docstring.
        breaches: what it found, where a law was broken.
    """

    name: str
    outcome: str
    seconds: float
    words: str
    line: int = 1
    operation: str | None = None
    about: str = ""
    breaches: list[dict[str, str]] = field(factory=list)

    @classmethod
    def of(cls, report: pytest.TestReport) -> TestOutcome:
        """Read a report as pytest hands it round."""
        about = json.loads(dict(report.user_properties).get("contract", "{}"))
        expected = getattr(report, "wasxfail", None)
        ended = "xfailed" if expected is not None and report.skipped else report.outcome
        words = expected if expected is not None else report.longreprtext
        line = (report.location[1] or 0) + 1
        return cls(report.nodeid, ended, report.duration, words, line, **about)


@define(eq=False)
class ContractRun:
    """A pytest plugin for the process that hears of all tests.

    Attributes:
        config: pytest's.
        contract: the contract that is tested.
        results: the tests that ended, in the order in which they did.
    """

    config: pytest.Config
    contract: Contract
    results: list[TestOutcome] = field(factory=list)
    verdict: coverage_thresholds.CoverageResult | None = None
    _handed: list[dict[str, Any]] = field(factory=list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        ours = SUITE.name in Path(report.nodeid.partition("::")[0]).parts
        if ours and (report.when == "call" or report.outcome != "passed"):
            self.results.append(TestOutcome.of(report))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker has ended; one that crashed has left nothing."""
        self._handed.append(getattr(node, "workeroutput", {}).get(_OUTPUT, {}))

    def handed(self, name: str) -> list[Any]:
        """What the workers handed over under a name."""
        return [one[name] for one in self._handed if name in one]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if not self.results:
            return
        self._handed.append(self.config.stash.get(_KEPT, {}))
        facets, entries = (
            CoverageRecorder(self.contract).points,
            merge_coverage(self.handed("ledger")),
        )
        self.verdict = coverage_thresholds.evaluate_coverage(
            facets, entries, *coverage_thresholds.read_thresholds(), deep=value_source.IS_DEEP_RUN
        )
        if self.problems:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self.folder:
            output.write_report(self.folder, self)

    @property
    def folder(self) -> Path | None:
        """Where the report goes, None if nobody asked for one."""
        return self.config.getoption("--contract-report", default=None)

    @property
    def problems(self) -> tuple[str, ...]:
        """What the run leaves to be mended, beside the tests that failed."""
        return self.verdict.problems if self.verdict and self.is_whole else ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out, so that what is missing is missing."""
        option = self.config.option
        chosen = option.keyword or option.markexpr or getattr(option, "lf", False)
        given = [Path(one.partition("::")[0]).resolve() for one in self.config.args]
        failed = any(one.outcome == "failed" for one in self.results)
        return not (chosen or failed) and any(one in (SUITE, *SUITE.parents) for one in given)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.verdict is None:
            return
        terminalreporter.section("contract")
        for line in output.summary_lines(self):
            terminalreporter.write_line(line)
