"""US dollars as the journal stores them: whole millionths, which add up exactly."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Final, overload

_MICROS: Final = 6
"""Digits after the decimal point."""
_MICRO: Final = Decimal("0.000001")
LARGEST: Final = Decimal(10**12)
"""US dollars up to which sums of many prices stay within 64 bits."""
# A caller's context may round to fewer digits than an amount has.
_EXACT: Final = Context(prec=40, traps=[Inexact, InvalidOperation])


def is_exact(value: Decimal) -> bool:
    """Whether an amount is a number of millionths that the journal can store."""
    if not (value.is_finite() and 0 <= value <= LARGEST):
        return False
    try:
        return value == _EXACT.quantize(value, _MICRO)
    except Inexact:
        return False


def add_exactly(one: Decimal, other: Decimal) -> Decimal:
    """The sum of two amounts, whatever the caller's decimal context is."""
    return _EXACT.add(one, other)


@overload
def to_micros(value: Decimal) -> int: ...
@overload
def to_micros(value: Decimal | None) -> int | None: ...
def to_micros(value: Decimal | None) -> int | None:
    """An amount in millionths of a dollar."""
    return None if value is None else int(_EXACT.scaleb(value, _MICROS))


@overload
def from_micros(value: int) -> Decimal: ...
@overload
def from_micros(value: int | None) -> Decimal | None: ...
def from_micros(value: int | None) -> Decimal | None:
    """An amount in dollars, without trailing zeros."""
    if value is None:
        return None
    amount = _EXACT.normalize(_EXACT.scaleb(Decimal(value), -_MICROS))
    # `normalize` writes 100 as 1E+2.
    return Decimal(f"{amount:f}")
