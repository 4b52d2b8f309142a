"""Rules apply to the occurrences that they name."""

from __future__ import annotations

import pytest
from attrs import frozen
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.cases import each_case

from cometapi_runway.simulator._rules.json_rules import from_json
from cometapi_runway.simulator._rules.rule_book import RuleBook, When


@frozen
class Named:
    name: str
    when: When


def hits(when: When, count: int = 12) -> list[int]:
    return [number for number in range(1, count + 1) if when.covers(number)]


def test_when_covers_occurrences() -> None:
    assert hits(When()) == list(range(1, 13))
    assert hits(When(nth=3)) == [3]
    assert hits(When(first=2)) == [1, 2]
    assert hits(When(every=5)) == [5, 10]
    assert hits(When(first=9, every=4)) == [4, 8]


@given(st.lists(st.sampled_from(["a", "b"]), max_size=30), st.integers(1, 5))
def test_each_rule_counts_its_own_occurrences(calls: list[str], nth: int) -> None:
    book = RuleBook[Named]()
    book.add(Named("all", When(nth=nth)), Named("only a", When("a", nth=nth)))
    found = [rule.name if (rule := book.take_next(frozenset((call,)))) else None for call in calls]
    expected: list[str | None] = [None] * len(calls)
    places = [at for at, call in enumerate(calls) if call == "a"]
    if len(places) >= nth:
        expected[places[nth - 1]] = "only a"
    if len(calls) >= nth:
        # If both apply, the first rule wins.
        expected[nth - 1] = "all"
    assert found == expected


def test_a_rule_counts_from_when_it_was_added() -> None:
    book = RuleBook[Named]()
    book.take_next(frozenset("a"))
    book.add(Named("late", When(nth=1)))
    assert book.take_next(frozenset("a")) is not None
    book.replace(())
    assert book.rules == ()
    assert book.take_next(frozenset("a")) is None


whens = st.builds(
    When,
    nth=st.none() | st.integers(1, 9),
    first=st.none() | st.integers(1, 9),
    every=st.none() | st.integers(1, 9),
)


@given(whens, st.integers(0, 12))
def test_a_rule_is_over_when_it_covers_no_later_occurrence(when: When, number: int) -> None:
    later = range(number + 1, 200)
    assume(when.nth is None or when.covers(when.nth))

    assert when.is_over(number) is (not any(when.covers(one) for one in later))


def test_spent_rules_are_not_listed() -> None:
    book = RuleBook[Named]()
    always, once, twice = (
        Named("always", When()),
        Named("once", When(nth=1)),
        Named("2", When(first=2)),
    )
    book.add(always, once, twice)
    assert book.active_rules == (always, once, twice)

    book.take_next(frozenset("a"))
    assert book.active_rules == (always, twice)

    book.take_next(frozenset("a"))
    assert book.active_rules == (always,)
    assert book.rules == (always, once, twice)


def test_queued_rules_go_first_and_apply_once() -> None:
    book = RuleBook[Named]()
    one, two, always = Named("1", When("a", first=2)), Named("2", When()), Named("always", When())
    book.add(always)
    book.queue(one, two)
    assert book.rules == book.active_rules == (one, two, always)
    # A queued rule of another operation waits for its own.
    assert book.take_next(frozenset("b")) is two
    assert book.rules == book.active_rules == (one, always)
    assert [book.take_next(frozenset("a")) for _ in range(2)] == [one, always]
    book.queue(one)
    book.replace([always])
    assert book.rules == book.active_rules == (always,)


def test_a_name_that_does_not_exist_leaves_the_rules_as_they_are() -> None:
    book = RuleBook[Named](frozenset(("a", "b")))
    known, unknown = Named("1", When("a")), Named("2", When("c"))
    book.add(known)
    for change in (
        lambda: book.add(known, unknown),
        lambda: book.queue(known, unknown),
        lambda: book.replace([known, known, unknown]),
    ):
        with pytest.raises(ValueError, match="unknown name 'c'; known names: a, b"):
            change()
        assert book.rules == (known,)


@each_case(
    ("fields", "named"),
    [
        ({"nth": 0}, "nth"),
        ({"first": "2"}, "first"),
        ({"every": -1}, "every"),
        ({"operation": 3}, "operation"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_bad_rules_are_refused_by_name(fields: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        from_json(When, fields)
