"""The pytest plugin: three fixtures, a marker, and the verdict on what a test sent.

pytest loads this module in every run of everybody who has the package installed, also without
the extra ``testing``: it imports nothing but pytest, and each fixture imports what it needs.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import pytest

if TYPE_CHECKING:
    from cometapi_runway.testing.connected import Connected
    from cometapi_runway.testing.mocked import Mock
    from cometapi_runway.testing.simulated import Server, Simulator

_MARKER = "runway"
_SECTION = "simulated gateway"
_KITS = pytest.StashKey["list[Connected]"]()
_EXTRA = frozenset({"respx", "starlette", "uvicorn"})

K = TypeVar("K", bound="Connected")


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(**options): settings of the simulated gateway, such as shape='wrapped', "
        "timings=Timings(running=60) or base_url='https://gateway.example.com'",
    )


@pytest.fixture
def runway_simulator(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    """A stateful gateway in this process; see `cometapi_runway.testing.Simulator`."""
    opened = _module("simulated").simulator(**_seeded(request))
    with _active(request, opened) as kit:
        yield kit


@pytest.fixture
def runway_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A stateful gateway on a loopback socket; see `cometapi_runway.testing.Server`."""
    opened = _module("simulated").server(**_seeded(request, has_own_address=True))
    with _active(request, opened) as kit:
        yield kit


@pytest.fixture
def runway_mock(request: pytest.FixtureRequest) -> Iterator[Mock]:
    """A router with documented answers; see `cometapi_runway.testing.Mock`."""
    mocked = _module("mocked")
    opened = mocked.mock(base_url=_options(request).get("base_url"))
    with _active(request, opened) as kit:
        yield kit


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fails a test whose requests broke the contract, and explains one that failed otherwise."""
    try:
        result = yield
    except BaseException as error:
        for kit in item.stash.get(_KITS, _none()):
            _explain(item, kit, error)
        raise
    for kit in item.stash.get(_KITS, _none()):
        _judge(item, kit)
    return result


@contextmanager
def _active(request: pytest.FixtureRequest, opened: AbstractContextManager[K]) -> Generator[K]:
    """Puts a kit to use for one test: settings in the environment, verdict at the end."""
    from cometapi_runway.testing.connected import environment  # noqa: PLC0415 - loads httpx

    with opened as kit, pytest.MonkeyPatch.context() as patch:
        for name, value in environment(kit).items():
            patch.setenv(name, value)
        item: pytest.Item = request.node
        item.stash.setdefault(_KITS, []).append(kit)
        yield kit
    # What the test's own clean-up has sent came too late for the call's verdict.
    _judge(item, kit)


def _none() -> list[Connected]:
    return []


def _judge(item: pytest.Item, kit: Connected) -> None:
    verdict = kit.judge.verdict()
    if verdict:
        item.add_report_section("call", _SECTION, kit.history())
        pytest.fail(verdict, pytrace=False)


def _explain(item: pytest.Item, kit: Connected, error: BaseException) -> None:
    if verdict := kit.judge.verdict():
        error.add_note(verdict)
    if history := kit.history():
        item.add_report_section("call", _SECTION, history)


def _seeded(request: pytest.FixtureRequest, *, has_own_address: bool = False) -> dict[str, Any]:
    options = _options(request)
    if has_own_address and options.pop("base_url", None):
        _misused("base_url is not for runway_server, which has an address of its own")
    # A seed per test: the same in every run and on every worker, and tests share no task ids.
    return {"seed": zlib.crc32(request.node.nodeid.encode()), **options}


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the markers say; the one closest to the test wins."""
    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers(_MARKER))):
        if marker.args:
            _misused("it takes keyword arguments only")
        options |= marker.kwargs
    known = {*import_module("cometapi_runway.simulator.settings").Options.__annotations__}
    for name in options.keys() - known - {"base_url"}:
        # Loaded late, as all else here: most test runs never see a wrong name.
        from cometapi_runway._core.suggestions import suggest_name  # noqa: PLC0415

        _misused(f"there is no option {name}; {suggest_name(name, sorted(known))}")
    return options


def _misused(words: str) -> NoReturn:
    pytest.fail(f"@pytest.mark.{_MARKER}: {words}", pytrace=False)


def _module(name: str) -> Any:
    try:
        return import_module(f"cometapi_runway.testing.{name}")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _EXTRA:
            raise
        needed = "these fixtures need more: pip install 'cometapi-runway[testing]'"
        pytest.fail(f"{needed} ({missing} is missing)", pytrace=False)
