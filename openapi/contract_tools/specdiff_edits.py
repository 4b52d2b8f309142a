"""The difference of two schemas as single edits, each of which can be judged alone.

Schemas come inlined, with the component that each object is in `x-component`. An edit says what
changed, where in an instance that is, and how to make the old schema into one that has this one
change and no other; so the verdict on a field is not blurred by what happened to its neighbours.
"""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, TypeAlias, cast

from attrs import field, frozen

from contract_tools.values import Json, JsonObject, Path, entries, members

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER = "x-component"
WORDING = frozenset(
    {"description", "title", "example", "examples", "externalDocs", "default", "deprecated", OWNER}
)
UNIONS = ("anyOf", "oneOf", "allOf")
_SHOWN = 60
_GONE = object()

Assignments: TypeAlias = "tuple[tuple[Path, object], ...]"


@frozen
class Edit:
    """One change of a schema.

    Attributes:
        place: where in an instance: a JSON pointer, `*` for any item, `<Name>` for a branch.
        what: the change in words.
        owner: the component that holds it, empty for an inline schema.
        name: the property concerned, empty where the change is about the whole.
        kind: added, removed, renamed, required, optional or changed.
        after: the property's new name where it was renamed.
        assignments: paths in the old schema, and what is there after this change alone.
    """

    place: str
    what: str
    owner: str
    name: str
    kind: str
    assignments: Assignments = field(repr=False)
    after: str = ""

    def apply(self, schema: JsonObject) -> JsonObject:
        """Return the old schema with this one change."""
        changed: Json = copy.deepcopy(schema)
        for path, value in self.assignments:
            changed = _assigned(changed, path, value)
        return members(changed)


def edits(
    old: JsonObject, new: JsonObject, at: Path = (), place: str = "", owner: str = ""
) -> Iterator[Edit]:
    """List the changes from one inlined schema to another, outermost first."""
    if alike(old, new):
        return
    owner = str(new.get(OWNER) or old.get(OWNER) or owner)
    here = _Node(at, place, owner)
    if _shape(old) != _shape(new):
        words = f"changed from {_describe(old)} to {_describe(new)}"
        yield here.edit(words, "changed", ((at, new),))
        return
    yield from _keywords(old, new, here)
    yield from _properties(old, new, here)
    if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
        inner = members(old["items"]), members(new["items"])
        yield from edits(*inner, (*at, "items"), f"{place}/*", owner)
    for union in UNIONS:
        yield from _branches(union, old, new, here)


def alike(old: Json, new: Json) -> bool:
    """Whether two schemas say the same, wording aside."""
    return _canonical(old) == _canonical(new)


@frozen
class _Node:
    """Where two schemas are being compared."""

    at: Path
    place: str
    owner: str

    def edit(self, what: str, kind: str, assignments: Assignments) -> Edit:
        name = self.place.rpartition("/")[2].partition("<")[0] if "/" in self.place else ""
        return Edit(self.place, what, self.owner, name.replace("*", ""), kind, assignments)

    def about(
        self, key: str, what: str, kind: str, assignments: Assignments, after: str = ""
    ) -> Edit:
        place = f"{self.place}/{key.replace('~', '~0').replace('/', '~1')}"
        return Edit(place, what, self.owner, key, kind, assignments, after)


def _keywords(old: JsonObject, new: JsonObject, here: _Node) -> Iterator[Edit]:
    """The changes of a node itself, as one edit: they are one rule."""
    handled = WORDING | {"properties", "required", *UNIONS}
    if isinstance(old.get("items"), dict) and isinstance(new.get("items"), dict):
        handled |= {"items"}
    keys = [key for key in {**old, **new} if key not in handled and old.get(key) != new.get(key)]
    if keys:
        words = "; ".join(w for key in keys for w in _keyword_words(key, old, new))
        changes = tuple(((*here.at, key), new.get(key, _GONE)) for key in keys)
        yield here.edit(words, "changed", changes)


def _keyword_words(key: str, old: JsonObject, new: JsonObject) -> Iterator[str]:
    if key == "enum" and key in old and key in new:
        added = [v for v in entries(new[key]) if v not in entries(old[key])]
        removed = [v for v in entries(old[key]) if v not in entries(new[key])]
        if added:
            yield f"allowed values added: {', '.join(map(show, added))}"
        if removed:
            yield f"allowed values removed: {', '.join(map(show, removed))}"
        if not added and not removed:
            yield "allowed values reordered"
    elif key not in old:
        yield f"{key} added: {show(new[key])}"
    elif key not in new:
        yield f"{key} removed (was {show(old[key])})"
    else:
        yield f"{key} changed from {show(old[key])} to {show(new[key])}"


def _properties(old: JsonObject, new: JsonObject, here: _Node) -> Iterator[Edit]:
    before, after = members(old.get("properties")), members(new.get("properties"))
    needed, needs = _required(old), _required(new)
    renamed = _renames(before, after)
    for key, schema in before.items():
        path = (*here.at, "properties", key)
        if key in renamed:
            yield _rename(here, old, key, renamed[key], after[renamed[key]], needs)
        elif key not in after:
            fewer: Json = [name for name in needed if name != key]
            gone: Assignments = ((path, _GONE), ((*here.at, "required"), fewer))
            yield here.about(key, "removed", "removed", gone)
        else:
            inner = members(schema), members(after[key])
            place = f"{here.place}/{key.replace('~', '~0').replace('/', '~1')}"
            for one in edits(*inner, path, place, here.owner):
                # The component that holds the field, not that of the field's own type.
                yield (
                    one
                    if one.place != place
                    else here.about(key, one.what, one.kind, one.assignments)
                )
    for key, schema in after.items():
        if key not in before and key not in renamed.values():
            more: Json = [*needed, *([key] if key in needs else [])]
            words = f"added ({_describe(members(schema))}{', required' if key in needs else ''})"
            come: Assignments = (
                ((*here.at, "properties", key), schema),
                ((*here.at, "required"), more),
            )
            yield here.about(key, words, "added", come)
    yield from _requirements(before, after, needed, needs, here)


