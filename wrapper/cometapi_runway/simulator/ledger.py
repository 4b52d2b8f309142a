"""What tasks were charged, and what was given back."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from attrs import define, field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

PRICES: Final[Mapping[str, Decimal]] = {
    "text_to_image": Decimal("0.32"),
    "act_one": Decimal("0.40"),
}
"""US dollars by resource, where CometAPI's model pages name a price for one request."""

FICTIONAL_PRICE: Final = Decimal("0.50")
"""US dollars for every other resource. Made up: no page names a price for those."""


@frozen
class Charge:
    """One line of the ledger.

    Attributes:
        task_id: The task.
        operation: The operation's id.
        amount: US dollars; above zero for a charge, below zero for a refund.
        at: When, in Unix seconds.
        kind: Which of the two it is.
    """

    task_id: str
    operation: str
    amount: Decimal
    at: float
    kind: Literal["charge", "refund"] = "charge"


@define
class Ledger:
    """All charges in order.

    Attributes:
        prices: US dollars by resource.
        balance: What was there at the start; None for an account without limit.
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
        """US dollars charged and not given back."""
        return self._total

    def price(self, resource: str) -> Decimal:
        """What one request of that resource costs."""
        return self.prices.get(resource, FICTIONAL_PRICE)

    def covers(self, amount: Decimal) -> bool:
        """Whether what is left of the balance is enough."""
        return self.balance is None or self._total + amount <= self.balance

    def charge(self, task_id: str, operation: str, amount: Decimal, at: float) -> None:
        """Notes that a task was charged."""
        self._add(Charge(task_id, operation, amount, at))

    def refund(self, task_id: str, operation: str, amount: Decimal, at: float) -> None:
        """Notes that a task's charge was given back."""
        self._add(Charge(task_id, operation, -amount, at, "refund"))

    def _add(self, line: Charge) -> None:
        self._lines.append(line)
        self._total += line.amount
