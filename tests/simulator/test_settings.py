"""Settings are checked, and can be passed one by one."""

from __future__ import annotations

import inspect
import os
import socket
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest
from tests.cases import each_case

from cometapi_runway.simulator import (
    Fault,
    Gateway,
    Options,
    Reply,
    ResponseShapes,
    SimClock,
    SimulatorServer,
    SimulatorSettings,
    Timings,
    run,
)
from cometapi_runway.simulator._settings import PRICES

from .helpers import (
    CONTRACT,
    create,
    make_gateway,
)


def test_prices_can_be_set() -> None:
    target = make_gateway(prices={"character_performance": 1.25})
    create(target)
    assert target.ledger.total == Decimal("1.25")


@pytest.mark.parametrize("amount", ["nan", "inf", "ten"])
def test_dollars_are_finite(amount: str) -> None:
    with pytest.raises(ValueError, match=amount):
        make_gateway(balance=amount)
    with pytest.raises(ValueError, match=amount):
        make_gateway(prices={"video_upscale": amount})


@each_case(
    ("name", "accepted", "refused"),
    [
        ("invisible", [0, 9.5], [-0.1]), ("pending", [0, 9.5], [-0.1]),
        ("running", [0, 9.5], [-0.1]), ("spread", [0, 0.99], [-0.1, 1]),
        ("concurrency", [None, 1], [0]), ("url_lifetime", [0, 1e9], [-0.1, float("inf")]),
    ],
)  # fmt: skip
def test_timings_have_limits(name: str, accepted: list[Any], refused: list[Any]) -> None:
    for value in accepted:
        assert getattr(Timings(**{name: value}), name) == value
    for value in refused:
        with pytest.raises(ValueError, match=f"'{name}' must be"):
            Timings(**{name: value})


def test_the_log_has_room_for_a_request() -> None:
    assert SimulatorSettings(remembered_requests=1).remembered_requests == 1
    with pytest.raises(ValueError, match="'remembered_requests' must be >= 1"):
        SimulatorSettings(remembered_requests=0)


def test_the_defaults() -> None:
    assert attrs.asdict(Timings()) == {
        "invisible": 1.5, "pending": 2.0, "running": 8.0, "spread": 0.25, "concurrency": None,
        "url_lifetime": 86_400.0,
    }  # fmt: skip
    settings = SimulatorSettings()
    assert settings.clock.rate == 1.0
    assert attrs.asdict(settings, recurse=False) == {
        "seed": 0, "clock": settings.clock, "shape": ResponseShapes(), "keys": None, "faults": (),
        "outcomes": (), "timings": Timings(), "missing": "400", "errors": "platform",
        "media_url": "http://media.simulator.test", "balance": None, "prices": PRICES,
        "deliver_callbacks": False, "remembered_requests": 10_000, "contract": None,
    }  # fmt: skip
    assert attrs.asdict(Reply(200)) == {
        "status": 200, "headers": (), "body": b"", "delay": 0.0, "drip": 0.0, "drop": None,
    }  # fmt: skip
    assert attrs.asdict(Fault("status")) == {
        "kind": "status", "when": {"operation": "*", "nth": None, "first": None, "every": None},
        "acted": False, "status": None, "code": "", "message": "simulated fault", "body": None,
        "headers": (), "seconds": 0.0, "retry_after": None, "as_date": False,
    }  # fmt: skip


def test_settings_are_shown_without_keys_and_without_the_whole_contract() -> None:
    shown = repr(SimulatorSettings(keys=["sk-one"], contract=CONTRACT))
    assert "keys" not in shown
    assert "contract" not in shown
    assert SimulatorSettings(contract=CONTRACT).contract is CONTRACT


@each_case("serve", [SimulatorServer, run])
def test_a_server_listens_on_free_ports_of_this_machine_only(serve: Callable[..., Any]) -> None:
    parameters = inspect.signature(serve).parameters
    defaults = {name: parameters[name].default for name in ("host", "port", "media_port")}
    assert defaults == {"host": "127.0.0.1", "port": 0, "media_port": 0}


def test_the_web_server_sends_nothing_of_its_own() -> None:
    server = SimulatorServer()
    try:
        config = server._server.config
        names = (
            "ws", "lifespan", "access_log", "log_config", "timeout_graceful_shutdown",
            "date_header", "server_header",
        )  # fmt: skip
        assert [getattr(config, name) for name in names] == [
            "none", "on", False, None, 1, False, False,
        ]  # fmt: skip
        assert (server._thread.name, server._thread.daemon) == ("runway-simulator", True)
        if os.name != "nt":
            option = (socket.SOL_SOCKET, socket.SO_REUSEADDR)
            assert all(one.getsockopt(*option) for one in server._sockets)
    finally:
        server.close()


def test_options_are_the_fields_of_the_settings() -> None:
    assert set(Options.__annotations__) == {found.name for found in attrs.fields(SimulatorSettings)}
    clock = SimClock.manual()
    by_name = Gateway(clock=clock, shape="wrapped", keys="sk-one").settings
    assert by_name == SimulatorSettings(clock=clock, shape="wrapped", keys=["sk-one"])
    assert "sk-one" not in repr(by_name)
