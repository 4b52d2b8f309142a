"""The difference of two schemas as a list of edits, each of which can be judged alone.

The schemas are inlined, see `inline`. An edit says what changed, where in an instance that is, and
how to apply it alone to the old schema, so that the verdict on one field does not depend on what
happened to its neighbours.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from attrs import evolve, frozen

from contract_tools._common.json_values import (
    Json,
    JsonObject,
    Path,
    entries,
    members,
    pointer,
    remove_at,
    set_at,
    shorten,
)
from contract_tools.diff.renames import OWNER, UNIONS, WORDING, find_renames, have_same_rules

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a Python annotation says of a value; it says nothing about bounds, patterns and lengths.
TYPE_KEYWORDS = frozenset(
    {"type", "enum", "const", "format", "items", "additionalProperties", *UNIONS}
)
_REMOVED = object()

Assignments: TypeAlias = "tuple[tuple[Path, object], ...]"
Kind: TypeAlias = Literal["added", "removed", "renamed", "required", "optional", "changed"]


@frozen
class Edit:
    """One change of a schema.

    Attributes:
        place: where in an instance: a JSON pointer with `*` for any item, `<Name>` for a branch.
        what: what changed.
        kind: added, removed, renamed, required, optional or changed.
        assignments: paths in the old schema, and their values after this change alone.
        owner: the component that contains the place, empty for an inline schema.
        name: the property, by its new name where a renamed one became required or optional;
            empty where the change is not about one.
        new_name: the property's new name where it was renamed.
        is_required: whether an added property is required.
        keywords: the keywords that changed, where the kind is `changed`.
        narrows_type: whether a Python annotation that was right can be wrong now.
    """

    place: str
    what: str
    kind: Kind
    assignments: Assignments
    owner: str = ""
    name: str = ""
    new_name: str = ""
    is_required: bool = False
    keywords: frozenset[str] = frozenset()
    narrows_type: bool = False

    def apply(self, schema: JsonObject) -> JsonObject:
        """Return a copy of the old schema with this one change."""
        changed: Json = copy.deepcopy(schema)
        for path, value in self.assignments:
            if not path:
                changed = cast("Json", value)
            elif value is _REMOVED:
                remove_at(changed, path)
            else:
                set_at(changed, path, cast("Json", value))
        return members(changed)


@frozen
class _Node:
    """Where two schemas are compared: in the schema, in an instance, and in which component."""

    path: Path
    place: str
    owner: str

    def edit(self, what: str, keywords: frozenset[str], assignments: Assignments) -> Edit:
        name = self.place.rpartition("/")[2].partition("<")[0].replace("*", "")
        return Edit(self.place, what, "changed", assignments, self.owner, name, keywords=keywords)

    def edit_property(self, name: str, what: str, kind: Kind, assignments: Assignments) -> Edit:
        return Edit(self.place + pointer((name,)), what, kind, assignments, self.owner, name)

    def at(self, *steps: str) -> Path:
        return (*self.path, *steps)


def find_edits(
    old: JsonObject, new: JsonObject, path: Path = (), place: str = "", owner: str = ""
) -> Iterator[Edit]:
    """Yield the changes from one inlined schema to another, outermost first."""
    if have_same_rules(old, new):
        return
    owner = str(new.get(OWNER) or old.get(OWNER) or owner)
    here = _Node(path, place, owner)
    if _part_kinds(old) != _part_kinds(new):
        what = f"changed from {_describe(old)} to {_describe(new)}"
        edit = here.edit(what, frozenset({"items", *UNIONS}), ((path, new),))
        yield evolve(edit, narrows_type=True)
        return
    yield from _keyword_edits(old, new, here)
    yield from _property_edits(old, new, here)
    if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
        items = members(old["items"]), members(new["items"])
        yield from find_edits(*items, here.at("items"), f"{place}/*", owner)
    for union in UNIONS:
        yield from _branch_edits(union, old, new, here)


def _keyword_edits(old: JsonObject, new: JsonObject, here: _Node) -> Iterator[Edit]:
    """Yield the changed keywords of a node as one edit, because they restrict the same value."""
    handled = WORDING | {"properties", "required", *UNIONS}
    if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
        handled |= {"items"}
    keys = [key for key in {**old, **new} if key not in handled and old.get(key) != new.get(key)]
    if keys:
        what = "; ".join(text for key in keys for text in _describe_keyword(key, old, new))
        values = tuple((here.at(key), new.get(key, _REMOVED)) for key in keys)
        narrows_type = any(_narrows_type(key, old, new) for key in keys)
        yield evolve(here.edit(what, frozenset(keys), values), narrows_type=narrows_type)


def _narrows_type(key: str, old: JsonObject, new: JsonObject) -> bool:
    if key == "enum" and key in old and key in new:
        return any(value not in entries(new[key]) for value in entries(old[key]))
    return key == "type" or (key in TYPE_KEYWORDS and key in old and key in new)


def _describe_keyword(key: str, old: JsonObject, new: JsonObject) -> Iterator[str]:
    if key == "enum" and key in old and key in new:
        added = [v for v in entries(new[key]) if v not in entries(old[key])]
        removed = [v for v in entries(old[key]) if v not in entries(new[key])]
        if added:
            yield f"{_plural('allowed value', added)} added: {', '.join(map(shorten, added))}"
        if removed:
            yield f"{_plural('allowed value', removed)} removed: {', '.join(map(shorten, removed))}"
        if not added and not removed:
            yield "allowed values reordered"
    elif key not in old:
        yield f"{key} added: {shorten(new[key])}"
    elif key not in new:
        yield f"{key} removed (was {shorten(old[key])})"
    else:
        yield f"{key} changed from {shorten(old[key])} to {shorten(new[key])}"


def _plural(noun: str, values: list[Json]) -> str:
    return noun if len(values) == 1 else f"{noun}s"


def _property_edits(old: JsonObject, new: JsonObject, here: _Node) -> Iterator[Edit]:
    before, after = members(old.get("properties")), members(new.get("properties"))
    was_required, is_required = _required(old), _required(new)
    renamed = find_renames(before, after)
    for key, schema in before.items():
        if key not in after and key not in renamed:
            names = [name for name in was_required if name != key]
            removed = (here.at("properties", key), _REMOVED), (here.at("required"), names)
            yield here.edit_property(key, "removed", "removed", removed)
            continue
        if key in renamed:
            yield _rename(here, old, key, renamed[key])
        inner = members(schema), members(after[renamed.get(key, key)])
        yield from _inner_edits(here, key, *inner)
    for key, schema in after.items():
        if key not in before and key not in renamed.values():
            needed = key in is_required
            names = [*was_required, *([key] if needed else [])]
            added = (here.at("properties", key), schema), (here.at("required"), names)
            what = f"added ({_describe(members(schema))}{', required' if needed else ''})"
            yield evolve(here.edit_property(key, what, "added", added), is_required=needed)
    yield from _requirement_edits(before, after, renamed, (was_required, is_required), here)


def _inner_edits(here: _Node, key: str, old: JsonObject, new: JsonObject) -> Iterator[Edit]:
    """Yield the changes inside a property; a change of the property itself belongs to `here`."""
    place = here.place + pointer((key,))
    for edit in find_edits(old, new, here.at("properties", key), place, here.owner):
        # The component that contains the field, not the component that is the field's type.
        yield evolve(edit, owner=here.owner, name=key) if edit.place == place else edit


def _requirement_edits(
    before: JsonObject,
    after: JsonObject,
    renamed: dict[str, str],
    required: tuple[list[str], list[str]],
    here: _Node,
) -> Iterator[Edit]:
    """Yield which properties became required or optional, renamed ones among them.

    Names without a property count too; added and removed properties are edits of their own.
    """
    was, now = required
    undeclared = {*was, *now} - before.keys() - after.keys()
    for key in sorted((before.keys() & after.keys()) | renamed.keys() | undeclared):
        new_name = renamed.get(key, key)
        suffix = f", as {new_name}" if key in renamed else ""
        if new_name in now and key not in was:
            needed = ((here.at("required"), [*was, key]),)
            edit = here.edit_property(key, f"now required{suffix}", "required", needed)
            yield evolve(edit, name=new_name)
        elif key in was and new_name not in now:
            optional = ((here.at("required"), [name for name in was if name != key]),)
            edit = here.edit_property(key, f"no longer required{suffix}", "optional", optional)
            yield evolve(edit, name=new_name)


def _rename(here: _Node, old: JsonObject, key: str, new_name: str) -> Edit:
    """Return the change of the name alone: the property stays required or optional."""
    assignments = (
        (here.at("properties", key), _REMOVED),
        (here.at("properties", new_name), members(old["properties"])[key]),
        (here.at("required"), [new_name if name == key else name for name in _required(old)]),
    )
    edit = here.edit_property(key, f"looks renamed to {new_name}", "renamed", assignments)
    return evolve(edit, new_name=new_name)


def _branch_edits(union: str, old: JsonObject, new: JsonObject, here: _Node) -> Iterator[Edit]:
    """Yield the changes of a union, its branches paired by rules or by component."""
    before, after = ([members(one) for one in entries(s.get(union))] for s in (old, new))
    pairs = _pair_branches(before, after)
    keywords = frozenset({union})
    for index, branch in enumerate(before):
        label = "" if union == "allOf" else f"<{branch.get(OWNER) or index + 1}>"
        if index in pairs:
            inner = branch, after[pairs[index]]
            path = (*here.at(union), index)
            yield from find_edits(*inner, path, f"{here.place}{label}", here.owner)
        else:
            rest = [one for number, one in enumerate(before) if number != index] or _REMOVED
            what = f"{union}: no longer {_describe(branch)}"
            edit = here.edit(what, keywords, ((here.at(union), rest),))
            yield evolve(edit, narrows_type=True)
    for index, branch in enumerate(after):
        if index not in pairs.values():
            what = f"{union}: now also {_describe(branch)}"
            yield here.edit(what, keywords, ((here.at(union), [*before, branch]),))


def _pair_branches(before: list[JsonObject], after: list[JsonObject]) -> dict[int, int]:
    pairs: dict[int, int] = {}
    for is_same in (have_same_rules, _have_same_component):
        for index, branch in enumerate(before):
            free = [n for n in range(len(after)) if n not in pairs.values()]
            match = next((n for n in free if is_same(branch, after[n])), None)
            if index not in pairs and match is not None:
                pairs[index] = match
    left = [n for n in range(len(before)) if n not in pairs]
    right = [n for n in range(len(after)) if n not in pairs.values()]
    if len(left) == len(right) == 1:
        pairs[left[0]] = right[0]
    return pairs


def _have_same_component(one: JsonObject, other: JsonObject) -> bool:
    return OWNER in one and one.get(OWNER) == other.get(OWNER)


def _part_kinds(schema: JsonObject) -> tuple[bool, ...]:
    """Return which kinds of parts a schema has; the parts of different kinds are not compared."""
    return (*(union in schema for union in UNIONS), schema.get("type") == "array")


def _required(schema: JsonObject) -> list[str]:
    return [str(name) for name in entries(schema.get("required"))]


def _describe(schema: JsonObject) -> str:
    if OWNER in schema:
        return str(schema[OWNER])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(_describe(members(one)) for one in entries(schema[union]))
    if "allOf" in schema:
        return _describe(members(entries(schema["allOf"])[0]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " or ".join(map(str, kind))
    return str(kind) if kind else "any value"
