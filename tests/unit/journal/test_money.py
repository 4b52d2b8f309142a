"""Amounts are stored exactly."""

from __future__ import annotations

from decimal import Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st
from tests.cases import each_case

from cometapi_runway.journal._money import (
    LARGEST,
    add_exactly,
    from_micros,
    is_exact,
    to_micros,
)

amounts = st.integers(0, 10**18).map(lambda micros: Decimal(micros).scaleb(-6))


@given(amounts, amounts, st.integers(1, 40))
def test_no_decimal_context_rounds_them(one: Decimal, other: Decimal, digits: int) -> None:
    with localcontext() as context:
        context.prec = digits
        assert is_exact(one)
        assert from_micros(to_micros(one)) == one
        total = add_exactly(one, other)
    assert total == one + other


@given(amounts)
def test_they_are_written_without_zeros_and_exponents(amount: Decimal) -> None:
    text = str(from_micros(to_micros(amount)))
    assert "E" not in text
    assert Decimal(text) == amount
    assert "." not in text or not text.endswith("0")


@each_case(
    "text",
    [
        *("0.0000001", "1.0000001", "-0.01", "NaN", "sNaN", "Infinity"),
        *("1E+13", "1000000000000.000001", "1E-40", "1E+999999", "1E-999999", f"1.{'0' * 60}1"),
    ],
)
def test_what_cannot_be_stored_is_not_exact(text: str) -> None:
    assert is_exact(Decimal(text)) is False


@each_case("text", ["0", "-0", "0.000001", "1E+12", "1.000000000", f"1.{'0' * 60}"])
def test_what_can_be_stored_is_exact(text: str) -> None:
    assert is_exact(Decimal(text))
    assert from_micros(to_micros(Decimal(text))) == Decimal(text)


def test_the_largest_sums_fit_into_the_databases() -> None:
    assert to_micros(LARGEST) * 9 < 2**63
