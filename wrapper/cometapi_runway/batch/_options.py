"""How a batch runs, and the text that its workers on other machines read it from."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Self, get_args

from attrs import frozen

from cometapi_runway._core.redaction import safe_repr
from cometapi_runway._flows.polling import Polling
from cometapi_runway._settings import POLL_INTERVAL
from cometapi_runway.batch._decisions import Halt, Rate, parse_halt, parse_rate
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.journal import Budget

WAIT_TIMEOUT = 3600.0
"""Seconds after which a row stops waiting for its task, which a retry waits for again."""


@frozen(kw_only=True)
class BatchOptions:
    """How a batch runs; see `Batch.run`."""

    concurrency: int = 8
    rate: str | None = None
    max_cost: Decimal | None = None
    max_tasks: int | None = None
    prices: Mapping[str, Decimal]
    attempts: int = 1
    halt: str | None = None
    interval: float = POLL_INTERVAL
    timeout: float = WAIT_TIMEOUT
    polling: Polling = "learned"

    def __attrs_post_init__(self) -> None:
        for name, largest in (("concurrency", 10_000), ("attempts", 100)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= largest:
                raise ConfigurationError(
                    f"{name} must be a whole number from 1 to {largest:,}, got {safe_repr(value)}",
                    setting=name,
                )
        if self.polling not in get_args(Polling):
            raise ConfigurationError(
                f"polling must be 'learned' or 'fixed', got {safe_repr(self.polling)}",
                setting="polling",
            )
        # Read once here, so that a malformed one is refused before anything starts.
        self.parse_rate()
        self.parse_halt()

    def parse_rate(self) -> Rate | None:
        """The rate, or None."""
        return None if self.rate is None else parse_rate(self.rate)

    def parse_halt(self) -> Halt | None:
        """When to stop submitting, or None."""
        return None if self.halt is None else parse_halt(self.halt)

    def make_budget(self, scope: str) -> Budget:
        """The budget of the batch: its scope is the batch."""
        return Budget(self.max_cost, self.max_tasks, scope, self.prices)

    def to_json(self) -> dict[str, Any]:
        """The options as JSON."""
        return {
            "concurrency": self.concurrency,
            "rate": self.rate,
            "max_cost": None if self.max_cost is None else str(self.max_cost),
            "max_tasks": self.max_tasks,
            "prices": {name: str(price) for name, price in self.prices.items()},
            "attempts": self.attempts,
            "halt": self.halt,
            "interval": self.interval,
            "timeout": self.timeout,
            "polling": self.polling,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        prices = {name: Decimal(price) for name, price in fields["prices"].items()}
        cost = fields["max_cost"]
        known: dict[str, Any] = {
            **fields,
            "prices": prices,
            "max_cost": None if cost is None else Decimal(cost),
        }
        return cls(**known)
