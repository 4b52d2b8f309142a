"""What changed between two versions of a page, in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from contract_tools import facts
from contract_tools.values import entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract_tools.facts import Facts, Subjects
    from contract_tools.values import Json, JsonObject

WORDING = frozenset({"description", "summary", "title", "info", "externalDocs"})
SAMPLES = frozenset({"example", "examples", "x-codeSamples"})
SHOWN = 60


def describe(old: JsonObject, new: JsonObject) -> list[str]:
    """Tell the change from one document to another, a line for each subject and fact.

    Returns:
        No lines if the two say the same, whatever their layout.
    """
    before, after = facts.subjects(old), facts.subjects(new)
    gone = [name for name in before if name not in after]
    come = [name for name in after if name not in before]
    renamed = _renames(before, after, gone, come)
    lines = [f"{a}: looks renamed to {_short(b)}" for a, b in renamed.items()]
    lines += [f"{name}: removed" for name in _topmost(gone) if not _is_moved(name, renamed)]
    moved_to = dict(zip(renamed.values(), renamed, strict=True))
    for name in _topmost(come):
        if not _is_moved(name, moved_to):
            lines.append(f"{name}: added{_introduction(after[name])}")
    for name, said in before.items():
        other = _new_name(name, renamed)
        if other in after:
            lines += [f"{other}: {words}" for words in _fact_changes(said, after[other])]
    return lines


def _renames(before: Subjects, after: Subjects, gone: list[str], come: list[str]) -> dict[str, str]:
    """Pair a field that went with the one field that came in its place and looks the same."""
    pairs: dict[str, str] = {}
    for name in gone:
        alike = [other for other in come if _looks_like(name, before[name], other, after[other])]
        rivals = [other for other in gone if _looks_like(name, before[name], other, before[other])]
        if len(alike) == 1 and len(rivals) == 1:
            pairs[name] = alike[0]
    return pairs


def _new_name(name: str, renamed: dict[str, str]) -> str:
    """Return what a subject is called after the renames, of itself or of what it lies in."""
    outer = next((old for old in renamed if name == old or _is_inside(name, old)), None)
    return renamed[outer] + name[len(outer) :] if outer else name


def _looks_like(name: str, said: Facts, other: str, says: Facts) -> bool:
    same_place = _place(name) == _place(other) and " field " in name
    return same_place and _shape(said) == _shape(says)


def _place(name: str) -> str:
    """Everything of a field's name but its last part."""
    head, _, field = name.rpartition(" field ")
    return f"{head} field {field.rpartition('.')[0]}"


def _shape(said: Facts) -> Facts:
    return {k: v for k, v in said.items() if k not in WORDING | SAMPLES}


def _short(name: str) -> str:
    return name.rpartition(" field ")[2]


def _topmost(names: list[str]) -> list[str]:
    """Leave out what lies inside another of the names: a field's own fields, an operation's."""
    return [n for n in names if not any(n != m and _is_inside(n, m) for m in names)]


def _is_inside(name: str, outer: str) -> bool:
    return any(name.startswith(f"{outer}{mark}") for mark in (": ", " field ", ".", "[]", "<", "{"))


def _is_moved(name: str, renamed: dict[str, str]) -> bool:
    return any(name == old or _is_inside(name, old) for old in renamed)


def _introduction(said: Facts) -> str:
    parts = [str(said["type"])] if "type" in said else []
    if said.get("required") is True:
        parts.append("required")
    return f" ({', '.join(parts)})" if parts else ""


def _fact_changes(said: Facts, says: Facts) -> Iterator[str]:
    for key in [*said, *(key for key in says if key not in said)]:
        old, new = said.get(key), says.get(key)
        if (key in said) == (key in says) and _canonical(old) == _canonical(new):
            continue
        if key == "required":
            yield "now required" if new is True else "no longer required"
        elif key == "enum" and key in said and key in says:
            yield from _enum_changes(entries(old), entries(new))
        elif key in WORDING:
            yield f"{key} reworded" if key in said and key in says else _came_or_went(key, said)
        elif key in SAMPLES:
            yield f"{key} changed" if key in said and key in says else _came_or_went(key, said)
        elif key not in said:
            yield f"{key} added: {_show(new)}"
        elif key not in says:
            yield f"{key} removed (was {_show(old)})"
        else:
            yield f"{key} changed from {_show(old)} to {_show(new)}"


def _came_or_went(key: str, said: Facts) -> str:
    return f"{key} removed" if key in said else f"{key} added"


def _enum_changes(old: list[Json], new: list[Json]) -> Iterator[str]:
    added = [_show(value) for value in new if value not in old]
    removed = [_show(value) for value in old if value not in new]
    if added:
        yield f"allowed values added: {', '.join(added)}"
    if removed:
        yield f"allowed values removed: {', '.join(removed)}"
    if not added and not removed:
        yield "allowed values reordered"


def _canonical(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def _show(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
