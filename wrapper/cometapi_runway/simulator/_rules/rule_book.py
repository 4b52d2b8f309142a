"""When a rule applies: to which requests, and to which of their occurrences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, Protocol, TypeVar

from attrs import define, field, frozen, validators

from cometapi_runway.simulator._rules.names import EVERYTHING, check_name

_count = validators.optional(validators.and_(validators.instance_of(int), validators.ge(1)))


@frozen
class When:
    """The occurrences that a rule applies to; without a number, all of them.

    Attributes:
        operation: An operation id, a resource name (``character_performance``, ``tasks``), an
            operation's tag, ``"download"`` for output files, or ``"*"`` for all.
        nth: Only this occurrence, counted from 1.
        first: Only the first so many occurrences.
        every: Only occurrences whose number is a multiple of this.
    """

    operation: str = field(default=EVERYTHING, validator=validators.instance_of(str))
    nth: int | None = field(default=None, validator=_count)
    first: int | None = field(default=None, validator=_count)
    every: int | None = field(default=None, validator=_count)

    def covers(self, number: int) -> bool:
        """Whether the rule applies to occurrence ``number``, counted from 1."""
        return (
            (self.nth is None or number == self.nth)
            and (self.first is None or number <= self.first)
            and (self.every is None or number % self.every == 0)
        )

    def is_over(self, number: int) -> bool:
        """Whether no occurrence after ``number`` can be covered."""
        if self.nth is not None and number >= self.nth:
            return True
        if self.first is None:
            return False
        every = self.every or 1
        return (number // every + 1) * every > self.first


class Rule(Protocol):
    """Anything with a condition."""

    @property
    def when(self) -> When:
        """The occurrences that it applies to."""
        ...


R = TypeVar("R", bound=Rule)


@define
class RuleBook(Generic[R]):
    """Rules in order, each with a count of the occurrences it has seen.

    A queue of rules that apply once each goes first: its next rule applies to the next occurrence.

    Attributes:
        names: The names that rules may address; None allows any.
    """

    names: frozenset[str] | None = None
    _rules: list[tuple[R, list[int]]] = field(factory=list[tuple[R, list[int]]])
    _queue: list[R] = field(factory=list[R])

    @property
    def rules(self) -> tuple[R, ...]:
        """The rules in order, queued ones first, with those that cannot apply any more."""
        return (*self._queue, *(rule for rule, _ in self._rules))

    @property
    def active_rules(self) -> tuple[R, ...]:
        """The rules that can still apply, in order, queued ones first."""
        active = (rule for rule, seen in self._rules if not rule.when.is_over(seen[0]))
        return (*self._queue, *active)

    def add(self, *rules: R) -> None:
        """Appends rules; they count occurrences from now on.

        Raises:
            ValueError: A rule addresses a name that does not exist, so it would never apply.
        """
        self._check(rules)
        self._rules += [(rule, [0]) for rule in rules]

    def queue(self, *rules: R) -> None:
        """Queues rules that apply once each, to the next occurrence not taken by an earlier one.

        Only the operation of their `When` is used.

        Raises:
            ValueError: A rule addresses a name that does not exist, so it would never apply.
        """
        self._check(rules)
        self._queue += rules

    def replace(self, rules: Iterable[R]) -> None:
        """Replaces all rules, queued ones included.

        Raises:
            ValueError: A rule addresses a name that does not exist; then nothing is replaced.
        """
        new = tuple(rules)
        self._check(new)
        self._queue.clear()
        self._rules.clear()
        self.add(*new)

    def take_next(self, names: frozenset[str]) -> R | None:
        """Counts an occurrence and returns the first rule that applies to it, if any.

        Args:
            names: The names of the occurrence: operation id, resource, tag.
        """
        place = next((i for i, rule in enumerate(self._queue) if _addresses(rule, names)), None)
        found = None if place is None else self._queue.pop(place)
        for rule, seen in self._rules:
            if _addresses(rule, names):
                seen[0] += 1
                if found is None and rule.when.covers(seen[0]):
                    found = rule
        return found

    def _check(self, rules: Iterable[R]) -> None:
        for rule in rules:
            if self.names is not None:
                check_name(self.names, rule.when.operation)


def _addresses(rule: Rule, names: frozenset[str]) -> bool:
    return rule.when.operation == EVERYTHING or rule.when.operation in names
