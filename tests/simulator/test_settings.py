"""Settings are checked, and can be passed one by one."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from cometapi_runway.simulator import (
    Gateway,
    Options,
    SimClock,
    SimulatorSettings,
    Timings,
)

from .helpers import (
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


def test_the_lifetime_of_urls_is_finite() -> None:
    with pytest.raises(ValueError, match="url_lifetime"):
        Timings(url_lifetime=float("inf"))


def test_options_are_the_fields_of_the_settings() -> None:
    assert set(Options.__annotations__) == {found.name for found in attrs.fields(SimulatorSettings)}
    clock = SimClock.manual()
    by_name = Gateway(clock=clock, shape="wrapped", keys="sk-one").settings
    assert by_name == SimulatorSettings(clock=clock, shape="wrapped", keys=["sk-one"])
    assert "sk-one" not in repr(by_name)
