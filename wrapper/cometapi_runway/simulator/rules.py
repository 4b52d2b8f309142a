"""When a rule applies: to which operation, and to which of its occurrences."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from attrs import define, field, frozen, validators

from cometapi_runway._core.suggestions import find_similar_name, suggest_name

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import JSON
    from cometapi_runway.validation import Contract

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

    Attributes:
        names: What rules may address besides everything; None for anything at all.
    """

    names: frozenset[str] | None = None
    _rules: list[tuple[R, list[int]]] = field(factory=list[tuple[R, list[int]]])
    _queue: list[R] = field(factory=list[R])

    @property
    def rules(self) -> tuple[R, ...]:
        """The rules in force, first one first."""
        return (*self._queue, *(rule for rule, _ in self._rules))

    def add(self, *rules: R) -> None:
        """Puts rules behind those in force; they count from now.

        Raises:
            ValueError: One is for something that does not exist, so it would never apply.
        """
        self._check(rules)
        self._rules += [(rule, [0]) for rule in rules]

    def queue(self, *rules: R) -> None:
        """Lets each rule apply once, to the next occurrence that none before it has taken.

        Of their `When` only the operation counts.

        Raises:
            ValueError: One is for something that does not exist, so it would never apply.
        """
        self._check(rules)
        self._queue += rules

    def replace(self, rules: Iterable[R]) -> None:
        """Puts rules in place of those in force.

        Raises:
            ValueError: One is for something that does not exist; then all stays as it was.
        """
        new = tuple(rules)
        self._check(new)
        self._queue.clear()
        self._rules.clear()
        self.add(*new)

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

    def _check(self, rules: Iterable[R]) -> None:
        for rule in rules:
            if self.names is not None:
                known_name(self.names, rule.when.operation)


def _is_meant(rule: Rule, names: frozenset[str]) -> bool:
    return rule.when.operation == EVERYTHING or rule.when.operation in names


def names_in(contract: Contract) -> frozenset[str]:
    """What rules may address: operations by id, resource or tag, and downloads."""
    names = {EVERYTHING, DOWNLOAD}
    for operation in contract.operations:
        names |= {operation.id, operation.resource, operation.tag, *operation.variants}
    return frozenset(names)


def known_name(names: frozenset[str], name: str) -> str:
    """The name, if it is one of those.

    Raises:
        ValueError: It is not; the message tells which are.
    """
    if name not in names:
        known = sorted(names)
        similar = find_similar_name(name, known)
        suggestion = f"did you mean {similar!r}? " if similar else ""
        raise ValueError(f"nothing is called {name!r}; {suggestion}known are: {', '.join(known)}")
    return name


T = TypeVar("T")


def from_json(
    make: type[T], fields: Mapping[str, JSON], *, beside: Iterable[str] = (), **more: object
) -> T:
    """Makes a value of an attrs class from a JSON object whose keys are its fields.

    Args:
        make: The class.
        fields: The object.
        beside: Keys that the caller takes out of the object before; they are known, too.
        more: Further fields, which do not come from outside.

    Raises:
        ValueError: A key is unknown or a value is not allowed; the message names it.
    """
    known = inspect.signature(make).parameters.keys() - more.keys()
    strange = sorted(fields.keys() - known)
    if strange:
        names = sorted({*known, *beside})
        raise ValueError(f"there is no {strange[0]!r}; {suggest_name(strange[0], names)}")
    try:
        return make(**fields, **more)
    except (TypeError, ValueError) as error:
        raise ValueError(str(error.args[0])) from error
