"""What changed between two versions of a page, in words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from contract_tools import facts
from contract_tools.differences import canonical, differences
from contract_tools.values import entries, pointer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract_tools.differences import Difference
    from contract_tools.facts import Facts, Subjects
    from contract_tools.values import Json, JsonObject

WORDING = frozenset({"description", "summary", "title", "info", "externalDocs"})
SAMPLES = frozenset({"example", "examples", "x-codeSamples"})
SHOWN = 60


def describe(old: JsonObject, new: JsonObject) -> list[str]:
    """Tell the change from one document to another, a line for each subject and fact.

    Whatever no rule has words for is told by its JSON pointer.

    Returns:
        No lines if, and only if, the two are the same data, whatever their layout.
    """
    lines, found = _told(old, new), list(differences(old, new))
    # Alone, because a change that a rule tells would hide another that none does.
    untold = [one for one in found if not _told(old, one.alone(old))] if lines else found
    return lines + [_placed(one) for one in untold]


def _told(old: JsonObject, new: JsonObject) -> list[str]:
    """What the rules see of a change."""
    before, after = facts.subjects(old), facts.subjects(new)
    renamed = _renames(before, after)
    moved = {_new_name(name, renamed): said for name, said in before.items()}
    gone = _topmost([name for name in moved if name not in after])
    come = _topmost([name for name in after if name not in moved])
    lines = [f"{name}: looks renamed to {_short(other)}" for name, other in renamed.items()]
    lines += [f"{name}: removed" for name in gone]
    lines += [f"{name}: added{_introduction(after[name])}" for name in come]
    for name in (name for name in moved if name in after):
        lines += [f"{name}: {words}" for words in _fact_changes(moved[name], after[name])]
    return lines


def _renames(before: Subjects, after: Subjects) -> dict[str, str]:
    """Pair a field that went with the one field that came in its place and looks the same."""
    gone = [name for name in before if name not in after]
    come = [name for name in after if name not in before]
    pairs: dict[str, str] = {}
    for name in gone:
        alike = [other for other in come if _looks_like(name, before[name], other, after[other])]
        rivals = [other for other in gone if _looks_like(name, before[name], other, before[other])]
        if len(alike) == 1 and len(rivals) == 1:
            pairs[name] = alike[0]
    return {name: pairs[name] for name in _topmost(list(pairs))}


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
    return {k: v for k, v in said.items() if k not in WORDING | SAMPLES | {"required"}}


def _short(name: str) -> str:
    return name.rpartition(" field ")[2]


def _topmost(names: list[str]) -> list[str]:
    """Leave out what lies inside another of the names: a field's own fields, an operation's."""
    return [n for n in names if not any(n != m and _is_inside(n, m) for m in names)]


def _is_inside(name: str, outer: str) -> bool:
    return any(
        name.startswith(f"{outer}{mark}") for mark in (": ", " field ", " (", ".", "[]", "<", "{")
    )


def _introduction(said: Facts) -> str:
    parts = [str(said["type"])] if "type" in said else []
    if said.get("required") is True:
        parts.append("required")
    return f" ({', '.join(parts)})" if parts else ""


def _fact_changes(said: Facts, says: Facts) -> Iterator[str]:
    for key in [*said, *(key for key in says if key not in said)]:
        if key == "required":
            if said.get(key) != says.get(key):
                yield "now required" if says.get(key) else "no longer required"
        elif key not in said:
            yield f"{key} added" + ("" if key in WORDING | SAMPLES else f": {_show(says[key])}")
        elif key not in says:
            was = "" if key in WORDING | SAMPLES else f" (was {_show(said[key])})"
            yield f"{key} removed{was}"
        elif canonical(said[key]) != canonical(says[key]):
            yield from _changed(key, said[key], says[key])


def _changed(key: str, old: Json, new: Json) -> Iterator[str]:
    if key == "enum":
        yield from _enum_changes(entries(old), entries(new))
    elif key in WORDING:
        yield f"{key} reworded"
    elif key in SAMPLES:
        yield f"{key} changed"
    elif (
        isinstance(old, dict) and isinstance(new, dict) and _show(old)[-1] == _show(new)[-1] == "…"
    ):
        # Two long objects cut short may look the same; their members do not.
        inner = [k for k in {**old, **new} if canonical(old.get(k)) != canonical(new.get(k))]
        yield f"{key} changed in {', '.join(inner)}"
    else:
        yield f"{key} changed from {_show(old)} to {_show(new)}"


def _enum_changes(old: list[Json], new: list[Json]) -> Iterator[str]:
    added = [_show(value) for value in new if value not in old]
    removed = [_show(value) for value in old if value not in new]
    if added:
        yield f"allowed values added: {', '.join(added)}"
    if removed:
        yield f"allowed values removed: {', '.join(removed)}"
    if not added and not removed:
        yield "allowed values reordered"


def _placed(one: Difference) -> str:
    where = f"at {pointer(one.path)}"
    match one.kind:
        case "added":
            return f"{where}: added: {_show(one.after)}"
        case "removed":
            return f"{where}: removed (was {_show(one.before)})"
        case "reordered":
            return f"{where}: the same entries in another order"
        case _:
            was, now = _show(one.before), _show(one.after)
            # Two long values cut short may look the same.
            return f"{where}: changed" + (f" from {was} to {now}" if was != now else "")


def _show(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
