"""Applies OpenAPI Overlay 1.1.0 documents, more strictly than the specification.

The specification lets an action that matches nothing succeed. Here it is an error, so that a fix
which no longer fits its page stops the build. So is an alternative that matches nothing: each
operand of `||` in a filter, and each selector of a list such as `['a', 'b']`, must select a node.
So is an update over a schema rule that the page has come to state differently.
Every action must also have a reason (`description`) and evidence (`x-evidence`).
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import jsonpath_rfc9535 as jsonpath
from attrs import frozen
from jsonpath_rfc9535.filter_expressions import FilterExpression, LogicalExpression
from jsonpath_rfc9535.segments import JSONPathRecursiveDescentSegment
from jsonpath_rfc9535.selectors import FilterSelector

from contract_tools._common import portable_yaml
from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import (
    Json,
    JsonObject,
    as_object,
    as_text,
    at_path,
    canonical,
    describe,
    pointer,
    remove_at,
    set_at,
    shorten,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonpath_rfc9535 import JSONPathQuery
    from jsonpath_rfc9535.filter_expressions import Expression
    from jsonpath_rfc9535.selectors import JSONPathSelector

    from contract_tools._common.json_values import Path
    from contract_tools._common.workspace import Workspace

VERSION = "1.1.0"
MODIFIERS = ("update", "remove", "copy")
# Schema keywords that restrict a value, and have no members of which both could be kept.
RULES = frozenset(
    {"type", "enum", "const", "format", "pattern", "minimum", "maximum", "exclusiveMinimum"}
    | {"exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems"}
    | {"uniqueItems", "minProperties", "maxProperties"}
)
KNOWN_FIELDS = frozenset({"target", "description", *MODIFIERS})


@frozen
class Action:
    """One change.

    Attributes:
        place: file and position, for messages.
        target: the compiled JSONPath of the nodes to change.
        modifier: `update`, `remove` or `copy`.
        value: the argument of the modifier.
    """

    place: str
    target: JSONPathQuery
    modifier: str
    value: Json


@frozen
class _Node:
    location: Path
    value: Json


@frozen
class Overlay:
    """One overlay file."""

    name: str
    actions: tuple[Action, ...]


def load_overlays(workspace: Workspace) -> list[Overlay]:
    """Read the overlays of a workspace in the order of their names."""
    files = sorted(workspace.overlays.glob("*.yaml"))
    named = [(file, workspace.name(file)) for file in files]
    return [parse_overlay(portable_yaml.read_text(file, name), name) for file, name in named]


def parse_overlay(text: str, name: str) -> Overlay:
    """Read one overlay document.

    Raises:
        ContractError: it is not Overlay 1.1.0, or an action lacks its reason or evidence.
    """
    document = as_object(portable_yaml.load_unambiguous(text, name), name)
    if document.get("overlay") != VERSION:
        raise ContractError(
            f"{name}: overlay must be '{VERSION}', found {describe(document.get('overlay'))}"
        )
    info = as_object(document.get("info"), f"{name}: info")
    as_text(info.get("title"), f"{name}: info.title")
    as_text(info.get("version"), f"{name}: info.version")
    rows = document.get("actions")
    if not isinstance(rows, list) or not rows:
        raise ContractError(f"{name}: actions must be a non-empty array, found {describe(rows)}")
    return Overlay(
        name, tuple(_action(row, f"{name}: action {i}") for i, row in enumerate(rows, 1))
    )


def apply_overlay(overlay: Overlay, document: JsonObject) -> None:
    """Apply an overlay's actions, in order, to a document in place.

    Raises:
        ContractError: an action, or one alternative of its target, matches nothing; or its value
            does not fit its target.
    """
    for action in overlay.actions:
        nodes = _find(action.target, document)
        if not nodes:
            raise ContractError(
                f"{action.place}: the target matches nothing; has the page changed? "
                "Amend the action, or delete it if the page no longer needs it"
            )
        _check_alternatives(action, document)
        if action.modifier == "remove":
            _remove(document, nodes, action)
        else:
            _merge_into(document, nodes, _new_value(document, action), action)


def _action(row: Json, place: str) -> Action:
    fields = as_object(row, place)
    target = as_text(fields.get("target"), f"{place}: target")
    place = f"{place} ({target})"
    as_text(fields.get("description"), f"{place}: description, the reason for the change,")
    _check_evidence(fields.get("x-evidence"), place)
    unknown = [key for key in fields if key not in KNOWN_FIELDS and not key.startswith("x-")]
    if unknown:
        raise ContractError(f"{place}: unknown field {unknown[0]!r}")
    modifier = _modifier(fields, place)
    return Action(place, _compile(target, place), modifier, fields[modifier])


def _modifier(fields: JsonObject, place: str) -> str:
    found = [name for name in MODIFIERS if name in fields]
    if len(found) != 1:
        listed = " and ".join(found) or "none"
        raise ContractError(f"{place}: exactly one of update, remove, copy; found {listed}")
    value = fields[found[0]]
    if found == ["remove"] and value is not True:
        raise ContractError(f"{place}: remove must be true, found {describe(value)}")
    if found == ["copy"]:
        as_text(value, f"{place}: copy")
    return found[0]


def _check_evidence(evidence: Json, place: str) -> None:
    rows = evidence if isinstance(evidence, list) and evidence else [evidence]
    for row in rows:
        as_text(row, f"{place}: x-evidence")


def _compile(expression: str, place: str) -> JSONPathQuery:
    try:
        query = jsonpath.compile(expression)
    except jsonpath.JSONPathError as error:
        raise ContractError(f"{place}: {expression!r} is not RFC 9535 JSONPath: {error}") from error
    if query.segments and isinstance(query.segments[0], JSONPathRecursiveDescentSegment):
        raise ContractError(
            f"{place}: '$..' searches the whole document, where it finds unrelated nodes too "
            "(`$..default` is also `responses.default`); start from a path"
        )
    return query


def _find(query: JSONPathQuery, document: JsonObject) -> list[_Node]:
    return [_Node(node.location, at_path(document, node.location)) for node in query.find(document)]


def _check_alternatives(action: Action, document: JsonObject) -> None:
    """Check that each alternative of a target selects a node.

    Otherwise a field that the page renamed would lose its fix, while the fields listed with it
    keep theirs and hide that.
    """
    missing = [name for name, query in _alternatives(action.target) if not query.find(document)]
    if missing:
        match = "matches" if len(missing) == 1 else "match"
        raise ContractError(
            f"{action.place}: {' and '.join(missing)} {match} nothing, other parts of the target "
            "do; has the page changed? Amend what matches nothing, or delete it from the target "
            "if the page no longer needs it"
        )


def _alternatives(query: JSONPathQuery) -> Iterator[tuple[str, JSONPathQuery]]:
    """Yield the query once for each alternative in it, restricted to that one, with its name."""
    for index, segment in enumerate(query.segments):
        found = [one for selector in segment.selectors for one in _split_selector(selector)]
        if len(found) > 1:
            for name, selector in found:
                only = type(segment)(env=query.env, token=segment.token, selectors=(selector,))
                segments = (*query.segments[:index], only, *query.segments[index + 1 :])
                yield name, type(query)(env=query.env, segments=segments)


def _split_selector(selector: JSONPathSelector) -> list[tuple[str, JSONPathSelector]]:
    if not isinstance(selector, FilterSelector):
        return [(str(selector), selector)]
    token, whole = selector.token, selector.expression
    return [
        (
            str(name),
            FilterSelector(
                env=selector.env, token=token, expression=FilterExpression(whole.token, part)
            ),
        )
        for name, part in _split_filter(whole.expression)
    ]


def _split_filter(part: Expression) -> list[tuple[Expression, Expression]]:
    """Return each operand of `||` in a filter, and the filter with that operand alone.

    A negated `||` is not split: it is a conjunction.
    """
    if not isinstance(part, LogicalExpression):
        return [(part, part)]
    left, right = _split_filter(part.left), _split_filter(part.right)
    if part.operator == "||":
        return left + right

    def both(one: Expression, other: Expression) -> Expression:
        return LogicalExpression(part.token, one, part.operator, other)

    split = [(name, both(one, part.right)) for name, one in left if len(left) > 1]
    split += [(name, both(part.left, one)) for name, one in right if len(right) > 1]
    return split or [(part, part)]


def _new_value(document: JsonObject, action: Action) -> Json:
    if action.modifier == "update":
        return action.value
    sources = _find(_compile(as_text(action.value, action.place), action.place), document)
    if len(sources) != 1:
        raise ContractError(
            f"{action.place}: copy must select one node, {action.value!r} selects {len(sources)}"
        )
    return sources[0].value


def _remove(document: JsonObject, nodes: list[_Node], action: Action) -> None:
    # From the back: removing an entry shifts the indexes of the later ones.
    for path in sorted((node.location for node in nodes), key=_position, reverse=True):
        if not path:
            raise ContractError(f"{action.place}: the document itself cannot be removed")
        remove_at(document, path)


def _position(path: Path) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (-1, step) for step in path]


def _merge_into(document: JsonObject, nodes: list[_Node], value: Json, action: Action) -> None:
    kinds = {_kind(node.value) for node in nodes}
    if len(kinds) > 1:
        raise ContractError(f"{action.place}: selects {' and '.join(sorted(kinds))} nodes at once")
    for node in nodes:
        merged = _merged(node.value, value, action, node.location, top=True)
        if node.location:  # the root object was merged in place
            set_at(document, node.location, merged)


def _merged(old: Json, new: Json, action: Action, path: Path, *, top: bool = False) -> Json:
    if isinstance(old, dict) and isinstance(new, dict):
        for key, value in new.items():
            if key not in old:
                old[key] = deepcopy(value)
            elif key in RULES and not isinstance(value, dict):
                _check_same_rule(old[key], value, action, (*path, key))
            else:
                old[key] = _merged(old[key], value, action, (*path, key))
        return old
    if isinstance(old, list) and (top or isinstance(new, list)):
        old.extend(deepcopy(new) if isinstance(new, list) else [deepcopy(new)])
        return old
    if _kind(old) == _kind(new) == "primitive":
        return new
    raise ContractError(
        f"{action.place}: {action.modifier} cannot put {describe(new)} "
        f"over {describe(old)} at {pointer(path) or '/'}"
    )


def _check_same_rule(old: Json, new: Json, action: Action, path: Path) -> None:
    """Check that a rule which the page states itself is not replaced by an older fix.

    To replace one on purpose, an action targets the rule itself.
    """
    if canonical(old) != canonical(new):
        raise ContractError(
            f"{action.place}: {pointer(path)} is {shorten(old)} already, and {action.modifier} "
            f"has {shorten(new)}; has the page changed? Amend the action, or remove "
            f"{path[-1]} from it if the page is right"
        )


def _kind(value: Json) -> str:
    if isinstance(value, dict):
        return "object"
    return "array" if isinstance(value, list) else "primitive"
