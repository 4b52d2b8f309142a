"""Facets: the choices that a schema leaves open anywhere in it, and which of them a value takes.

`Tree` lists them for one schema and reads them off a value. `complete` sees to it that what is
drawn takes each at least once, so that no facet is left to a fuzzer's luck: what the draws missed
is drawn on purpose, from a schema narrowed to that one choice.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from attrs import evolve, field, frozen
from hypothesis.errors import Unsatisfiable

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import resolve_reference as resolve
from cometapi_runway.validation._schemas import compile_schema

from .choices import Test, choices, fill, require
from .st import FUZZ, Drawn, Source

Select: TypeAlias = Callable[[JSON], Iterable[JSON]]
Pin: TypeAlias = Callable[[Object], Object]

_FEW = 20


@frozen
class Facet:
    """One choice at one place.

    Attributes:
        place: a JSON pointer; ``*`` is any item, ``<Task>`` a branch of a union.
        choice: what is chosen there, in words.
        kind: the sort of choice; a column of the report.
    """

    place: str
    choice: str
    kind: str

    def __str__(self) -> str:
        return f"{self.place or '(the whole)'} {self.choice}"


@frozen(eq=False)
class Branching:
    """A facet, how to tell that a value takes it, and a schema of values that do."""

    facet: Facet
    taken: Test
    pinned: Object


@frozen(eq=False)
class Tree:
    """The choices at one place and those below it.

    Attributes:
        choices: those made here.
        below: how to get from a value of this place to values of one inside, and the tree there.
    """

    choices: tuple[Branching, ...]
    below: tuple[tuple[Select, Tree], ...]

    def every(self) -> Iterator[Branching]:
        """Every choice, those here before those below."""
        yield from self.choices
        for _, tree in self.below:
            yield from tree.every()

    def taken(self, value: JSON) -> Iterator[Facet]:
        """The facets that a value takes; those inside a branch only where that branch is meant."""
        yield from (one.facet for one in self.choices if one.taken(value))
        for select, tree in self.below:
            for inner in select(value):
                yield from tree.taken(inner)


@frozen(eq=False)
class _Spot:
    """Where the tree grows.

    Attributes:
        place: as facets name it.
        pin: puts a narrower schema of this place where it belongs in the whole.
        above: the references followed so far.
    """

    place: str = ""
    pin: Pin = field(default=lambda schema: schema)
    above: frozenset[str] = frozenset()

    def inside(self, step: str, put: Pin) -> _Spot:
        """A place inside this one; `put` puts its schema into this one's."""
        pin = self.pin
        return evolve(self, place=self.place + step, pin=lambda schema: pin(put(schema)))


def grow(document: Object, schema: Object, spot: _Spot | None = None) -> Tree:
    """The tree of a schema whose references point into a document."""
    spot = spot or _Spot()
    name = schema.get("$ref", "")
    if name in spot.above:
        return Tree((), ())  # been here before: the choices are those further up
    spot = evolve(spot, above=spot.above | ({name} if name else set()))
    schema = resolve(document, schema)
    own = [
        Branching(Facet(spot.place, one.words, one.kind), one.taken, spot.pin(one.narrow))
        for one in choices(schema)
    ]
    forks = list(_forks(document, schema, spot))
    below = (*_inside(document, schema, spot), *(tree for _, tree in forks))
    return Tree((*own, *(fork for fork, _ in forks if fork)), below)


def _inside(document: Object, schema: Object, spot: _Spot) -> Iterator[tuple[Select, Tree]]:
    for name, inner in schema.get("properties", {}).items():
        deeper = spot.inside(f"/{name}", lambda pinned, name=name: require(schema, name, pinned))
        yield _field(name), grow(document, inner, deeper)
    if isinstance(items := schema.get("items"), dict):
        deeper = spot.inside("/*", lambda pinned: fill(schema, pinned))
        yield _items, grow(document, items, deeper)
    for index, part in enumerate(schema.get("allOf", ())):
        deeper = spot.inside("", lambda pinned, index=index: {
            **schema, "allOf": [*schema["allOf"][:index], pinned, *schema["allOf"][index + 1:]]
        })  # fmt: skip
        yield (lambda value: (value,)), grow(document, part, deeper)


