"""Coverage points: the choices that a schema leaves open, and which of them a value takes.

`build_tree` lists the points of one schema and those of every schema nested in it. Each point has
a narrower schema whose values take it, so that a missing one can be drawn on purpose.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from attrs import evolve, field, frozen

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway.validation import resolve_reference
from cometapi_runway.validation._schemas import compile_schema

from ..generation.schema_targets import ValueTest, find_targets, require_field, require_items

Select: TypeAlias = Callable[[JSON], Iterable[JSON]]
Embed: TypeAlias = Callable[[Object], Object]


@frozen
class CoveragePoint:
    """One choice at one path.

    Attributes:
        path: a JSON pointer; ``*`` is any item, ``<Task>`` a branch of a union.
        choice: the choice in words.
        kind: the kind of choice, a column of the report.
    """

    path: str
    choice: str
    kind: str

    def __str__(self) -> str:
        return f"{self.path or '(root)'} {self.choice}"


@frozen(eq=False)
class CoverageTarget:
    """A point, a test for values that take it, and a schema of such values."""

    point: CoveragePoint
    matches: ValueTest
    schema: Object


@frozen(eq=False)
class CoverageTree:
    """The targets of one schema and of the schemas nested in it.

    Attributes:
        targets: the targets of the schema itself.
        children: for each nested schema, how to select its values, and its tree.
    """

    targets: tuple[CoverageTarget, ...]
    children: tuple[tuple[Select, CoverageTree], ...]

    def all_targets(self) -> Iterator[CoverageTarget]:
        """Every target, outer ones first."""
        yield from self.targets
        for _, tree in self.children:
            yield from tree.all_targets()

    def points_of(self, value: JSON) -> Iterator[CoveragePoint]:
        """The points that a value takes; in a union only those of the first matching branch."""
        yield from (one.point for one in self.targets if one.matches(value))
        for select, tree in self.children:
            for inner in select(value):
                yield from tree.points_of(inner)


@frozen(eq=False)
class _Location:
    """A schema's location while the tree is built.

    Attributes:
        path: the path of its points.
        embed: puts a narrower schema of this location into the whole schema.
        references: the references followed so far.
    """

    path: str = ""
    embed: Embed = field(default=lambda schema: schema)
    references: frozenset[str] = frozenset()

    def child(self, step: str, embed: Embed) -> _Location:
        """A location inside this one; `embed` puts its schema into this one's."""
        outer = self.embed
        return evolve(self, path=self.path + step, embed=lambda schema: outer(embed(schema)))


def build_tree(document: Object, schema: Object, location: _Location | None = None) -> CoverageTree:
    """The tree of a schema whose references are resolved in a document."""
    location = location or _Location()
    name = schema.get("$ref", "")
    if name in location.references:
        return CoverageTree((), ())  # recursive: the outer occurrence has these targets
    location = evolve(location, references=location.references | ({name} if name else set()))
    schema = resolve_reference(document, schema)
    own = [
        CoverageTarget(
            CoveragePoint(location.path, one.label, one.kind),
            one.matches,
            location.embed(one.schema),
        )
        for one in find_targets(schema)
    ]
    branches = list(_branches(document, schema, location))
    children = (*_nested(document, schema, location), *(tree for _, tree in branches))
    return CoverageTree((*own, *(target for target, _ in branches if target)), children)


def build_trees_once(document: Object) -> Callable[[Object], CoverageTree]:
    """A function that builds the tree of a schema, once for all schemas that are equal."""
    trees: dict[str, CoverageTree] = {}

    def tree_of(schema: Object) -> CoverageTree:
        key = json.dumps(schema, sort_keys=True)
        if key not in trees:
            trees[key] = build_tree(document, schema)
        return trees[key]

    return tree_of


def _nested(
    document: Object, schema: Object, location: _Location
) -> Iterator[tuple[Select, CoverageTree]]:
    for name, inner in schema.get("properties", {}).items():
        child = location.child(
            f"/{name}", lambda narrower, name=name: require_field(schema, name, narrower)
        )
        yield _select_field(name), build_tree(document, inner, child)
    if isinstance(items := schema.get("items"), dict):
        child = location.child("/*", lambda narrower: require_items(schema, narrower))
        yield _select_items, build_tree(document, items, child)
    for index, part in enumerate(schema.get("allOf", ())):
        child = location.child("", lambda narrower, index=index: {
            **schema, "allOf": [*schema["allOf"][:index], narrower, *schema["allOf"][index + 1:]]
        })  # fmt: skip
        yield (lambda value: (value,)), build_tree(document, part, child)


def _branches(
    document: Object, schema: Object, location: _Location
) -> Iterator[tuple[CoverageTarget, tuple[Select, CoverageTree]]]:
    """The branches of a union. A value belongs to the first branch that it matches."""
    for union in (key for key in ("anyOf", "oneOf") if key in schema):
        tests = [compile_schema(document, branch).is_valid for branch in schema[union]]
        names = branch_names(schema[union])
        for index, branch in enumerate(schema[union]):
            matches = _first_match(tests, index)
            child = location.child(f"<{names[index]}>", _embed_branch(schema, union))
            point = CoveragePoint(location.path, f"is {names[index]}", "branch")
            target = CoverageTarget(point, matches, child.embed(branch))
            yield target, (_select_if(matches), build_tree(document, branch, child))


def branch_names(branches: Iterable[Object]) -> list[str]:
    """Names of the branches of a union: component or type, numbered where they repeat."""
    names: list[str] = []
    for schema in branches:
        kind = schema.get("type", "")
        name = schema.get("$ref", "").rpartition("/")[2] or (kind if isinstance(kind, str) else "")
        name = name or "form"
        repeats = sum(one.partition(" ")[0] == name for one in names)
        names.append(f"{name} {repeats + 1}" if repeats else name)
    return names


def _embed_branch(schema: Object, union: str) -> Embed:
    """Replace a union by one branch and keep the other keywords of the schema."""
    rest = {key: value for key, value in schema.items() if key not in {union, "description"}}
    return lambda narrower: {"allOf": [rest, narrower]} if rest else narrower


def _first_match(tests: list[ValueTest], index: int) -> ValueTest:
    return lambda value: tests[index](value) and not any(test(value) for test in tests[:index])


def _select_if(matches: ValueTest) -> Select:
    return lambda value: (value,) if matches(value) else ()


def _select_field(name: str) -> Select:
    return lambda value: (value[name],) if isinstance(value, dict) and name in value else ()


def _select_items(value: JSON) -> Iterable[JSON]:
    return value if isinstance(value, list) else ()
