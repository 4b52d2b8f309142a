"""JSON values as Python types, and the parser for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, TypeAlias

JSON: TypeAlias = "Mapping[str, JSON] | list[JSON] | str | int | float | bool | None"
Object: TypeAlias = Mapping[str, JSON]


def parse_json(content: bytes | str) -> JSON:
    """Parse a JSON text.

    Args:
        content: The text; as bytes in UTF-8, UTF-16 or UTF-32.

    Raises:
        ValueError: It is not JSON, or too deeply nested to parse.
    """
    try:
        if isinstance(content, bytes | bytearray):
            content = content.decode(json.detect_encoding(content), "surrogatepass")
        value: JSON = _DECODER.decode(content)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def _make_object(pairs: list[tuple[str, JSON]]) -> Object:
    # Thousands of waiting tasks hold a response each; the parser makes new names for each of them.
    return {_share_name(name): value for name, value in pairs}


@lru_cache(maxsize=256)
def _share_name(name: str) -> str:
    return name


# `json.loads` with a hook makes a decoder for each text.
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_make_object)


def as_object(value: JSON) -> Object | None:
    """The value if it is a JSON object, else None."""
    if value is None or type(value) is str:
        # The most frequent cases; isinstance with an abstract class is slow.
        return None
    return value if isinstance(value, Mapping) else None


def as_text(value: JSON) -> str | None:
    """The value if it is a non-blank string, else None.

    A lone surrogate, which JSON can spell and no output can encode, becomes a question mark.
    """
    if not isinstance(value, str) or not value.strip():
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