def _forks(
    document: Object, schema: Object, spot: _Spot
) -> Iterator[tuple[Branching, tuple[Select, Tree]]]:
    """The branches of a union. A value means the first one that it fits."""
    for union in (key for key in ("anyOf", "oneOf") if key in schema):
        fits = [compile_schema(document, branch).is_valid for branch in schema[union]]
        names = titles(schema[union])
        for index, branch in enumerate(schema[union]):
            meant = _first(fits, index)
            deeper = spot.inside(f"<{names[index]}>", _beside(schema, union))
            facet = Facet(spot.place, f"is {names[index]}", "branch")
            fork = Branching(facet, meant, deeper.pin(branch))
            yield fork, (_if(meant), grow(document, branch, deeper))


def titles(branches: Iterable[Object]) -> list[str]:
    """What to call branches: the component each refers to, or its type, numbered where alike."""
    names: list[str] = []
    for schema in branches:
        kind = schema.get("type", "")
        name = schema.get("$ref", "").rpartition("/")[2] or (kind if isinstance(kind, str) else "")
        name = name or "form"
        alike = sum(one.partition(" ")[0] == name for one in names)
        names.append(f"{name} {alike + 1}" if alike else name)
    return names


def _beside(schema: Object, union: str) -> Pin:
    """Put a branch in the place of its union, with what else the schema says."""
    rest = {key: value for key, value in schema.items() if key not in {union, "description"}}
    return lambda pinned: {"allOf": [rest, pinned]} if rest else pinned


def _first(fits: list[Test], index: int) -> Test:
    return lambda value: fits[index](value) and not any(fit(value) for fit in fits[:index])


def _if(meant: Test) -> Select:
    return lambda value: (value,) if meant(value) else ()


def _field(name: str) -> Select:
    return lambda value: (value[name],) if isinstance(value, dict) and name in value else ()


def _items(value: JSON) -> Iterable[JSON]:
    return value if isinstance(value, list) else ()


class Thorough(Source):
    """A source whose right values take, between them, every facet that can be taken.

    Args:
        document: the OpenAPI document that references point into.
    """

    def __init__(self, document: Object) -> None:
        super().__init__(document)
        self._document = document
        self._completed: dict[tuple[str, int], tuple[Drawn, ...]] = {}

    def right(self, schema: Object, fuzz: int = FUZZ) -> tuple[Drawn, ...]:
        """Values that the schema allows, those drawn for a missed facet last."""
        key = (json.dumps(schema, sort_keys=True), fuzz)
        if key not in self._completed:
            drawn = super().right(schema, fuzz)
            self._completed[key] = (*drawn, *self._missed(schema, drawn))
        return self._completed[key]

    def few(self, schema: Object) -> tuple[Drawn, ...]:
        """As few of the right values as take every facet between them: the first that add one."""
        tree = grow(self._document, schema)
        taken: set[Facet] = set()
        chosen: list[Drawn] = []
        for one in self.right(schema):
            took = set(tree.taken(one.value))
            if not chosen or took - taken:
                chosen.append(one)
                taken |= took
        return tuple(chosen)

    def _missed(self, schema: Object, drawn: Iterable[Drawn]) -> Iterator[Drawn]:
        tree = grow(self._document, schema)
        is_right = compile_schema(self._document, schema).is_valid
        taken = {facet for one in drawn for facet in tree.taken(one.value)}
        for one in tree.every():
            if one.facet in taken:
                continue
            for found in self._on_purpose(one.pinned):
                took = set(tree.taken(found.value))
                if one.facet in took and is_right(found.value):
                    taken |= took
                    yield evolve(found, origin=f"{found.origin}, for {one.facet}")
                    break

    def _on_purpose(self, schema: Object) -> Iterator[Drawn]:
        try:
            yield from super().right(schema, 0)
            yield from super().right(schema, _FEW)
        except Unsatisfiable:
            return  # a choice that the rest of the schema rules out
