"""JSON values against JSON schemas, and failures turned into issues.

The schema engine reports a failed union as one "anyOf" at its root. A person who mistyped one
field of one branch needs that field, so the branch that was meant is looked for and its own
failures are reported in the union's place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from cometapi_runway.errors import Issue
from cometapi_runway.validation._kinds import is_list, is_object
from cometapi_runway.validation._wording import sentence, shorten, show, unfit

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError, Validator

    from cometapi_runway._core.json_values import JSON, Object


_UNIONS = ("anyOf", "oneOf")
_UNEXPECTED = ("additionalProperties", "unevaluatedProperties")

Subject = Callable[[str], str]
Meanings = Mapping[str, str]
_NO_MEANINGS: Final[Meanings] = {}


@frozen
class Failure:
    """One failed keyword: where, which, what it asks for and what it got."""

    at: tuple[str | int, ...]
    rule: str
    limit: object
    value: object
    words: str = ""


def compile_schema(document: Object, schema: Object) -> Validator:
    """Build the validator of one schema; its references may point anywhere in the document."""
    # Costs tens of milliseconds to import: only a program that checks something pays.
    import jsonschema_rs  # noqa: PLC0415

    components = {"components": document.get("components", {})}
    return jsonschema_rs.Draft202012Validator({**schema, **components}, validate_formats=True)


def judge(
    validator: Validator, value: object, subject: Subject, meanings: Meanings = _NO_MEANINGS
) -> tuple[Issue, ...]:
    """Every way in which a value breaks a schema; the common case, none, is quick."""
    if validator.is_valid(value):
        return ()
    failures = (found for error in validator.iter_errors(value) for found in _failures(error))
    return tuple(_issues(failures, subject, meanings))


def meanings(document: Object) -> Meanings:
    """What the document says of each pattern in its schemas, where it says one thing."""
    found: dict[str, set[str]] = {}
    for schema in _objects(document.get("components")):
        pattern, words = schema.get("pattern"), schema.get("description")
        if isinstance(pattern, str):
            found.setdefault(pattern, set()).add(words if isinstance(words, str) else "")
    return {pattern: words.pop() for pattern, words in found.items() if len(words) == 1}


def _objects(value: JSON | None) -> Iterator[Object]:
    if isinstance(value, Mapping):
        yield value
    if isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _objects(item)


def pointer(path: Iterable[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a path."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def body_subject(path: str) -> str:
    """How a message calls a place in the body."""
    return path or "the body"


def _issues(failures: Iterable[Failure], subject: Subject, meanings: Meanings) -> Iterator[Issue]:
    seen: set[tuple[str, str]] = set()
    for failure in failures:
        path = pointer(failure.at)
        if (path, failure.rule) in seen:
            continue
        seen.add((path, failure.rule))
        name = subject(path)
        meaning = meanings.get(str(failure.limit)) if failure.rule == "pattern" else None
        if failure.words:
            message = f"{name} {failure.words}"
        elif meaning:
            message = unfit(name, str(failure.limit), meaning, failure.value)
        else:
            message = sentence(name, failure.rule, failure.limit, failure.value)
        yield Issue(path, failure.rule, shorten(failure.value), message)


def _failures(error: ValidationError) -> Iterator[Failure]:
    """What one engine error means: one failure, several, or those of the branch that was meant."""
    rule, limit, at = error.kind.name, error.kind.value, tuple(error.instance_path)
    if rule == "required":
        yield Failure((*at, limit), rule, limit, None, f"is required and missing ({rule})")
    elif rule in _UNEXPECTED:
        yield from _unexpected(at, rule, limit, error.instance)
    elif rule == "falseSchema":
        yield Failure(at, rule, limit, error.instance, "is not allowed (falseSchema)")
    elif rule == "propertyNames":
        inner = f"has a field whose name {limit.message}"
        yield Failure(at, rule, None, error.instance, inner)
    elif rule in _UNIONS:
        yield from _union(at, rule, error.instance, limit)
    else:
        yield Failure(at, rule, limit, error.instance)


def _unexpected(
    at: tuple[str | int, ...], rule: str, names: Sequence[str], holder: object
) -> Iterator[Failure]:
    for name in names:
        value = holder.get(name) if is_object(holder) else None
        words = f"is not a field that the contract knows ({rule}), got {show(value)}"
        yield Failure((*at, name), rule, None, value, words)


def _union(
    at: tuple[str | int, ...],
    rule: str,
    value: object,
    context: Sequence[Sequence[ValidationError]],
) -> list[Failure]:
    branches = [_branch(at, branch) for branch in context]
    if not all(branches):
        # A branch without failures: oneOf is broken by fitting more than one.
        return [Failure(at, rule, None, value)]
    ranks = [_rank(branch, at) for branch in branches]
    best = min(ranks)
    return _merge([branch for branch, rank in zip(branches, ranks, strict=True) if rank == best])


def _branch(at: tuple[str | int, ...], errors: Sequence[ValidationError]) -> list[Failure]:
    """The failures of one branch; where the type is another, nothing else about it matters."""
    found = [failure for error in errors for failure in _failures(error)]
    other_type = [failure for failure in found if failure.at == at and failure.rule == "type"]
    return other_type or found


def _rank(branch: list[Failure], root: tuple[str | int, ...]) -> tuple[int, int, int, int, int]:
    """How unlikely it is that this branch was meant; the lowest wins.

    In this order: another type altogether; a tag such as ``"type": "video"`` that names another
    branch; any other closed list that does not hold the value; then depth, then sheer number.
    """
    own = [failure for failure in branch if failure.at == root]
    other_type = sum(failure.rule == "type" for failure in own)
    tags = sum(_is_tag(failure, root) for failure in branch)
    lists = sum(failure.rule == "enum" for failure in branch)
    depth = max(len(failure.at) for failure in branch)
    return other_type, tags, lists, -depth, len(branch)


def _is_tag(failure: Failure, root: tuple[str | int, ...]) -> bool:
    if len(failure.at) != len(root) + 1:
        return False
    single = is_list(failure.limit) and len(failure.limit) == 1
    return failure.rule == "const" or (failure.rule == "enum" and single)


def _merge(branches: list[list[Failure]]) -> list[Failure]:
    """Equally likely branches: said together where they differ in one demand, else the first."""
    if len(branches) == 1 or any(len(branch) != 1 for branch in branches):
        return branches[0]
    failures = [branch[0] for branch in branches]
    first = failures[0]
    if any(failure.at != first.at for failure in failures):
        return [first]
    if all(failure.rule in {"enum", "const"} for failure in failures):
        return [evolve(first, rule="enum", limit=_all_options(failures))]
    if all(failure.rule == "type" for failure in failures):
        return [evolve(first, limit=_all_options(failures))]
    return [_either(failures)]


def _all_options(failures: list[Failure]) -> list[object]:
    options: list[object] = []
    for failure in failures:
        if is_list(failure.limit) and failure.rule != "const":
            options += failure.limit
        else:
            options.append(failure.limit)
    return [option for index, option in enumerate(options) if option not in options[:index]]


def _either(failures: list[Failure]) -> Failure:
    """``must match the pattern ^https:// or must match the pattern ^data:, got "x"``."""
    first = failures[0]
    tail = f", got {show(first.value)}"
    demands = [sentence("", one.rule, one.limit, one.value).strip() for one in failures]
    words = " or ".join(dict.fromkeys(demand.removesuffix(tail) for demand in demands))
    rule = first.rule if len({failure.rule for failure in failures}) == 1 else "anyOf"
    return evolve(first, rule=rule, words=words + tail)
