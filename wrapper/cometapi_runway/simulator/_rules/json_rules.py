"""Rules as the control API reads and writes them: one flat JSON object each.

Its keys are the fields of the rule and of its `When` together, for instance
``{"kind": "status", "status": 500, "operation": "tasks", "first": 2}``.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar, get_args

import attrs

from cometapi_runway._core.suggestions import find_similar_name
from cometapi_runway.simulator._lifecycle import CANCELLED, SUCCESS, Ending, failed
from cometapi_runway.simulator._rules.faults import Fault, Kind
from cometapi_runway.simulator._rules.outcomes import Outcome
from cometapi_runway.simulator._rules.rule_book import When

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import JSON, Object

T = TypeVar("T")

_WHEN_KEYS: Final = frozenset(found.name for found in attrs.fields(When))


def fault_from_json(fields: Object) -> Fault:
    """Reads a fault.

    Raises:
        ValueError: A key is unknown or a value is not allowed; the message names it.
    """
    when = {key: value for key, value in fields.items() if key in _WHEN_KEYS}
    rest = {key: value for key, value in fields.items() if key not in _WHEN_KEYS}
    if "kind" not in rest:
        raise ValueError(f"kind is missing; it is one of {', '.join(get_args(Kind))}")
    return from_json(Fault, rest, other_keys=_WHEN_KEYS, when=from_json(When, when))


def fault_to_json(fault: Fault) -> JSON:
    """Writes a fault, without fields that have their default."""
    values = {**attrs.asdict(fault), **attrs.asdict(fault.when)}
    defaults = {found.name: found.default for found in (*attrs.fields(Fault), *attrs.fields(When))}
    changed = {name: value for name, value in values.items() if value != defaults[name]}
    del changed["when"]
    return changed | ({"headers": dict(fault.headers)} if fault.headers else {})


def outcome_from_json(fields: Object) -> Outcome:
    """Reads an outcome: ``status`` (FAILED unless given), ``code``, and the fields of `When`.

    Raises:
        ValueError: A key is unknown or a value is not allowed; the message names it.
    """
    rest = dict(fields)
    ending = _ending_from_json(rest.pop("status", "FAILED"), rest.pop("code", "INTERNAL"))
    return Outcome(ending, from_json(When, rest, other_keys=("status", "code")))


def outcome_to_json(outcome: Outcome) -> JSON:
    """Writes an outcome, without conditions that are not set."""
    when = {key: value for key, value in attrs.asdict(outcome.when).items() if value is not None}
    return {"status": outcome.ending.status, "code": outcome.ending.failure_code} | when


def _ending_from_json(status: JSON, code: JSON) -> Ending:
    if code is not None and not isinstance(code, str):
        raise ValueError(f"code must be text or null, got {code!r}")
    endings = {"SUCCEEDED": SUCCESS, "CANCELLED": CANCELLED, "FAILED": failed(code)}
    if not isinstance(status, str) or status not in endings:
        raise ValueError(f"status must be one of {', '.join(endings)}, got {status!r}")
    return endings[status]


def from_json(
    rule_type: type[T],
    fields: Mapping[str, JSON],
    *,
    other_keys: Iterable[str] = (),
    **more: object,
) -> T:
    """Makes a value of an attrs class from a JSON object whose keys are its fields.

    Args:
        rule_type: The class.
        fields: The object.
        other_keys: Keys that the caller has removed from the object; messages list them too.
        more: Fields that do not come from the object.

    Raises:
        ValueError: A key is unknown or a value is not allowed; the message names it.
    """
    known = inspect.signature(rule_type).parameters.keys() - more.keys()
    unknown = sorted(fields.keys() - known)
    if unknown:
        names = sorted({*known, *other_keys})
        close = find_similar_name(unknown[0], names)
        advice = f"did you mean {close!r}?" if close else f"known keys: {', '.join(names)}"
        raise ValueError(f"unknown key {unknown[0]!r}; {advice}")
    try:
        return rule_type(**fields, **more)
    except (TypeError, ValueError) as error:
        raise ValueError(str(error.args[0])) from error
