"""Budgets: how much, or how many tasks, the clients of one journal may spend together."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final, TypeAlias

from attrs import field, frozen

from cometapi_runway._core.json_values import Object, as_object
from cometapi_runway._core.redaction import safe_repr
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.journal._money import LARGEST, is_exact

_BUDGET: Final = "budget"
_PRICES: Final = "prices"
"""The settings that errors name."""

Amount: TypeAlias = Decimal | int | float | str
"""US dollars; a float is read as it is printed, so that 0.1 is a tenth."""


@frozen
class Spending:
    """What the submissions of a scope have cost, or may yet cost.

    Attributes:
        cost: US dollars of those whose price is known.
        tasks: How many submissions there are; refused ones are not counted.
        unpriced: How many of them have no known price, so that the cost is higher than `cost`.
    """

    cost: Decimal
    tasks: int
    unpriced: int


def parse_amount(value: Amount, name: str, setting: str) -> Decimal:
    """Read an amount of US dollars, `name` in the message of an error that concerns `setting`.

    Raises:
        ConfigurationError: It is not a number from 0 with at most six digits after the point.
    """
    is_number = isinstance(value, Decimal | int | float | str) and not isinstance(value, bool)
    try:
        amount = Decimal(str(value)) if is_number else None
    except InvalidOperation:
        amount = None
    if amount is None or not is_exact(amount):
        raise ConfigurationError(
            f"{name} must be US dollars, 0 to {LARGEST:,} with at most six digits after the point, "
            f"got {safe_repr(value)}",
            setting=setting,
        )
    return amount


def parse_prices(prices: Mapping[str, Amount], name: str) -> dict[str, Decimal]:
    """Read prices by resource.

    Raises:
        ConfigurationError: They are not a mapping of names to amounts.
    """
    if not isinstance(prices, Mapping):
        raise ConfigurationError(
            f"{name} must map resources to US dollars, got {safe_repr(prices)}", setting=_PRICES
        )
    for resource in prices:
        if not isinstance(resource, str):
            raise ConfigurationError(
                f"{name}: the name of a resource must be text, got {safe_repr(resource)}",
                setting=_PRICES,
            )
    return {
        resource: parse_amount(price, f"{name}[{resource!r}]", _PRICES)
        for resource, price in prices.items()
    }


def parse_price_table(table: Object, name: str) -> dict[str, Decimal]:
    """Read prices by resource out of a TOML table, `name` in messages; see `load_prices`.

    Raises:
        ConfigurationError: A price is malformed.
    """
    return parse_prices(_flatten(table), name)


def load_prices(path: str | os.PathLike[str]) -> dict[str, Decimal]:
    """Read a TOML file of prices: a table ``[prices]`` with US dollars by resource.

    ::

        [prices]
        text_to_image = "0.32"
        "compat.act_one" = 0.4

    Raises:
        ConfigurationError: The file cannot be read, or does not hold such a table.
    """
    file = Path(path)
    try:
        with file.open("rb") as content:
            # A number's digits are kept as they are written.
            document = tomllib.load(content, parse_float=Decimal)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"prices {file} cannot be read: {error}", setting=_PRICES
        ) from error
    outside = document.keys() - {"prices"}
    table = as_object(document.get("prices"))
    if outside or table is None:
        problem = f"{min(outside)!r} is outside the table" if outside else "it has no table"
        raise ConfigurationError(f"prices {file}: {problem} [prices]", setting=_PRICES)
    return parse_prices(_flatten(table), f"{file}: prices")


def _flatten(table: Object, prefix: str = "") -> dict[str, Amount]:
    """A table with the tables in it as dotted names: without quotes ``compat.act_one`` is one."""
    flat: dict[str, Amount] = {}
    for name, value in table.items():
        inner = as_object(value)
        if inner is not None:
            flat.update(_flatten(inner, f"{prefix}{name}."))
        else:
            # Its type is checked with the other prices.
            flat[f"{prefix}{name}"] = value  # type: ignore[assignment]
    return flat


def _to_cost(value: Amount | None) -> Decimal | None:
    return None if value is None else parse_amount(value, "budget: max_cost", _BUDGET)


def _to_prices(value: Mapping[str, Amount] | str | os.PathLike[str] | None) -> dict[str, Decimal]:
    if value is None:
        return {}
    if isinstance(value, str | os.PathLike):
        return load_prices(value)
    return parse_prices(value, "budget: prices")


def _check_tasks(_budget: object, _attribute: object, value: int | None) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise ConfigurationError(
            f"budget: max_tasks must be a whole number from 0, got {safe_repr(value)}",
            setting=_BUDGET,
        )


def _check_scope(_budget: object, _attribute: object, value: str) -> None:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= 255:
        raise ConfigurationError(
            f"budget: scope must be a line of 1 to 255 characters, got {safe_repr(value)}",
            setting=_BUDGET,
        )


@frozen
class Budget:
    """Limits for what clients spend, kept by every client with the same journal and gateway.

    A request is counted, in the transaction that records it, before it is sent. A refused one is
    given back; one of unknown outcome stays counted until it is settled.

    Attributes:
        max_cost: US dollars for all tasks of the scope together, or None for no limit. It needs
            the price of every task.
        max_tasks: How many tasks the scope may have, or None for no limit.
        scope: A name for what the limits are about. Spending is counted by scope, and each client
            applies its own limits to it.
        prices: US dollars by resource (``"text_to_image"``, ``"compat.act_one"``), or a TOML file
            of them, see `load_prices`. They take precedence over the prices in the contract.

    Raises:
        ConfigurationError: A value is malformed.
    """

    max_cost: Decimal | None = field(default=None, converter=_to_cost)
    max_tasks: int | None = field(default=None, validator=_check_tasks)
    scope: str = field(default="default", validator=_check_scope)
    prices: Mapping[str, Decimal] = field(default=None, converter=_to_prices, hash=False)
