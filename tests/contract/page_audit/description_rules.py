"""Rules that a page states in prose, as values that its schema should reject or allow.

Values are independent of the keyword that implements a rule: an enum, a pattern and a bound can
all reject the same values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from attrs import frozen

from cometapi_runway._core.json_values import JSON, Object

from ..generation.schema_targets import declared_types
from .schema_locations import Steps


@frozen
class DescribedRule:
    """A rule that a description states.

    Attributes:
        text: the words of the description.
        rejected: values that the rule excludes.
        allowed: values that the rule names.
        field: the nested field that the rule is about; empty for the location itself.
    """

    text: str
    rejected: tuple[JSON, ...] = ()
    allowed: tuple[JSON, ...] = ()
    field: Steps = ()


_Parser: TypeAlias = Callable[[re.Match[str], Object], DescribedRule | None]
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "ten": 10}
_WORD = r"`?([A-Za-z0-9][\w:.-]*\w|\d)`?"
_HTTPS = ("https://example.com/a.mp4",)
_NOT_HTTPS = ("http://example.com/a.mp4", "a.mp4")
_DATA = ("data:video/mp4;base64,AAAA", "data:image/png;base64,AAAA")


def described_rules(schema: Object) -> Iterator[DescribedRule]:
    """The rules that the description of a schema states."""
    text = " ".join(str(schema.get("description", "")).split())
    for pattern, parse in _PATTERNS:
        for match in re.finditer(pattern, text):
            rule = parse(match, schema)
            if rule is not None:
                yield rule


def _typed(schema: Object, word: str) -> JSON:
    """A word of the description as a value of the schema's type."""
    is_number = set(declared_types(schema)) & {"integer", "number"} and re.fullmatch(
        r"\d+(\.\d+)?", word
    )
    return json.loads(word) if is_number else word


def _must_be(match: re.Match[str], schema: Object) -> DescribedRule:
    value = _typed(schema, match[1])
    other = value + 1 if isinstance(value, int) else f"{value}x"
    return DescribedRule(match[0], (other,), (value,))


def _named(match: re.Match[str], schema: Object) -> DescribedRule | None:
    """Values that the description gives as examples; they must be allowed."""
    if not set(declared_types(schema)) & {"string", "integer", "number"}:
        return None
    words = (word for word in match.groups() if word)
    return DescribedRule(match[0], (), tuple(_typed(schema, word) for word in words))


def _longest(match: re.Match[str], schema: Object) -> DescribedRule:
    return DescribedRule(match[0], ("x" * (int(match[1]) + 1),), ())


def _range(match: re.Match[str], schema: Object) -> DescribedRule | None:
    if not set(declared_types(schema)) & {"integer", "number"}:
        return None
    least, most = int(match[1]), int(match[2])
    return DescribedRule(match[0], (least - 1, most + 1), (least, most))


def _count(match: re.Match[str], schema: Object) -> DescribedRule | None:
    if "array" not in declared_types(schema):
        return None
    # The items do not matter: too few or too many of any kind are rejected.
    most = _NUMBERS.get(match[2].lower()) or int(match[2])
    return DescribedRule(
        match[0], ([], [sample_item(schema)] * (most + 1)), ([sample_item(schema)] * most,)
    )


def sample_item(schema: Object) -> JSON:
    """An item that the array schema allows, as far as its fields and types tell."""
    inner: Object = schema.get("items", {})
    if "properties" not in inner:
        return _HTTPS[0]
    return {name: _HTTPS[0] if "ur" in name else "image" for name in inner.get("required", ())}


def _https(match: re.Match[str], schema: Object) -> DescribedRule | None:
    return (
        DescribedRule(match[0], _NOT_HTTPS, _HTTPS) if "string" in declared_types(schema) else None
    )


def _data_uri(match: re.Match[str], schema: Object) -> DescribedRule | None:
    return DescribedRule(match[0], (), _DATA[:1]) if "string" in declared_types(schema) else None


def _child(match: re.Match[str], schema: Object) -> DescribedRule | None:
    """``Provide `type` (`video`) and `uri` (HTTPS URL)``: a rule about a nested field."""
    name, quote, value = match.groups()
    if name not in schema.get("properties", {}):
        return None
    if "https" in value.lower():
        return DescribedRule(match[0], _NOT_HTTPS, _HTTPS, (name,))
    return DescribedRule(match[0], (f"{value}x",), (value,), (name,)) if quote else None


def _either(match: re.Match[str], schema: Object) -> DescribedRule | None:
    if "type" not in schema.get("properties", {}):
        return None
    return DescribedRule(match[0], ("sound",), (match[1], match[2]), ("type",))


def _not_empty(match: re.Match[str], schema: Object) -> DescribedRule | None:
    return DescribedRule(match[0], ("",), ()) if "string" in declared_types(schema) else None


_PATTERNS: tuple[tuple[str, _Parser], ...] = (
    (rf"[Mm]ust be (?!an? |the ){_WORD}", _must_be),
    (rf"(?:for example|such as|[Uu]se|e\.g\.) (?!an? |the ){_WORD}"
     rf"(?:,? (?:or|and) {_WORD}| ?, {_WORD} or {_WORD})?", _named),
    (r"(?:[Aa]t most|[Uu]p to|[Mm]ax(?:imum)?(?: of)?) (\d+) characters", _longest),
    (r"[Nn]ot empty|[Nn]on-empty", _not_empty),
    (r"(?:[Ff]rom )?(\d+) ?(?:to|\u2013|-) ?(\d+)", _range),
    (r"\b([Oo]ne|\d+) to (two|three|four|five|ten|\d+)\b", _count),
    (r"(?:HTTPS|https) URLs?", _https),
    (r"data URI", _data_uri),
    (r"`(\w+)` \((`?)([^`)]+)\2\)", _child),
    (r"[Ee]ither (?:\w+ )?an? (\w+) or an? (\w+)", _either),
)  # fmt: skip


def described_requirement(description: object) -> bool | None:
    """Whether a description says required (True) or optional (False); None if neither."""
    text = str(description)
    if re.search(r"\boptional\b|may be left out|if wanted", text, re.IGNORECASE):
        return False
    return True if re.search(r"\bis required\b|^Required\b", text) else None
