"""One test checks every case, and names each that fails; see `tests.cases`."""

from __future__ import annotations

import inspect
import logging
import os
from pathlib import Path

import pytest
from tests import cases
from tests.cases import each_case

from .support.both_clients import ClientHarness


def get_notes(check: object) -> list[str]:
    with pytest.raises((Exception, pytest.fail.Exception)) as caught:
        check()  # type: ignore[operator]
    (note,) = caught.value.__notes__
    return [caught.value.args[0] if caught.value.args else "", *note.splitlines()]


def test_every_case_is_checked_whatever_became_of_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Also where the tests judge mutants, whose first failure is enough.
    monkeypatch.setattr(cases, "IS_MUTATED", False)
    seen = []

    @each_case("number", range(4))
    @each_case(("first", "second"), [(1, 2), pytest.param(3, 4, id="three")], ids=str)
    def check(number: int, first: int, second: int) -> None:
        seen.append((number, first, second))
        if number == 1:
            raise ValueError(f"{first} and {second}")
        if number == 2 and first == 3:
            pytest.fail("two")

    assert get_notes(check) == [
        "1 and 2",
        "3 cases failed; this is the first:",
        "case 1: 1, 2; number=1: ValueError: 1 and 2",
        "case 5: three; number=1: ValueError: 3 and 4",
        "case 6: three; number=2: Failed: two",
    ]
    assert sorted(seen) == [(n, *pair) for n in range(4) for pair in [(1, 2), (3, 4)]]


def test_the_first_case_that_fails_is_enough_for_a_mutant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "IS_MUTATED", True)
    seen = []

    @each_case("number", range(4))
    def check(number: int) -> None:
        seen.append(number)
        assert number != 1

    with pytest.raises(AssertionError):
        check()
    assert seen == [0, 1]


def test_the_arguments_of_cases_are_no_fixtures() -> None:
    @each_case("case", ["a"])
    def check(case: str, tmp_path: Path) -> None:
        pass

    assert list(inspect.signature(check).parameters) == ["tmp_path"]


@pytest.mark.parametrize(
    ("names", "values", "ids"), [("a", [], None), ("a, b", [(1,)], None), ("a", [1, 2], ["x"])]
)
def test_cases_that_would_be_lost_are_refused(
    names: str, values: list[object], ids: list[str] | None
) -> None:
    with pytest.raises((AssertionError, ValueError)):
        each_case(names, values, ids)


def test_an_interruption_is_no_failure_of_a_case() -> None:
    @each_case("case", [1, 2])
    def check(case: int) -> None:
        assert case == 1
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check()


@each_case("number", range(3))
def test_fixtures_are_new_for_each_case(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert list(tmp_path.iterdir()) == []
    assert "CASES_TEST" not in os.environ
    assert caplog.records == []
    (tmp_path / "file").touch()
    monkeypatch.setenv("CASES_TEST", str(number))
    logging.getLogger("cases").warning("one")


def test_a_harness_is_new_for_each_case() -> None:
    seen = []

    @each_case("case", [1, 2])
    def check(case: int, harness: ClientHarness) -> None:
        assert not harness.network.sent
        seen.append(harness)

    harness = ClientHarness("blocking")
    check(harness=harness)
    harness.close()
    assert len({id(one) for one in (harness, *seen)}) == 3
