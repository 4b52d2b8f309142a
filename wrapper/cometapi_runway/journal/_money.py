"""US dollars as the journal stores them: whole millionths, which add up exactly."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, overload

_MICROS: Final = 6
"""Digits after the decimal point."""
LARGEST: Final = Decimal(10**12)
"""US dollars up to which sums of many prices stay within 64 bits."""


def is_exact(value: Decimal) -> bool:
    """Whether an amount is a number of millionths that the journal can store."""
    return value.is_finite() and 0 <= value <= LARGEST and not (value.scaleb(_MICROS) % 1)


@overload
def to_micros(value: Decimal) -> int: ...
@overload
def to_micros(value: Decimal | None) -> int | None: ...
def to_micros(value: Decimal | None) -> int | None:
    """An amount in millionths of a dollar."""
    return None if value is None else int(value.scaleb(_MICROS))


@overload
def from_micros(value: int) -> Decimal: ...
@overload
def from_micros(value: int | None) -> Decimal | None: ...
def from_micros(value: int | None) -> Decimal | None:
    """An amount in dollars, without trailing zeros."""
    if value is None:
        return None
    amount = Decimal(value).scaleb(-_MICROS).normalize()
    # `normalize` writes 100 as 1E+2.
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount
