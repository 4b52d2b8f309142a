"""A stateful stand-in for the gateway: tasks live, outputs are real files, nothing is charged.

On a socket::

    from cometapi_runway.simulator import SimClock, SimulatorServer

    with SimulatorServer(clock=SimClock.scaled(20)) as server:
        client = RunwayClient("any key", base_url=server.base_url)

In process, with a clock moved by hand::

    gateway = Gateway(clock=SimClock.manual(), shape="mixed")
    reply = gateway.handle("POST", "/runwayml/v1/character_performance", headers, body)
    gateway.clock.advance(30)

`create_app` wraps a gateway as an ASGI application. What goes wrong is a rule (`Fault`), how a
task ends is a rule (`Outcome`), and both can be changed while it runs, in Python or over the
control API (`control`). It is derived from the contract and knows nothing of the client.
"""

from cometapi_runway.simulator.app import create_app
from cometapi_runway.simulator.clock import MANUAL_START, SimClock
from cometapi_runway.simulator.control import Control
from cometapi_runway.simulator.delivery import ConnectionDropped
from cometapi_runway.simulator.faults import Fault
from cometapi_runway.simulator.gateway import Gateway, Leak
from cometapi_runway.simulator.ledger import Charge, Ledger
from cometapi_runway.simulator.lifecycle import FAILURES, Ending, View, failed
from cometapi_runway.simulator.reply import Reply
from cometapi_runway.simulator.requests import RequestRecord
from cometapi_runway.simulator.rules import When
from cometapi_runway.simulator.server import SimulatorServer, run
from cometapi_runway.simulator.settings import (
    INSTANT,
    MEDIA_URL,
    Options,
    Outcome,
    Settings,
    Timings,
)
from cometapi_runway.simulator.shapes import Answers
from cometapi_runway.simulator.tasks import Callback, SimulatedTask

__all__ = [
    "FAILURES",
    "INSTANT",
    "MANUAL_START",
    "MEDIA_URL",
    "Answers",
    "Callback",
    "Charge",
    "ConnectionDropped",
    "Control",
    "Ending",
    "Fault",
    "Gateway",
    "Leak",
    "Ledger",
    "Options",
    "Outcome",
    "Reply",
    "RequestRecord",
    "Settings",
    "SimClock",
    "SimulatedTask",
    "SimulatorServer",
    "Timings",
    "View",
    "When",
    "create_app",
    "failed",
    "run",
]
