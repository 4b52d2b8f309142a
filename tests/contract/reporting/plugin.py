"""The pytest plugin that collects the results of a contract run from all workers.

Workers send their coverage records and the details of failed checks. The main process merges the
records, compares them with the thresholds and fails the run if they are not met.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from tests.common_cause import COMMON_CAUSE
from tests.revision import read_revision

from cometapi_runway._core.json_values import JSON
from cometapi_runway.validation import Operation

from ..checks.failures import ContractCheckError
from ..coverage import coverage_thresholds
from ..coverage.coverage_recorder import CoverageRecorder, merge_coverage
from ..generation.value_source import IS_DEEP_RUN
from . import output
from .identity import find_mismatches
from .results import SUITE, ContractRun, RecordedTest

_WORKER_OUTPUT = "contract"
_STASH_KEY = pytest.StashKey[dict[str, JSON]]()


def send_to_report(config: pytest.Config, name: str, value: JSON) -> None:
    """Send a value from a worker to the process that writes the report."""
    if hasattr(config, "workeroutput"):
        config.workeroutput.setdefault(_WORKER_OUTPUT, {})[name] = value
    else:
        config.stash.setdefault(_STASH_KEY, {})[name] = value


def operation_of(item: pytest.Item) -> str | None:
    """The operation that a test is parametrized with, or None."""
    params = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return next((value.id for value in params if isinstance(value, Operation)), None)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, Any, None]:
    """Attach to a report what the main process cannot see: operation and failed checks."""
    report = (yield).get_result()
    if call.when != "call":
        return
    details: dict[str, JSON] = {"operation": operation_of(item)}
    if call.excinfo and isinstance(call.excinfo.value, ContractCheckError):
        failures = call.excinfo.value.failures
        details["contract_failures"] = call.excinfo.value.as_json()
        # All checks raise at one place; what failed is the field.
        report.user_properties.append(
            (COMMON_CAUSE, f"{failures[0].operation} {failures[0].field}")
        )
    if hasattr(item, "function"):
        details["summary"] = (inspect.getdoc(item.function) or "").partition("\n")[0]
    report.user_properties.append(("contract", json.dumps(details)))


@frozen(eq=False)
class ReportPlugin:
    """Collects the results in the main process.

    Attributes:
        run: the collected results.
    """

    run: ContractRun

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        in_suite = SUITE.name in Path(report.nodeid.partition("::")[0]).parts
        if in_suite and (report.when == "call" or report.outcome != "passed"):
            self.run.tests.append(RecordedTest.from_report(report))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        # Each worker reports a file that it cannot import.
        known = {one.name for one in self.run.tests}
        if report.failed and report.nodeid not in known:
            self.run.tests.append(RecordedTest.from_collection(report))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker has ended; a crashed worker has sent nothing."""
        sent = getattr(node, "workeroutput", {}).get(_WORKER_OUTPUT, {})
        self.run.worker_reports.append(sent)

    def pytest_sessionstart(self) -> None:
        if self.run.folder:
            self.run.revision = read_revision()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, object, object]:
        """Write the report before pytest's own summary, and print the last lines after it."""
        run = self.run
        # A run without tests that was stopped has a report too, or an older one would stay.
        run.stopped = _why_stopped(session, exitstatus)
        if run.tests or (run.folder and run.stopped):
            self._finish()
            if run.problems and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        shown = yield
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if run.folder and run.coverage is not None and reporter is not None:
            for line in output.last_lines(run):
                reporter.write_line(line)
        return shown

    def _finish(self) -> None:
        run = self.run
        run.ended = datetime.now(UTC)
        run.worker_reports.append(run.config.stash.get(_STASH_KEY, {}))
        points = CoverageRecorder(run.contract).points
        entries = merge_coverage(run.received("coverage"))
        run.coverage = coverage_thresholds.evaluate_coverage(
            points, entries, *coverage_thresholds.read_thresholds(), deep=IS_DEEP_RUN
        )
        if run.folder:
            run.mismatches = tuple(find_mismatches(run))
            output.write_report(run.folder, run)

    @pytest.hookimpl(tryfirst=True, wrapper=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Generator[None, object, object]:
        """Print each cause once, instead of the traceback of every test."""
        run = self.run
        if run.folder:
            terminalreporter.config.option.tbstyle = "no"
        shown = yield
        if run.coverage is not None:
            terminalreporter.section("contract")
            for line in output.summary_lines(run):
                terminalreporter.write_line(line)
        return shown


def _why_stopped(session: pytest.Session, exitstatus: int) -> str:
    """Why a run ended before its last test; empty if it did not."""
    reason = session.shouldfail or session.shouldstop
    if isinstance(reason, str):
        return reason
    if exitstatus == pytest.ExitCode.INTERRUPTED:
        return "interrupted"
    return "pytest failed itself" if exitstatus == pytest.ExitCode.INTERNAL_ERROR else ""
