"""Pytest fixtures that test your application against a simulated gateway.

``pip install 'cometapi-runway[testing]'`` provides these fixtures, without import or configuration:

====================  =========================================================================
``runway_simulator``  a stateful gateway in this process, without sockets, in virtual time
``runway_server``     the same on a loopback socket, for other processes and other clients
``runway_mock``       a respx router with a documented response for every operation
``runway_journal``    an empty `cometapi_runway.Journal`, for clients and for the test
====================  =========================================================================

While one of the first three is active it receives every request to the gateway that httpx sends in
this process, from any client, and checks it against the contract. A request that breaks the
contract fails the test, and the report names the field. Nothing sleeps: `RunwayClient` waits
advance the virtual clock::

    def test_a_refusal_is_explained(runway_simulator):
        runway_simulator.fail_next("SAFETY.INPUT.TEXT")
        assert my_app.animate("https://example.com/face.png") == "Please use another picture."
        runway_simulator.assert_charged(1)

A handler that a browser calls twice with one idempotency key pays once::

    def test_a_repeated_order_is_charged_once(runway_simulator, runway_journal):
        with TestClient(my_app.create_app(runway_journal)) as browser:
            for _ in range(2):
                browser.post("/orders", json=ORDER, headers={"Idempotency-Key": "order-17"})
        runway_simulator.assert_charged(1)

``@pytest.mark.runway(...)`` configures the simulator. It takes the fields of
`cometapi_runway.simulator.SimulatorSettings`, and ``base_url`` for an application that uses its own
gateway address. The names below are for annotations and rules.

The modules are private except `plugin`, the pytest entry point. Only `_transports`, `_mock` and
`_simulator` import httpx at run time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cometapi_runway.simulator import Ending, Fault, Outcome, SimClock, Timings, When
    from cometapi_runway.testing._contract_checker import Violation
    from cometapi_runway.testing._kit import API_KEY
    from cometapi_runway.testing._mock import Mock
    from cometapi_runway.testing._simulator import Server, Simulator

__all__ = [
    "API_KEY",
    "Ending",
    "Fault",
    "Mock",
    "Outcome",
    "Server",
    "SimClock",
    "Simulator",
    "Timings",
    "Violation",
    "When",
]

_MODULES = {
    "API_KEY": "_kit",
    "Mock": "_mock",
    "Server": "_simulator",
    "Simulator": "_simulator",
    "Violation": "_contract_checker",
}


def __getattr__(name: str) -> object:
    # Lazy, because pytest loads this package in every run of every project that has it installed.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    is_own = name in _MODULES
    module = f"{__name__}.{_MODULES[name]}" if is_own else "cometapi_runway.simulator"
    # Late, because the error tree loads attrs.
    from cometapi_runway._extras import requires_extra  # noqa: PLC0415

    with requires_extra("testing"):
        value: object = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
