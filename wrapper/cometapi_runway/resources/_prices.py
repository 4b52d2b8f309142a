"""What a task costs: the caller's prices, then those that the contract names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from cometapi_runway._core.json_values import as_object
from cometapi_runway._core.lazy_module import LazyModule
from cometapi_runway._core.suggestions import suggest_name
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.resources import _signatures as signatures
from cometapi_runway.resources._signatures import Signature

if TYPE_CHECKING:
    from cometapi_runway import validation
    from cometapi_runway._flows import entries
    from cometapi_runway._flows.entries import Reservation
    from cometapi_runway.journal import Budget
else:
    entries = LazyModule("cometapi_runway._flows.entries")
    validation = LazyModule("cometapi_runway.validation")


class Price(NamedTuple):
    """A price that one of CometAPI's pages names.

    Attributes:
        amount: US dollars for one task.
        as_of: When the page was read; prices change.
        source: The page.
    """

    amount: Decimal
    as_of: date
    source: str


@cache
def read_price(operation: str) -> Price | None:
    """The price of an operation in the contract (``x-price``), or None."""
    entry = as_object(validation.contract().operation(operation).document.get("x-price"))
    if entry is None:
        return None
    return Price(
        Decimal(str(entry["amount"])),
        date.fromisoformat(str(entry["as-of"])),
        str(entry["source"]),
    )


def make_reserve(budget: Budget | None, *, has_journal: bool) -> Callable[[str, str], Reservation]:
    """The function that says what a task of a resource reserves.

    Raises:
        ConfigurationError: There is a budget and no journal to count in, or it names a resource
            that does not exist.
    """
    if budget is None:
        return _reserve_without_budget
    from cometapi_runway.journal import Budget  # noqa: PLC0415 - late, as in `_client`

    if not isinstance(budget, Budget):
        raise ConfigurationError(
            f"budget: must be a Budget, got {type(budget).__name__}", setting="budget"
        )
    if not has_journal:
        raise ConfigurationError(
            "budget needs a journal, in which spending is counted: create the client with "
            "journal=<file>",
            setting="journal",
            is_missing=True,
        )
    check_resources(budget.prices)

    def reserve(resource: str, operation: str) -> Reservation:
        price = find_price(budget, resource, operation)
        if price is None and budget.max_cost is not None:
            raise ConfigurationError(
                f"budget: max_cost needs the price of {resource}, which is not known; pass "
                f"Budget(prices={{{resource!r}: <US dollars>}}), or limit max_tasks instead",
                setting="budget",
            )
        return entries.Reservation(price, budget.scope, budget.max_cost, budget.max_tasks)

    return reserve


def find_price(budget: Budget | None, resource: str, operation: str) -> Decimal | None:
    """US dollars for one task of a resource, or None if the price is not known."""
    own: Mapping[str, Decimal] = {} if budget is None else budget.prices
    for name in (resource, operation):
        if name in own:
            return own[name]
    price = read_price(operation)
    return None if price is None else price.amount


def check_resources(names: Iterable[str]) -> None:
    """Check that prices are of resources that exist.

    Raises:
        ConfigurationError: One does not.
    """
    known = _list_names()
    for name in names:
        if name not in known:
            raise ConfigurationError(
                f"prices: there is no resource {name!r}; {suggest_name(name, known)}",
                setting="prices",
            )


def _list_names() -> list[str]:
    """The names of resources, and of operations that have none."""
    written = [one.name for one in vars(signatures).values() if isinstance(one, Signature)]
    operations = [one.id for one in validation.contract().operations if not one.is_read]
    return [*written, *operations]


@cache
def _reserve_without_budget(resource: str, operation: str) -> Reservation:
    return entries.Reservation(find_price(None, resource, operation))
