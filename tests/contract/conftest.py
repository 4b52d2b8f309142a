"""Fixtures of the contract tests, which compare both clients with `openapi/runway.yaml`.

Every test takes its operations from the contract; no test is written for one operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from attrs import asdict

from cometapi_runway._core.task import Route
from cometapi_runway.validation import contract
from contract_tools._common.workspace import Workspace

from .checks.harness import Harness, open_harness
from .coverage.covering_source import CoveringSource
from .drivers.wrapper_driver import WrapperDriver
from .generation.value_source import KEPT_VALUES, ValueSource, describe_generation
from .page_audit.findings import Finding, audit_pages, list_samples
from .reporting import plugin
from .reporting.plugin import ReportPlugin, send_to_report
from .reporting.results import ContractRun
from .reporting.xdist_schedule import OperationScheduling

CONTRACT = contract()
ROUTES = frozenset(get_args(Route))
PACKAGE = "cometapi_runway_api"

pytest_runtest_makereport = plugin.pytest_runtest_makereport


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("contract").addoption(
        "--contract-report", metavar="DIR", type=Path,
        help="write the contract report to this folder: index.html and contract.json",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(ReportPlugin(ContractRun(config, CONTRACT)), "contract-run")


def pytest_report_header() -> str:
    return f"contract: {len(CONTRACT.operations)} operations; {describe_generation()}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize a test over the operations of the kind that its argument names.

    `operation`: all; `posting`: those with a body; `creating`: those that create tasks; `reading`:
    those that return a task's status, which the contract marks by their route.
    """
    operations = CONTRACT.operations
    reading = [one for one in operations if one.resource in ROUTES]
    kinds = {
        "operation": operations,
        "posting": [one for one in operations if one.body_schema is not None],
        "creating": [one for one in operations if one not in reading],
        "reading": reading,
    }
    for name in kinds.keys() & set(metafunc.fixturenames):
        metafunc.parametrize(name, kinds[name], ids=[one.id for one in kinds[name]])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run all tests of an operation, or of a file, in one worker, which sets up for them once.

    `--dist loadgroup` would do this, but does not see the groups with this pytest.
    """
    if config.getvalue("dist") != "loadscope":
        return None
    return OperationScheduling(config, log, frozenset(one.id for one in CONTRACT.operations))


@pytest.fixture(scope="session")
def source() -> ValueSource:
    """Draws values, once for all tests, and for all runs that draw the same."""
    return CoveringSource(CONTRACT.document, KEPT_VALUES)


@pytest.fixture(scope="session")
def harness(source: ValueSource, request: pytest.FixtureRequest) -> Iterator[Harness]:
    """The generated client with a recording transport."""
    with open_harness(CONTRACT.document, PACKAGE, source) as ready:
        yield ready
        send_to_report(request.config, "coverage", ready.coverage.as_json())


@pytest.fixture(scope="session")
def findings(request: pytest.FixtureRequest, cache_contract_tools: None) -> tuple[Finding, ...]:
    """The contradictions of the vendored pages, and how each was resolved."""
    found = audit_pages(CONTRACT, Workspace.here())
    send_to_report(request.config, "pages", [asdict(one) for one in found])
    send_to_report(request.config, "samples", list_samples(Workspace.here()))
    return found


@pytest.fixture(scope="session")
def wrapper(harness: Harness) -> Iterator[WrapperDriver]:
    """Both clients of the wrapper, with the same transport."""
    ready = WrapperDriver(harness.contract, harness.transport)
    yield ready
    ready.close()
