"""What may be shown: an allow-list for URLs, headers and bodies.

Everything that is printed, logged, raised or stored goes through here. Nothing is shown because
it looks harmless; it is shown because it is on the list. Output URLs are signed (their query is
the key to the file), asset URLs may be, and data URIs hold the user's own pictures.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from cometapi_runway._core.json_values import JSON

HIDDEN = "[hidden]"

_SHOWN_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "accept-ranges",
        "age",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "date",
        "etag",
        "host",
        "last-modified",
        "range",
        "retry-after",
        "server",
        "transfer-encoding",
        "user-agent",
        "x-runway-version",
    }
)
_LONGEST_TEXT = 2000
_LONGEST_VALUE = 200
# Parameters may be quoted; what else stands before the comma is no business of a redactor.
_DATA_URI = re.compile(r"data:[^\s,<>]{0,200},[^\s\"'<>]*", re.IGNORECASE)
_SECRET_IN_TEXT = re.compile(_DATA_URI.pattern + r"|https?://[^\s\"'<>]+", re.IGNORECASE)


def redact_url(address: str) -> str:
    """An address without what may be secret in it: user, query, fragment, data-URI payload."""
    if address[:5].lower() == "data:":
        return f"{address.split(',', 1)[0][:60]},{HIDDEN} ({len(address)} characters)"
    try:
        parts = urlsplit(address)
        # What has no port that can be one is no address, and what it is nobody knows.
        _ = parts.port
    except ValueError:
        return HIDDEN
    if not parts.scheme or not parts.netloc:
        return parts.path
    # As it was given: a message must not show a value that would have done.
    given = address.partition(":")[0]
    scheme = given if given.lower() == parts.scheme else parts.scheme
    host = parts.netloc.rpartition("@")[2]
    query = f"?{HIDDEN}" if parts.query else ""
    return f"{scheme}://{host}{parts.path}{query}"


def redact_text(words: str) -> str:
    """Free text, with every address and data URI in it reduced to what may be shown."""
    return _SECRET_IN_TEXT.sub(lambda found: redact_url(found.group()), words)


def safe_repr(item: object) -> str:
    """The representation of any value, short, and with nothing secret in it."""
    if isinstance(item, str) and _DATA_URI.match(item):
        # Such as cannot be one: with a blank in its payload, or a quote.
        return repr(redact_url(item))
    words = redact_text(repr(item))
    return words if len(words) <= _LONGEST_VALUE else f"{words[:_LONGEST_VALUE]}…"


def redact_headers(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers, with the value of every one that is not on the list hidden."""
    return {name: value if name.lower() in _SHOWN_HEADERS else HIDDEN for name, value in items}


def redact_json(item: JSON) -> JSON:
    """A JSON value with every address and data URI in it reduced to what may be shown."""
    if isinstance(item, str):
        return _text(item)
    if isinstance(item, Mapping):
        return {key: redact_json(child) for key, child in item.items()}
    if isinstance(item, list):
        return [redact_json(child) for child in item]
    return item


def strip_payloads(item: JSON) -> JSON:
    """A JSON value with the payloads of data URIs left out, addresses kept whole.

    For the journal, which exists so that a request can be repeated.
    """
    if isinstance(item, str):
        return _DATA_URI.sub(lambda found: redact_url(found.group()), item)
    if isinstance(item, Mapping):
        return {key: strip_payloads(child) for key, child in item.items()}
    if isinstance(item, list):
        return [strip_payloads(child) for child in item]
    return item


def _text(item: str) -> str:
    shown = redact_text(item)
    return shown if len(shown) <= _LONGEST_TEXT else f"{shown[:_LONGEST_TEXT]}…"
