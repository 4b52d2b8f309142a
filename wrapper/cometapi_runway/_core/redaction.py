"""What may be shown: an allow-list for URLs, headers and bodies.

Everything that is printed, logged, raised or stored passes through here. A value is shown because
it is on the list, not because it looks harmless. Output URLs are signed (their query grants access
to the file), asset URLs may be, and data URIs hold the user's own pictures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

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
_SHOWN_CONNECTION_PARAMETERS = frozenset(
    {"dbname", "host", "hostaddr", "port", "service", "sslmode", "sslrootcert", "user"}
)
# As libpq reads it: a password ends at the first "@", which no other part contains.
_DATABASE_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)"
    r"(?:(?P<user>[^:@/]*)(?P<password>:[^@/]*)?@)?(?P<place>[^@?]*)(?:\?(?P<query>[^@]*))?",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAX_TEXT = 2000
_MAX_REPR = 200
_MAX_URL = 500
# The media type's parameters may be quoted, so anything but a blank is accepted before the comma.
_DATA_URI = re.compile(r"data:[^\s,<>]{0,200},[^\s\"'<>]*", re.IGNORECASE)
# Any scheme, because the URL of a proxy has many.
_URL_IN_TEXT = re.compile(
    _DATA_URI.pattern + r"|[a-z][a-z0-9+.-]{0,30}://[^\s\"'<>]+", re.IGNORECASE
)


def name_or_none(value: object) -> str | None:
    """A value that looks like the name of a model, a status or a failure code, or None.

    A server or a caller may send any text in its place, which is not shown.
    """
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None


def redact_url(url: str) -> str:
    """A URL without the parts that may be secret: user, query, fragment, data-URI payload.

    A path is shortened to 500 characters, and text that is no URL to 200: it may be a whole prompt
    that was passed where a URL belongs.
    """
    if url[:5].lower() == "data:":
        return f"{url.split(',', 1)[0][:60]},{HIDDEN} ({len(url)} characters)"
    try:
        parts = urlsplit(url)
        # Text with an impossible port is not a URL, and could be anything.
        _ = parts.port
    except ValueError:
        return HIDDEN
    if not parts.scheme or not parts.netloc:
        return _shorten(parts.path, _MAX_REPR)
    # urlsplit lowers the scheme. A message about a bad URL must not show a corrected one.
    written = url.partition(":")[0]
    scheme = written if written.lower() == parts.scheme else parts.scheme
    host = parts.netloc.rpartition("@")[2]
    query = f"?{HIDDEN}" if parts.query else ""
    return f"{scheme}://{_shorten(host + parts.path, _MAX_URL)}{query}"


def redact_database_url(url: str) -> str | None:
    """A database's URL without its password and parameters that may be secret.

    Returns:
        The URL, with which the database can be opened where the password is known; None if it is
        ambiguous where the password ends.
    """
    parts = _DATABASE_URL.fullmatch(url)
    if parts is None:
        return None
    user = "" if parts["user"] is None else f"{parts['user']}@"
    shown = [
        (name, value)
        for name, value in parse_qsl(parts["query"] or "")
        if name in _SHOWN_CONNECTION_PARAMETERS
    ]
    query = f"?{urlencode(shown, safe='/')}" if shown else ""
    return f"{parts['scheme']}{user}{parts['place']}{query}"


def redact_text(text: str) -> str:
    """Free text, with every URL and data URI in it redacted."""
    return _URL_IN_TEXT.sub(lambda match: redact_url(match.group()), text)


def safe_repr(value: object) -> str:
    """The representation of any value, redacted and shortened to 200 characters."""
    if isinstance(value, str) and _DATA_URI.match(value):
        # `redact_text` would stop at a space or a quote in a malformed payload.
        return repr(redact_url(value))
    return _shorten(redact_text(repr(value)), _MAX_REPR)


def redact_headers(items: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers, with the value of every header that is not on the list hidden."""
    return {name: value if name.lower() in _SHOWN_HEADERS else HIDDEN for name, value in items}


def redact_json(value: JSON) -> JSON:
    """A JSON value with every URL and data URI in it redacted and long texts shortened."""
    return map_texts(value, lambda text: _shorten(redact_text(text), _MAX_TEXT))


def strip_payloads(value: JSON) -> JSON:
    """A JSON value without the payloads of data URIs; other URLs are kept whole.

    For the journal, which exists so that a request can be repeated.
    """
    return map_texts(
        value, lambda text: _DATA_URI.sub(lambda match: redact_url(match.group()), text)
    )


def shorten_text(text: str) -> str:
    """The first 200 characters of a text."""
    return _shorten(text, _MAX_REPR)


def map_texts(value: JSON, change: Callable[[str], str]) -> JSON:
    """A JSON value with every text in it changed; the names of fields are kept."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: map_texts(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [map_texts(item, change) for item in value]
    return value


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"
