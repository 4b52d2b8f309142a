"""Checks JSON values against JSON schemas and turns failures into issues.

The schema engine reports a failed union as one "anyOf" at its root. A user who mistyped one field
of one branch needs that field. So the most likely branch is chosen, and its failures are reported
instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from attrs import evolve, frozen

from cometapi_runway.errors import Issue
from cometapi_runway.validation._json_types import is_list, is_object
from cometapi_runway.validation._messages import (
    describe_value,
    shorten,
    write_message,
    write_pattern_message,
)
from cometapi_runway.validation._references import make_pointer

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError, Validator

    from cometapi_runway._core.json_values import JSON, Object


_UNIONS = ("anyOf", "oneOf")
_UNEXPECTED = ("additionalProperties", "unevaluatedProperties")

_Path: TypeAlias = tuple[str | int, ...]
PlaceNamer: TypeAlias = Callable[[str], str]
"""Names a place in a message, given its JSON pointer."""
PatternMeanings: TypeAlias = Mapping[str, str]
"""Regular expression to its description in the contract."""
_NO_MEANINGS: Final[PatternMeanings] = {}


@frozen
class Failure:
    """One failed keyword.

    Attributes:
        path: Keys and indexes that lead to the value.
        rule: The keyword.
        limit: The keyword's value in the schema.
        value: The value that failed.
        reason: The end of the message, where the rule's standard wording does not apply.
    """

    path: _Path
    rule: str
    limit: object
    value: object
    reason: str = ""


def compile_schema(document: Object, schema: Object) -> Validator:
    """Build the validator of a schema whose references point into a document."""
    # The import takes tens of milliseconds; defer it until something is checked.
    import jsonschema_rs  # noqa: PLC0415

    components = {"components": document.get("components", {})}
    return jsonschema_rs.Draft202012Validator({**schema, **components}, validate_formats=True)


def check_value(
    validator: Validator,
    value: object,
    name_place: PlaceNamer,
    meanings: PatternMeanings = _NO_MEANINGS,
) -> tuple[Issue, ...]:
    """Return one issue for each rule that a value breaks.

    Args:
        validator: From `compile_schema`.
        value: The JSON value.
        name_place: Names each place in the messages.
        meanings: Descriptions to show in place of patterns.
    """
    # Most values are valid, and this is much faster than iterating over errors.
    if validator.is_valid(value):
        return ()
    failures = (found for error in validator.iter_errors(value) for found in _explain_error(error))
    return tuple(_make_issues(failures, name_place, meanings))


def collect_pattern_meanings(document: Object) -> PatternMeanings:
    """Return the description of each pattern in a document's schemas, if it has exactly one."""
    found: dict[str, set[str]] = {}
    for schema in _iterate_objects(document.get("components")):
        pattern, description = schema.get("pattern"), schema.get("description")
        if isinstance(pattern, str):
            text = description if isinstance(description, str) else ""
            found.setdefault(pattern, set()).add(text)
    return {pattern: texts.pop() for pattern, texts in found.items() if len(texts) == 1}


def _iterate_objects(value: JSON | None) -> Iterator[Object]:
    if isinstance(value, Mapping):
        yield value
    if isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _iterate_objects(item)


def _make_issues(
    failures: Iterable[Failure], name_place: PlaceNamer, meanings: PatternMeanings
) -> Iterator[Issue]:
    seen: set[tuple[str, str]] = set()
    for failure in failures:
        pointer = make_pointer(failure.path)
        if (pointer, failure.rule) in seen:
            continue
        seen.add((pointer, failure.rule))
        name = name_place(pointer)
        meaning = meanings.get(str(failure.limit)) if failure.rule == "pattern" else None
        if failure.reason:
            message = f"{name} {failure.reason}"
        elif meaning:
            message = write_pattern_message(name, str(failure.limit), meaning, failure.value)
        else:
            message = write_message(name, failure.rule, failure.limit, failure.value)
        yield Issue(pointer, failure.rule, shorten(failure.value), message)


