"""When two schemas have the same rules, and which property was renamed."""

from __future__ import annotations

from typing import cast

from contract_tools._common.json_values import Json, JsonObject, canonical, entries, members, walk

# An inlined schema names here the component that it was.
OWNER = "x-component"
UNIONS = ("anyOf", "oneOf", "allOf")
# Keywords that describe a value without restricting it.
WORDING = frozenset(
    {"description", "title", "example", "examples", "externalDocs", "default", "deprecated", OWNER}
)
_NESTED = frozenset({"properties", "required", "items", "additionalProperties", *UNIONS})


def have_same_rules(old: Json, new: Json) -> bool:
    """Whether two schemas allow the same by the same keywords, whatever their descriptions."""
    return _all_rules(old) == _all_rules(new)


def find_renames(before: JsonObject, after: JsonObject) -> dict[str, str]:
    """Pair each removed property with the one added property that has the same rules.

    Properties with equal rules are paired first; then objects and arrays that differ only in what
    is nested in them and have a nested field in common.

    Args:
        before: the old properties by name.
        after: the new ones.

    Returns:
        The new name of each renamed property. Where several could be meant, none is paired.
    """
    pairs: dict[str, str] = {}
    for rules in (_all_rules, _own_rules):
        removed = {k: rules(before[k]) for k in before if k not in after and k not in pairs}
        added = {k: rules(after[k]) for k in after if k not in {*before, *pairs.values()}}
        for key, found in removed.items():
            rivals = [name for name, other in removed.items() if other == found]
            alike = [name for name, other in added.items() if other == found]
            if len(rivals) == len(alike) == 1 and (
                rules is _all_rules or _field_names(before[key]) & _field_names(after[alike[0]])
            ):
                pairs[key] = alike[0]
    return pairs


def _all_rules(schema: Json) -> str:
    return canonical(_without_wording(schema))


def _own_rules(schema: Json) -> str:
    rules = members(_without_wording(schema))
    return canonical({key: value for key, value in rules.items() if key not in _NESTED})


def _field_names(schema: Json) -> set[str]:
    return {
        name
        for path, node in walk(schema)
        if path[-1:] == ("properties",)
        for name in members(node)
    }


def _without_wording(value: Json) -> Json:
    if isinstance(value, list):
        return [_without_wording(one) for one in value]
    if not isinstance(value, dict):
        return value
    rules: JsonObject = {}
    for key, child in value.items():
        if key == "properties":
            # A property may have the name of a keyword.
            rules[key] = {name: _without_wording(one) for name, one in members(child).items()}
        elif key == "required":
            rules[key] = cast("Json", sorted(map(str, entries(child))))
        elif key in {"enum", "const"}:
            rules[key] = child
        elif key not in WORDING:
            rules[key] = _without_wording(child)
    return rules
