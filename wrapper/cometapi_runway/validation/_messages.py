"""Writes the message of an issue: the field, the rule and the shortened value.

Messages end up in logs and terminals. So long strings, such as embedded pictures, are cut, and URLs
are redacted, because they may be signed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from cometapi_runway._core.naming import count_noun
from cometapi_runway._core.redaction import redact_text, redact_url
from cometapi_runway.validation._json_types import is_list, is_object

_MAX_TEXT = 120
_TEXT_START = 60
_REDACTED_START = 2000
_MAX_ITEMS = 12


def shorten(value: object) -> object:
    """Return a copy of a JSON value with long strings cut and URLs redacted."""
    if isinstance(value, str):
        return _shorten_text(value)
    if is_object(value):
        return {str(key): shorten(item) for key, item in list(value.items())[:_MAX_ITEMS]}
    if is_list(value):
        return [shorten(item) for item in value[:_MAX_ITEMS]]
    return value


def describe_value(value: object) -> str:
    """Describe a JSON value in a sentence: ``"gen4"``, ``3``, ``an object with "type", "uri"``."""
    if is_object(value):
        keys = ", ".join(json.dumps(_shorten_text(str(key))) for key in list(value)[:_MAX_ITEMS])
        return f"an object with {keys}" if keys else "an empty object"
    if is_list(value):
        return f"a list of {len(value)}"
    try:
        return json.dumps(shorten(value), ensure_ascii=False)
    except TypeError:
        return f"a {type(value).__name__}"


def name_place(pointer: str) -> str:
    """Name a place in a body by its JSON pointer."""
    return pointer or "the body"


def write_message(subject: str, rule: str, limit: object, value: object) -> str:
    """Write the message of an issue.

    Args:
        subject: The faulty part, such as ``/seed`` or ``header X-Runway-Version``.
        rule: The JSON schema keyword that failed.
        limit: The keyword's value in the schema.
        value: The value that failed.
    """
    requirement = _REQUIREMENTS.get(rule)
    text = requirement(limit) if requirement else "breaks the contract"
    return f"{subject} {text} ({rule}), got {describe_value(value)}"


def write_pattern_message(subject: str, pattern: str, meaning: str, value: object) -> str:
    """Write the message of a failed pattern that the contract describes.

    A long pattern is left out because it is unreadable. A short one is more exact than its
    description.
    """
    rule = f"pattern {pattern}" if len(pattern) <= _TEXT_START else "pattern"
    return f"{subject} does not fit ({rule}): {meaning} Got {describe_value(value)}"


def _shorten_text(value: str) -> str:
    # Redact only the start: searching a megabyte for URLs would be slow, and it is cut anyway.
    is_embedded = value[:5].lower() == "data:"
    shown = redact_url(value) if is_embedded else redact_text(value[:_REDACTED_START])
    if len(shown) <= _MAX_TEXT:
        return shown
    return f"{shown[:_TEXT_START]}… ({len(value)} characters)"


def _as_list(limit: object) -> Sequence[object]:
    return limit if is_list(limit) else [limit]


def _list_options(limit: object) -> str:
    options = _as_list(limit)
    shown = ", ".join(describe_value(option) for option in options[:_MAX_ITEMS])
    return shown + (", …" if len(options) > _MAX_ITEMS else "")


_ARTICLES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}


def _list_types(limit: object) -> str:
    return " or ".join(_ARTICLES.get(str(name), str(name)) for name in _as_list(limit))


def _count_items(limit: object, noun: str) -> str:
    return count_noun(limit, noun) if isinstance(limit, int) else f"{limit} {noun}s"


_REQUIREMENTS: Mapping[str, Callable[[object], str]] = {
    "const": lambda limit: f"must be {describe_value(limit)}",
    "contains": lambda _: "must contain an item of the required form",
    "enum": lambda limit: f"must be one of {_list_options(limit)}",
    "exclusiveMaximum": lambda limit: f"must be less than {limit}",
    "exclusiveMinimum": lambda limit: f"must be more than {limit}",
    "format": lambda limit: f"must be a valid {limit}",
    "maxItems": lambda limit: f"must have at most {_count_items(limit, 'item')}",
    "maxLength": lambda limit: f"must have at most {_count_items(limit, 'character')}",
    "maxProperties": lambda limit: f"must have at most {_count_items(limit, 'field')}",
    "maximum": lambda limit: f"must be at most {limit}",
    "minItems": lambda limit: f"must have at least {_count_items(limit, 'item')}",
    "minLength": lambda limit: f"must have at least {_count_items(limit, 'character')}",
    "minProperties": lambda limit: f"must have at least {_count_items(limit, 'field')}",
    "minimum": lambda limit: f"must be at least {limit}",
    "multipleOf": lambda limit: f"must be a multiple of {limit}",
    "not": lambda _: "must not have a form that the contract excludes",
    "oneOf": lambda _: "must fit exactly one of the documented forms",
    "pattern": lambda limit: f"must match the pattern {limit}",
    "type": lambda limit: f"must be {_list_types(limit)}",
    "uniqueItems": lambda _: "must not repeat an item",
}