def _explain_error(error: ValidationError) -> Iterator[Failure]:
    """Turn an engine error into failures; for a union, those of the most likely branch."""
    rule, limit, path = error.kind.name, error.kind.value, tuple(error.instance_path)
    if rule == "required":
        yield Failure((*path, limit), rule, limit, None, f"is required and missing ({rule})")
    elif rule in _UNEXPECTED:
        yield from _explain_unexpected(path, rule, limit, error.instance)
    elif rule == "falseSchema":
        yield Failure(path, rule, limit, error.instance, "is not allowed (falseSchema)")
    elif rule == "propertyNames":
        reason = f"has a field whose name {limit.message}"
        yield Failure(path, rule, None, error.instance, reason)
    elif rule in _UNIONS:
        yield from _explain_union(path, rule, error.instance, limit)
    else:
        yield Failure(path, rule, limit, error.instance)


def _explain_unexpected(
    path: _Path, rule: str, names: Sequence[str], holder: object
) -> Iterator[Failure]:
    for name in names:
        value = holder.get(name) if is_object(holder) else None
        reason = f"is not a field in the contract ({rule}), got {describe_value(value)}"
        yield Failure((*path, name), rule, None, value, reason)


def _explain_union(
    path: _Path, rule: str, value: object, context: Sequence[Sequence[ValidationError]]
) -> list[Failure]:
    branches = [_explain_branch(path, branch) for branch in context]
    if not all(branches):
        # A branch without failures: the value breaks oneOf by fitting more than one branch.
        return [Failure(path, rule, None, value)]
    ranks = [_rank_branch(branch, path) for branch in branches]
    best = min(ranks)
    return _merge_branches(
        [branch for branch, rank in zip(branches, ranks, strict=True) if rank == best]
    )


def _explain_branch(path: _Path, errors: Sequence[ValidationError]) -> list[Failure]:
    """Return the failures of one branch; if the type is wrong, only that."""
    found = [failure for error in errors for failure in _explain_error(error)]
    wrong_type = [failure for failure in found if failure.path == path and failure.rule == "type"]
    return wrong_type or found


def _rank_branch(branch: list[Failure], root: _Path) -> tuple[int, int, int, int, int]:
    """Rank how unlikely it is that the user meant this branch; the lowest rank wins.

    In this order: a wrong type; a tag such as ``"type": "video"`` that names another branch; any
    other enum that lacks the value; depth; number of failures.
    """
    own = [failure for failure in branch if failure.path == root]
    wrong_type = sum(failure.rule == "type" for failure in own)
    tags = sum(_is_tag(failure, root) for failure in branch)
    lists = sum(failure.rule == "enum" for failure in branch)
    depth = max(len(failure.path) for failure in branch)
    return wrong_type, tags, lists, -depth, len(branch)


def _is_tag(failure: Failure, root: _Path) -> bool:
    if len(failure.path) != len(root) + 1:
        return False
    is_single = is_list(failure.limit) and len(failure.limit) == 1
    return failure.rule == "const" or (failure.rule == "enum" and is_single)


def _merge_branches(branches: list[list[Failure]]) -> list[Failure]:
    """Report equally likely branches together if they differ in one rule, else the first."""
    if len(branches) == 1 or any(len(branch) != 1 for branch in branches):
        return branches[0]
    failures = [branch[0] for branch in branches]
    first = failures[0]
    if any(failure.path != first.path for failure in failures):
        return [first]
    if all(failure.rule in {"enum", "const"} for failure in failures):
        return [evolve(first, rule="enum", limit=_collect_options(failures))]
    if all(failure.rule == "type" for failure in failures):
        return [evolve(first, limit=_collect_options(failures))]
    return [_join_failures(failures)]


def _collect_options(failures: list[Failure]) -> list[object]:
    options: list[object] = []
    for failure in failures:
        if is_list(failure.limit) and failure.rule != "const":
            options += failure.limit
        else:
            options.append(failure.limit)
    return [option for index, option in enumerate(options) if option not in options[:index]]


def _join_failures(failures: list[Failure]) -> Failure:
    """Write ``must match the pattern ^https:// or must match the pattern ^data:, got "x"``."""
    first = failures[0]
    ending = f", got {describe_value(first.value)}"
    messages = [write_message("", one.rule, one.limit, one.value).strip() for one in failures]
    reason = " or ".join(dict.fromkeys(message.removesuffix(ending) for message in messages))
    rule = first.rule if len({failure.rule for failure in failures}) == 1 else "anyOf"
    return evolve(first, rule=rule, reason=reason + ending)