def _requirements(
    before: JsonObject, after: JsonObject, needed: list[str], needs: list[str], here: _Node
) -> Iterator[Edit]:
    """Fields that stayed, and whether they must be there; those that are only named, too."""
    kept = (before.keys() & after.keys()) | ({*needed, *needs} - before.keys() - after.keys())
    for key in sorted(kept):
        if (key in needed) == (key in needs):
            continue
        names: Json = [*needed, key] if key in needs else [n for n in needed if n != key]
        words = "now required" if key in needs else "no longer required"
        kind = "required" if key in needs else "optional"
        yield here.about(key, words, kind, (((*here.at, "required"), names),))


def _rename(
    here: _Node, old: JsonObject, key: str, other: str, schema: Json, needs: list[str]
) -> Edit:
    names: Json = [name for name in _required(old) if name != key]
    if other in needs:
        names = [*entries(names), other]
    changes: Assignments = (
        ((*here.at, "properties", key), _GONE),
        ((*here.at, "properties", other), schema),
        ((*here.at, "required"), names),
    )
    return here.about(key, f"looks renamed to {other}", "renamed", changes, other)


def _renames(before: JsonObject, after: JsonObject) -> dict[str, str]:
    """Pair a property that went with the only one that came and says the same."""
    gone = {key: _canonical(before[key]) for key in before if key not in after}
    come = {key: _canonical(after[key]) for key in after if key not in before}
    pairs = {}
    for key, said in gone.items():
        alike_ones = [other for other, says in come.items() if says == said]
        rivals = [other for other, says in gone.items() if says == said]
        if len(alike_ones) == 1 and len(rivals) == 1:
            pairs[key] = alike_ones[0]
    return pairs


def _branches(union: str, old: JsonObject, new: JsonObject, here: _Node) -> Iterator[Edit]:
    """The branches of a union: paired by component or by what they say, else come or gone."""
    before, after = ([members(one) for one in entries(s.get(union))] for s in (old, new))
    pairs = _pairs(before, after)
    for index, branch in enumerate(before):
        path = (*here.at, union, index)
        label = f"{here.place}<{branch.get(OWNER) or index + 1}>"
        if index in pairs:
            inner = branch, after[pairs[index]]
            yield from edits(*inner, path, label if union != "allOf" else here.place, here.owner)
        else:
            rest: Json = [one for n, one in enumerate(before) if n != index]
            words = f"{union}: no longer {_describe(branch)}"
            yield here.edit(words, "changed", (((*here.at, union), rest or _GONE),))
    for index, branch in enumerate(after):
        if index not in pairs.values():
            added: Json = [*before, branch]
            words = f"{union}: now also {_describe(branch)}"
            yield here.edit(words, "changed", (((*here.at, union), added),))


def _pairs(before: list[JsonObject], after: list[JsonObject]) -> dict[int, int]:
    pairs: dict[int, int] = {}
    for same in (alike, _same_component):
        for index, branch in enumerate(before):
            free = [n for n in range(len(after)) if n not in pairs.values()]
            match = next((n for n in free if same(branch, after[n])), None)
            if index not in pairs and match is not None:
                pairs[index] = match
    left = [n for n in range(len(before)) if n not in pairs]
    right = [n for n in range(len(after)) if n not in pairs.values()]
    if len(left) == len(right) == 1:
        pairs[left[0]] = right[0]
    return pairs


def _same_component(one: JsonObject, other: JsonObject) -> bool:
    return OWNER in one and one.get(OWNER) == other.get(OWNER)


def _shape(schema: JsonObject) -> tuple[bool, ...]:
    """What kinds of parts a schema has; where these differ, there is nothing to go into."""
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


def show(value: Json) -> str:
    """A JSON value in a sentence, cut short."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _canonical(value: Json) -> str:
    return json.dumps(_bare(value), sort_keys=True)


def _bare(value: Json) -> Json:
    """A schema without its wording; a property may be called like a keyword."""
    if isinstance(value, list):
        return [_bare(one) for one in value]
    if not isinstance(value, dict):
        return value
    bare: JsonObject = {}
    for key, child in value.items():
        if key == "properties":
            bare[key] = {name: _bare(one) for name, one in members(child).items()}
        elif key == "required":
            bare[key] = cast("Json", sorted(map(str, entries(child))))
        elif key in {"enum", "const"}:
            bare[key] = child
        elif key not in WORDING:
            bare[key] = _bare(child)
    return bare


def _assigned(schema: Json, path: Path, value: object) -> Json:
    """A schema with one place changed; the schema is a copy and may be written into."""
    if not path:
        return cast("Json", value)
    holder: Json = schema
    for step in path[:-1]:
        holder = holder[step] if isinstance(holder, list) else _grown(holder, str(step))  # type: ignore[index] # a list's steps are numbers
    last = path[-1]
    if isinstance(holder, list) and isinstance(last, int):
        holder[last] = cast("Json", value)
    elif isinstance(holder, dict):
        holder.pop(str(last), None)
        if value is not _GONE:
            holder[str(last)] = cast("Json", value)
    return schema


def _grown(holder: Json, step: str) -> Json:
    return members(holder).setdefault(step, {})
