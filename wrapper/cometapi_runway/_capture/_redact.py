"""Hides the values of a response and keeps its shape, and what the client decides by.

An allow-list: a text is kept if it is a word in a field of words, or a time. Addresses and ids
become examples. Of any other text only the words remain by which the client tells errors apart.
A prompt, a key, a signed address or an account's data is on no list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from attrs import evolve

from cometapi_runway._capture._shapes import get_media_type
from cometapi_runway._core.json_values import JSON, parse_json
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.redaction import HIDDEN

EXAMPLE_ID: Final = "d0658ae1-bbdd-4adc-aaba-fd8070e14d79"
EXAMPLE_URL: Final = "https://example.com/output.mp4"

_WORD_FIELDS: Final = frozenset(
    {
        "action",
        "code",
        "failurecode",
        "failure_code",
        "progress",
        "refund",
        "state",
        "status",
        "type",
    }
)
_ID_FIELDS: Final = frozenset({"id", "task_id", "taskid"})
# Words, of which only the end is a number: keys and tokens mix letters and digits.
_WORD: Final = re.compile(r"(?=.{1,48}\Z)[A-Za-z]+[0-9]{0,2}(?:[._-][A-Za-z]+[0-9]{0,2})*")
_FIGURE: Final = re.compile(r"-?[0-9]{1,3}(?:\.[0-9]{1,4})?%?")
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_MEDIA_TYPE: Final = re.compile(r"[a-z]{1,16}/[a-z.+-]{1,40}")
_DECISIVE_WORDS: Final = re.compile(
    r"\b(?:task_not_exist|callback_url_empty|reference_images_empty)\b|quota|balance|额度|余额",
    re.IGNORECASE,
)


def redact_response(response: RawResponse) -> RawResponse:
    """A response of the same shape without values that may be secret."""
    try:
        value = parse_json(response.body)
    except ValueError:
        body = _redact_text(response.body.decode("utf-8", "replace"))
    else:
        body = json.dumps(redact_value(value), indent=2, ensure_ascii=False)
    return evolve(response, url="", headers=_redact_headers(response.headers), body=body.encode())


def redact_value(value: JSON, name: str = "") -> JSON:
    """A JSON value of the same shape; `name` is the field that holds it."""
    if isinstance(value, Mapping):
        return {redact_name(key): redact_value(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [redact_value(item, name) for item in value]
    if isinstance(value, str):
        return _redact_string(value, name.lower())
    if value is None or isinstance(value, bool):
        return value
    is_figure = name.lower() in _WORD_FIELDS and _FIGURE.fullmatch(repr(value))
    return value if is_figure else type(value)(0)


def redact_name(name: str) -> str:
    """The name of a field; hidden if it may be a value."""
    return name if _WORD.fullmatch(name) else HIDDEN


def _redact_string(text: str, name: str) -> str:
    if not text.strip():
        return ""
    if name in _ID_FIELDS:
        return EXAMPLE_ID
    if _TIME.fullmatch(text):
        return text
    if name in _WORD_FIELDS and (_WORD.fullmatch(text) or _FIGURE.fullmatch(text)):
        return text
    if text.strip().isascii() and text.strip().isdecimal():
        return "0"
    if text.strip().lower().startswith(("https://", "http://")):
        return EXAMPLE_URL
    return _redact_text(text)


def _redact_text(text: str) -> str:
    if not text.strip():
        return ""
    words = dict.fromkeys(word.lower() for word in _DECISIVE_WORDS.findall(text))
    return " ".join([HIDDEN, *words])


def _redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that have a meaning for the client."""
    kept: dict[str, str] = {}
    media_type = get_media_type(headers.get("content-type", ""))
    if media_type:
        kept["content-type"] = media_type if _MEDIA_TYPE.fullmatch(media_type) else HIDDEN
    if _FIGURE.fullmatch(headers.get("retry-after", "")):
        kept["retry-after"] = headers["retry-after"]
    if "location" in headers:
        kept["location"] = EXAMPLE_URL
    return kept
