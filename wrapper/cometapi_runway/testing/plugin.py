"""The pytest plugin: four fixtures, a marker, and the contract check of a test's requests.

pytest loads this module in every run of every project that has the package installed, even without
the extra ``testing``. So it imports only pytest, and each fixture imports what it needs.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import pytest

if TYPE_CHECKING:
    from cometapi_runway.journal import Journal
    from cometapi_runway.testing._kit import GatewayKit
    from cometapi_runway.testing._mock import Mock
    from cometapi_runway.testing._simulator import Server, Simulator

_MARKER = "runway"
_SECTION = "simulated gateway"
_KITS = pytest.StashKey["list[GatewayKit]"]()

K = TypeVar("K", bound="GatewayKit")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(**options): settings of the simulated gateway, such as shape='wrapped', "
        "timings=Timings(running=60) or base_url='https://gateway.example.com'",
    )


@pytest.fixture
def runway_simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A stateful gateway in this process; see `cometapi_runway.testing.Simulator`."""
    context = _import_module("_simulator").open_simulator(**_add_seed(request))
    with _activate(request, context) as kit:
        yield kit


@pytest.fixture
def runway_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A stateful gateway on a loopback socket; see `cometapi_runway.testing.Server`."""
    context = _import_module("_simulator").open_server(**_add_seed(request, has_own_address=True))
    with _activate(request, context) as kit:
        yield kit


@pytest.fixture
def runway_mock(request: pytest.FixtureRequest) -> Iterator[Mock]:
    """A router with documented responses; see `cometapi_runway.testing.Mock`."""
    # First, so that a missing extra is reported before the options need the simulator.
    module = _import_module("_mock")
    context = module.open_mock(base_url=_read_options(request).get("base_url"))
    with _activate(request, context) as kit:
        yield kit


@pytest.fixture
def runway_journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal in a file, for the clients of the application and for the test."""
    from cometapi_runway.journal import Journal  # noqa: PLC0415 - loads the database

    journal = Journal(tmp_path / "runway-journal")
    yield journal
    journal.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test whose requests broke the contract; add them to the report of a failed test."""
    try:
        result = yield
    except BaseException as error:
        for kit in item.stash.get(_KITS, _no_kits()):
            _add_report(item, kit, error)
        raise
    for kit in item.stash.get(_KITS, _no_kits()):
        _fail_on_violation(item, kit)
    return result


@contextmanager
def _activate(request: pytest.FixtureRequest, context: AbstractContextManager[K]) -> Generator[K]:
    """Use a kit for one test: set the environment, check its requests at the end."""
    from cometapi_runway.testing._kit import make_environment  # noqa: PLC0415 - loads httpx

    with context as kit, pytest.MonkeyPatch.context() as patch:
        for name, value in make_environment(kit).items():
            patch.setenv(name, value)
        item: pytest.Item = request.node
        item.stash.setdefault(_KITS, []).append(kit)
        yield kit
    # The teardown of the test's own fixtures may send requests after the call is checked.
    _fail_on_violation(item, kit)


def _no_kits() -> list[GatewayKit]:
    return []


def _fail_on_violation(item: pytest.Item, kit: GatewayKit) -> None:
    violations = kit.checker.report_new()
    if violations:
        item.add_report_section("call", _SECTION, kit.history())
        pytest.fail(violations, pytrace=False)


def _add_report(item: pytest.Item, kit: GatewayKit, error: BaseException) -> None:
    if violations := kit.checker.report_new():
        error.add_note(violations)
    if history := kit.history():
        item.add_report_section("call", _SECTION, history)


def _add_seed(request: pytest.FixtureRequest, *, has_own_address: bool = False) -> dict[str, Any]:
    options = _read_options(request)
    if has_own_address and options.pop("base_url", None):
        _fail_on_marker("base_url is not for runway_server, which has its own address")
    # One seed per test: the same in every run and on every worker, and no id occurs in two tests.
    return {"seed": zlib.crc32(request.node.nodeid.encode()), **options}


def _read_options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Read the options of the markers; the marker closest to the test takes precedence."""
    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers(_MARKER))):
        if marker.args:
            _fail_on_marker("it takes keyword arguments only")
        options |= marker.kwargs
    known = {*import_module("cometapi_runway.simulator._settings").Options.__annotations__}
    for name in options.keys() - known - {"base_url"}:
        # Loaded late, as everything here: most test runs have no wrong name.
        from cometapi_runway._core.suggestions import suggest_name  # noqa: PLC0415

        _fail_on_marker(f"there is no option {name}; {suggest_name(name, sorted(known))}")
    return options


def _fail_on_marker(message: str) -> NoReturn:
    pytest.fail(f"@pytest.mark.{_MARKER}: {message}", pytrace=False)


def _import_module(name: str) -> Any:
    # Late, because the error tree loads attrs.
    from cometapi_runway._extras import requires_extra  # noqa: PLC0415
    from cometapi_runway.errors import MissingExtraError  # noqa: PLC0415

    try:
        with requires_extra("testing"):
            return import_module(f"cometapi_runway.testing.{name}")
    except MissingExtraError as error:
        pytest.fail(str(error), pytrace=False)
