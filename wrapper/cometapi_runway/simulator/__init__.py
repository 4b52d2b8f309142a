"""A stateful simulation of the gateway: tasks progress, outputs are real files, and it is free.

On a socket::

    from cometapi_runway.simulator import SimClock, SimulatorServer

    with SimulatorServer(clock=SimClock.scaled(20)) as server:
        client = RunwayClient("any key", base_url=server.base_url)

In process, with a clock that only moves when it is advanced::

    gateway = Gateway(clock=SimClock.manual(), shape="mixed")
    reply = gateway.handle("POST", "/runwayml/v1/character_performance", headers, body)
    gateway.clock.advance(30)

`create_app` wraps a gateway as an ASGI application. A `Fault` is a rule for what goes wrong, an
`Outcome` is a rule for how tasks end. Both can be changed at run time, in Python or over the
control API (`Control`). The simulator is derived from the contract and imports no client code.

The rooms, from top to bottom; each imports only what is below it:

==============  ===============================================================================
``_server``     sockets, the ASGI application, connection resets, sending callbacks
``_control``    the control API and the status page
``_gateway``    requests to replies: operations, tasks, charges, output files, the request log
``_settings``   every setting with its default
``_rules``      when a rule applies, faults and their effects, outcomes
``_responses``  replies as values: task shapes, refusals
``_media``      the clips and pictures that are served as outputs
``_lifecycle``  the states of a task as a function of time
``_clock``      simulated time
==============  ===============================================================================
"""

from cometapi_runway._extras import requires_extra

with requires_extra("simulator"):
    from cometapi_runway.simulator._clock import MANUAL_START, SimClock
    from cometapi_runway.simulator._control.control import Control
    from cometapi_runway.simulator._gateway.gateway import Gateway, Leak
    from cometapi_runway.simulator._gateway.ledger import Charge, Ledger
    from cometapi_runway.simulator._gateway.request_log import RequestRecord
    from cometapi_runway.simulator._gateway.tasks import Callback, SimulatedTask
    from cometapi_runway.simulator._lifecycle import FAILURES, Ending, View, failed
    from cometapi_runway.simulator._responses.reply import Reply
    from cometapi_runway.simulator._responses.shapes import ResponseShapes
    from cometapi_runway.simulator._rules.faults import Fault
    from cometapi_runway.simulator._rules.outcomes import Outcome
    from cometapi_runway.simulator._rules.rule_book import When
    from cometapi_runway.simulator._server.app import create_app
    from cometapi_runway.simulator._server.delivery import ConnectionDropped
    from cometapi_runway.simulator._server.server import SimulatorServer, run
    from cometapi_runway.simulator._settings import (
        INSTANT,
        MEDIA_URL,
        Options,
        SimulatorSettings,
        Timings,
    )

__all__ = [
    "FAILURES",
    "INSTANT",
    "MANUAL_START",
    "MEDIA_URL",
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
    "ResponseShapes",
    "SimClock",
    "SimulatedTask",
    "SimulatorServer",
    "SimulatorSettings",
    "Timings",
    "View",
    "When",
    "create_app",
    "failed",
    "run",
]
