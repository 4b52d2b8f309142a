"""The pytest plugin that collects the results of a contract run from all workers.

Workers send their coverage records and the details of failed checks. The main process merges the
records, compares them with the thresholds and fails the run if they are not met.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from cometapi_runway._core.json_values import JSON
from cometapi_runway.validation import Operation

from ..checks.failures import ContractCheckError
from ..coverage import coverage_thresholds
from ..coverage.coverage_recorder import CoverageRecorder, merge_coverage
from ..generation.value_source import IS_DEEP_RUN
from . import output
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
        details["contract_failures"] = call.excinfo.value.as_json()
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

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """A worker has ended; a crashed worker has sent nothing."""
        sent = getattr(node, "workeroutput", {}).get(_WORKER_OUTPUT, {})
        self.run.worker_reports.append(sent)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        run = self.run
        if not run.tests:
            return
        run.worker_reports.append(run.config.stash.get(_STASH_KEY, {}))
        points = CoverageRecorder(run.contract).points
        entries = merge_coverage(run.received("coverage"))
        run.coverage = coverage_thresholds.evaluate_coverage(
            points, entries, *coverage_thresholds.read_thresholds(), deep=IS_DEEP_RUN
        )
        if run.problems:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if run.folder:
            output.write_report(run.folder, run)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.run.coverage is None:
            return
        terminalreporter.section("contract")
        for line in output.summary_lines(self.run):
            terminalreporter.write_line(line)
