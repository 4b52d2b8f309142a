"""The contract suite: what the client sends and understands, judged by `openapi/runway.yaml`.

`st` draws, `bridge` calls, `wire` captures, `laws` says what must hold. Every test takes its
operations from the contract; none is written for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from attrs import asdict

from cometapi_runway._core.task import Route
from cometapi_runway.validation import contract
from contract_tools.workspace import Workspace

from .checks.harness import Harness, open_harness
from .coverage.covering_source import CoveringSource
from .drivers.wrapper_driver import WrapperDriver
from .generation import value_source
from .page_audit import findings
from .page_audit.findings import Finding
from .reporting import plugin
from .reporting.xdist_schedule import OperationScheduling

CONTRACT = contract()
READS = frozenset(get_args(Route))
PACKAGE = "cometapi_runway_api"

pytest_runtest_makereport = plugin.pytest_runtest_makereport


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("contract").addoption(
        "--contract-report", metavar="DIR", type=Path,
        help="write the contract report to this folder: index.html and contract.json",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(plugin.ContractRun(config, CONTRACT), "contract-run")


def pytest_report_header() -> str:
    return f"contract: {len(CONTRACT.operations)} operations; {value_source.describe_generation()}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test runs for every operation of the kind its argument names.

    `operation`: all; `posting`: those with a body; `creating`: those that make tasks; `reading`:
    those that tell how a task stands, which the contract marks by the route they are.
    """
    every = CONTRACT.operations
    reading = [one for one in every if one.resource in READS]
    kinds = {
        "operation": every,
        "posting": [one for one in every if one.body_schema is not None],
        "creating": [one for one in every if one not in reading],
        "reading": reading,
    }
    for name in kinds.keys() & set(metafunc.fixturenames):
        metafunc.parametrize(name, kinds[name], ids=[one.id for one in kinds[name]])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One worker has all the tests of an operation, or of a file, and sets up for them once.

    What `--dist loadgroup` is for; with this pytest it does not see the groups.
    """
    if config.getvalue("dist") != "loadscope":
        return None
    return OperationScheduling(config, log, frozenset(one.id for one in CONTRACT.operations))


@pytest.fixture(scope="session")
def source() -> value_source.ValueSource:
    """Where values come from; what is drawn once is drawn for all tests."""
    return CoveringSource(CONTRACT.document)


@pytest.fixture(scope="session")
def harness(source: value_source.ValueSource, request: pytest.FixtureRequest) -> Iterator[Harness]:
    """The generated client behind a captured transport."""
    with open_harness(CONTRACT.document, PACKAGE, source) as ready:
        yield ready
        plugin.send_to_report(request.config, "ledger", ready.coverage.as_json())


@pytest.fixture(scope="session")
def findings(request: pytest.FixtureRequest) -> tuple[Finding, ...]:
    """What the vendored pages contradict, and what became of it."""
    found = findings.audit_pages(CONTRACT, Workspace.here())
    plugin.send_to_report(request.config, "pages", [asdict(one) for one in found])
    plugin.send_to_report(request.config, "samples", findings.list_samples(Workspace.here()))
    return found


@pytest.fixture(scope="session")
def wrapper(harness: Harness) -> Iterator[WrapperDriver]:
    """Both clients of the wrapper, behind the same transport."""
    ready = WrapperDriver(harness.contract, harness.transport)
    yield ready
    ready.close()
