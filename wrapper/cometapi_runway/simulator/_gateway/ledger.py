"""Charges and refunds."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from attrs import define, field, frozen

from cometapi_runway.simulator._settings import FICTIONAL_PRICE

if TYPE_CHECKING:
    from collections.abc import Mapping


@frozen
class Charge:
    """One line of the ledger.

    Attributes:
        task_id: The task.
        operation: The operation's id.
        amount: US dollars; positive for a charge, negative for a refund.
        at: When, in Unix seconds.
        kind: Whether it is a charge or a refund.
    """

    task_id: str
    operation: str
    amount: Decimal
    at: float
    kind: Literal["charge", "refund"] = "charge"


@define
class Ledger:
    """All charges and refunds in order.

    Attributes:
        prices: US dollars by resource.
        balance: US dollars at the start; None for no limit.
    """

    prices: Mapping[str, Decimal]
    balance: Decimal | None = None
    _lines: list[Charge] = field(factory=list[Charge])
    _total: Decimal = Decimal(0)

    @property
    def lines(self) -> tuple[Charge, ...]:
        """Charges and refunds so far, oldest first."""
        return tuple(self._lines)

    @property
    def total(self) -> Decimal:
        """US dollars charged and not refunded."""
        return self._total

    def price(self, resource: str) -> Decimal:
        """The price of one request in US dollars."""
        return self.prices.get(resource, FICTIONAL_PRICE)

    def covers(self, amount: Decimal) -> bool:
        """Whether the remaining balance is enough."""
        return self.balance is None or self._total + amount <= self.balance

    def charge(self, task_id: str, operation: str, amount: Decimal, at: float) -> None:
        """Records a charge."""
        self._add(Charge(task_id, operation, amount, at))

    def refund(self, task_id: str, operation: str, amount: Decimal, at: float) -> None:
        """Records the refund of a charge."""
        self._add(Charge(task_id, operation, -amount, at, "refund"))

    def _add(self, line: Charge) -> None:
        self._lines.append(line)
        self._total += line.amount
