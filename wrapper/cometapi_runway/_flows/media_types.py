"""What an answer holds by its name and its content type: a film, a picture, a sound, or words.

Words are never an output. Object stores tell an expired link in XML or JSON, gateways and proxies
tell their troubles in JSON and HTML, and each of them does so under HTTP 200 at times.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from cometapi_runway._core import redaction
from cometapi_runway._core.redaction import redact_text

HTML = "text/html"
_EXTENSIONS = {
    "application/mp4": ".mp4",
    "application/ogg": ".ogg",
    "audio/aac": ".aac",
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/vnd.wave": ".wav",
    "audio/wav": ".wav",
    "audio/wave": ".wav",
    "audio/webm": ".weba",
    "audio/x-m4a": ".m4a",
    "audio/x-wav": ".wav",
    "image/avif": ".avif",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/tiff": ".tiff",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "video/mpeg": ".mpg",
    "video/ogg": ".ogv",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-m4v": ".m4v",
    "video/x-matroska": ".mkv",
    "video/x-msvideo": ".avi",
}
_KNOWN = frozenset({*_EXTENSIONS.values(), ".jpeg", ".mpeg", ".oga", ".opus", ".tif"})
_MEDIA = ("audio/", "image/", "video/")
_WORDS = re.compile(r"text/.*|application/(?:[^;]*[+-])?(?:json|xml)\b.*")
_LONGEST_QUOTE = 200
_READ = 4096
# A tag may be cut off by the end of what was read.
_TAG = re.compile(r"<[^<>]*(?:>|$)")
# Whoever refuses a signature repeats it, or the query that held it, outside any address.
_QUERY = re.compile(r"\?[^\s\"'<>]+")
_TOKEN = re.compile(r"(?=[\w+/=.%~-]*\d)[\w+/=.%~-]{16,}|[\w+/=.%~-]{40,}")


def content_type(headers: Mapping[str, str]) -> str:
    """The content type without parameters, in lower case; empty where none is told."""
    return headers.get("content-type", "").split(";")[0].strip().lower()


def is_text(headers: Mapping[str, str]) -> bool:
    """Whether an answer is text of some kind, and so no output.

    One without a content type, or with the type of any bytes, is what object stores make of a
    file that was put there without one.
    """
    kind = content_type(headers)
    return not kind.startswith(_MEDIA) and _WORDS.fullmatch(kind) is not None


def extension_from_url(url: str) -> str:
    """The extension in an address, if it is one of a film, a picture or a sound, else empty."""
    try:
        suffix = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()
    except ValueError:
        return ""
    return suffix if suffix in _KNOWN else ""


def extension_for(headers: Mapping[str, str]) -> str:
    """The extension for a content type."""
    return _EXTENSIONS.get(content_type(headers), ".bin")


def quote_body(said: bytes) -> str:
    """The beginning of what somebody said, on one line, and with nothing secret in it."""
    words = redact_text(_TAG.sub(" ", said[:_READ].decode("utf-8", "replace")))
    for secret in (_QUERY, _TOKEN):
        words = secret.sub(redaction.HIDDEN, words)
    words = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    return words if len(words) <= _LONGEST_QUOTE else f"{words[:_LONGEST_QUOTE]}…"
