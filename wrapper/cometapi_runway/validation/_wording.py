"""What an issue says: the field, the rule and the value, the value kept short.

Messages end up in logs and terminals, so an embedded picture or a signed address must not: long
strings are cut and addresses reduced to what is no secret.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from cometapi_runway._core.redaction import redact_text, redact_url
from cometapi_runway.validation._kinds import is_list, is_object

_LONGEST = 120
_KEPT = 60
_SEARCHED = 2000
_MOST_ITEMS = 12


def shorten(value: object) -> object:
    """A copy of a JSON value that is fit to print."""
    if isinstance(value, str):
        return _shorten_text(value)
    if is_object(value):
        return {str(key): shorten(item) for key, item in list(value.items())[:_MOST_ITEMS]}
    if is_list(value):
        return [shorten(item) for item in value[:_MOST_ITEMS]]
    return value


def show(value: object) -> str:
    """A JSON value in a sentence: ``"gen4"``, ``3``, ``an object with "type", "uri"``."""
    if is_object(value):
        keys = ", ".join(json.dumps(str(key)) for key in list(value)[:_MOST_ITEMS])
        return f"an object with {keys}" if keys else "an empty object"
    if is_list(value):
        return f"a list of {len(value)}"
    try:
        return json.dumps(shorten(value), ensure_ascii=False)
    except TypeError:
        return f"a {type(value).__name__}"


def sentence(subject: str, rule: str, limit: object, value: object) -> str:
    """One finding in words.

    Args:
        subject: what is at fault, as the reader knows it: ``/seed``, ``header X-Runway-Version``.
        rule: the JSON schema keyword that failed.
        limit: what the keyword says.
        value: what was given.
    """
    demand = _DEMANDS.get(rule)
    wanted = demand(limit) if demand else "breaks the contract"
    return f"{subject} {wanted} ({rule}), got {show(value)}"


def unfit(subject: str, pattern: str, meaning: str, value: object) -> str:
    """A broken pattern, told in the contract's words for what it stands for.

    Nobody reads a long one; a short one says what the words may leave open.
    """
    rule = f"pattern {pattern}" if len(pattern) <= _KEPT else "pattern"
    return f"{subject} does not fit ({rule}): {meaning} Got {show(value)}"


def _shorten_text(value: str) -> str:
    # A megabyte of embedded picture need not be searched for addresses before it is cut.
    embedded = value[:5].lower() == "data:"
    shown = redact_url(value) if embedded else redact_text(value[:_SEARCHED])
    if len(shown) <= _LONGEST:
        return shown
    return f"{shown[:_KEPT]}… ({len(value)} characters)"


def _several(limit: object) -> Sequence[object]:
    return limit if is_list(limit) else [limit]


def _options(limit: object) -> str:
    options = _several(limit)
    shown = ", ".join(show(option) for option in options[:_MOST_ITEMS])
    return shown + (", …" if len(options) > _MOST_ITEMS else "")


_ARTICLES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}


def _types(limit: object) -> str:
    return " or ".join(_ARTICLES.get(str(name), str(name)) for name in _several(limit))


def _count(limit: object, noun: str) -> str:
    return f"{limit} {noun}" if limit == 1 else f"{limit} {noun}s"


_DEMANDS: Mapping[str, Callable[[object], str]] = {
    "const": lambda limit: f"must be {show(limit)}",
    "contains": lambda _: "lacks an item of the required kind",
    "enum": lambda limit: f"must be one of {_options(limit)}",
    "exclusiveMaximum": lambda limit: f"must be less than {limit}",
    "exclusiveMinimum": lambda limit: f"must be more than {limit}",
    "format": lambda limit: f"must be a valid {limit}",
    "maxItems": lambda limit: f"must have at most {_count(limit, 'item')}",
    "maxLength": lambda limit: f"must have at most {_count(limit, 'character')}",
    "maxProperties": lambda limit: f"must have at most {_count(limit, 'field')}",
    "maximum": lambda limit: f"must be at most {limit}",
    "minItems": lambda limit: f"must have at least {_count(limit, 'item')}",
    "minLength": lambda limit: f"must have at least {_count(limit, 'character')}",
    "minProperties": lambda limit: f"must have at least {_count(limit, 'field')}",
    "minimum": lambda limit: f"must be at least {limit}",
    "multipleOf": lambda limit: f"must be a multiple of {limit}",
    "not": lambda _: "has a form that is ruled out",
    "oneOf": lambda _: "must fit exactly one of the documented forms",
    "pattern": lambda limit: f"must match the pattern {limit}",
    "type": lambda limit: f"must be {_types(limit)}",
    "uniqueItems": lambda _: "must not repeat an item",
}
