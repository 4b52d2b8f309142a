"""When a rule applies: to which operation, and to which of its occurrences."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from attrs import define, field, frozen, validators

if TYPE_CHECKING:
    from cometapi_runway.jsonvalue import JSON

DOWNLOAD: Final = "download"
"""The name under which rules address requests for output files."""

EVERYTHING: Final = "*"

_count = validators.optional(validators.and_(validators.instance_of(int), validators.ge(1)))


@frozen
class When:
    """The occurrences that a rule applies to. With no number given: all of them.

    Attributes:
        operation: An operation id, a resource name (``character_performance``, ``tasks``), an
            operation's tag, ``"download"`` for output files, or ``"*"`` for all.
        nth: Only this occurrence, counted from 1.
        first: The first so many occurrences.
        every: Each occurrence whose number is a multiple of this.
    """

    operation: str = field(default=EVERYTHING, validator=validators.instance_of(str))
    nth: int | None = field(default=None, validator=_count)
    first: int | None = field(default=None, validator=_count)
    every: int | None = field(default=None, validator=_count)

    def covers(self, number: int) -> bool:
        """Whether occurrence ``number`` (from 1) is meant."""
        return (
            (self.nth is None or number == self.nth)
            and (self.first is None or number <= self.first)
            and (self.every is None or number % self.every == 0)
        )


class Rule(Protocol):
    """Anything that says when it applies."""

    @property
    def when(self) -> When:
        """The occurrences meant."""
        ...


R = TypeVar("R", bound=Rule)


@define
class RuleBook(Generic[R]):
    """Rules in order, each with a count of the occurrences that it has seen.

    Before them stands a queue of rules that apply once each, the next one to the next occurrence.
    """

    _rules: list[tuple[R, list[int]]] = field(factory=list[tuple[R, list[int]]])
    _queue: list[R] = field(factory=list[R])

    @property
    def rules(self) -> tuple[R, ...]:
        """The rules in force, first one first."""
        return (*self._queue, *(rule for rule, _ in self._rules))

    def add(self, *rules: R) -> None:
        """Puts rules behind those in force; they count from now."""
        self._rules += [(rule, [0]) for rule in rules]

    def queue(self, *rules: R) -> None:
        """Lets each rule apply once, to the next occurrence that none before it has taken.

        Of their `When` only the operation counts.
        """
        self._queue += rules

    def replace(self, rules: Iterable[R]) -> None:
        """Puts rules in place of those in force."""
        self._queue.clear()
        self._rules.clear()
        self.add(*rules)

    def next(self, names: frozenset[str]) -> R | None:
        """Counts an occurrence and returns the first rule that applies to it.

        Args:
            names: What the occurrence is called: operation id, resource, tag.
        """
        place = next((i for i, rule in enumerate(self._queue) if _is_meant(rule, names)), None)
        found = None if place is None else self._queue.pop(place)
        for rule, seen in self._rules:
            if _is_meant(rule, names):
                seen[0] += 1
                if found is None and rule.when.covers(seen[0]):
                    found = rule
        return found


def _is_meant(rule: Rule, names: frozenset[str]) -> bool:
    return rule.when.operation == EVERYTHING or rule.when.operation in names


T = TypeVar("T")


def from_json(make: Callable[..., T], fields: Mapping[str, JSON]) -> T:
    """Makes a value from a JSON object whose keys are the constructor's keywords.

    Raises:
        ValueError: A key is unknown or a value is not allowed; the message names it.
    """
    try:
        return make(**fields)
    except (TypeError, ValueError) as error:
        raise ValueError(str(error.args[0])) from error
