"""What a response contains, by its URL and its content type: video, image, audio, or text.

Text is never an output. Object stores report an expired URL in XML or JSON, gateways and proxies
report their errors in JSON or HTML, and all of them sometimes do so with HTTP 200.
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
MEDIA_EXTENSIONS = frozenset({*_EXTENSIONS.values(), ".jpeg", ".mpeg", ".oga", ".opus", ".tif"})
_TEXT_TYPE = re.compile(r"text/.*|application/(?:[^;]*[+-])?(?:json|xml)\b.*")
_MAX_QUOTE = 200
_MAX_QUOTED_BYTES = 4096
# The end of the quoted bytes may cut a tag.
_TAG = re.compile(r"<[^<>]*(?:>|$)")
# A server that refuses a signature may quote it, or its query, without the URL around it.
_QUERY = re.compile(r"\?[^\s\"'<>]+")
_TOKEN = re.compile(r"(?=[\w+/=.%~-]*\d)[\w+/=.%~-]{16,}|[\w+/=.%~-]{40,}")


def content_type(headers: Mapping[str, str]) -> str:
    """The content type without parameters, in lower case; empty if there is none."""
    return headers.get("content-type", "").split(";")[0].strip().lower()


def is_text(headers: Mapping[str, str]) -> bool:
    """Whether a response is text of some kind, and so no output.

    Object stores send a file that was uploaded without a content type without one, or as
    ``application/octet-stream``.
    """
    return _TEXT_TYPE.fullmatch(content_type(headers)) is not None


def extension_from_url(url: str) -> str:
    """The extension in a URL if it belongs to a video, image or audio file, else empty."""
    try:
        suffix = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()
    except ValueError:
        return ""
    return suffix if suffix in MEDIA_EXTENSIONS else ""


def extension_for(headers: Mapping[str, str]) -> str:
    """The extension for a content type."""
    return _EXTENSIONS.get(content_type(headers), ".bin")


def quote_body(body: bytes) -> str:
    """The beginning of a text body, on one line, redacted."""
    text = redact_text(_TAG.sub(" ", body[:_MAX_QUOTED_BYTES].decode("utf-8", "replace")))
    for secret in (_QUERY, _TOKEN):
        text = secret.sub(redaction.HIDDEN, text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _MAX_QUOTE else f"{text[:_MAX_QUOTE]}…"
