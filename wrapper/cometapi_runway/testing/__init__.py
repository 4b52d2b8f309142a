"""Test your own application against a simulated gateway: fixtures for pytest.

With ``pip install 'cometapi-runway[testing]'`` these fixtures are there, without an import and
without configuration:

====================  =========================================================================
``runway_simulator``  a stateful gateway in this process: no socket, a clock that waits move
``runway_server``     the same on a loopback socket, for other processes and other clients
``runway_mock``       a respx router that knows every operation and gives documented answers
====================  =========================================================================

While one is active, every request to the gateway that httpx carries in this process goes to it,
whoever made the client, and is checked against the contract: one that breaks it fails the test
and names the field. Nothing sleeps: a wait of any `RunwayClient` moves the simulated clock::

    def test_a_refusal_is_explained(runway_simulator):
        runway_simulator.fail_next("SAFETY.INPUT.TEXT")
        assert my_app.animate("https://example.com/face.png") == "Please use another picture."
        runway_simulator.assert_charged(1)

``@pytest.mark.runway(...)`` sets the simulator up: the fields of
`cometapi_runway.simulator.SimulatorSettings`, and ``base_url`` for an application that has its own
address for the gateway. The names below are for annotations and rules.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cometapi_runway.simulator import Ending, Fault, Outcome, SimClock, Timings, When
    from cometapi_runway.testing.connected import API_KEY
    from cometapi_runway.testing.judge import Violation
    from cometapi_runway.testing.mocked import Mock
    from cometapi_runway.testing.simulated import Server, Simulator

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

_HERE = {
    "API_KEY": "connected",
    "Mock": "mocked",
    "Server": "simulated",
    "Simulator": "simulated",
    "Violation": "judge",
}


def __getattr__(name: str) -> object:
    # pytest loads this package in every run of everybody who has it installed.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    place = f"{__name__}.{_HERE[name]}" if name in _HERE else "cometapi_runway.simulator"
    value: object = getattr(import_module(place), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
