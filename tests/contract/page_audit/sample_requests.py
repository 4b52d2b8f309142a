"""What the parsers of code samples share."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..drivers.request_capture import SentRequest

# Replaces what the user of a sample fills in: a key, a task id.
PLACEHOLDER = "sample"
_LEFT_OPEN = re.compile(r"\$\{?[A-Za-z_]\w*\}?|\{[a-z_]+\}|<[A-Za-z_ -]+>")


class UnsupportedSampleError(Exception):
    """A sample uses syntax that its parser does not support. It is reported, never skipped."""


def fill_placeholders(text: str) -> str:
    """Replace the placeholders of a text: ``$KEY``, ``{id}``, ``<task id>``."""
    return _LEFT_OPEN.sub(PLACEHOLDER, text)


def make_request(
    method: str, url: str, headers: Mapping[str, str], body: Any, *, is_json: bool
) -> SentRequest:
    """The request that a sample sends.

    Args:
        method: in upper or lower case.
        url: with its placeholders.
        headers: the headers in the sample.
        body: text, or the value of a JSON body; None for no body.
        is_json: whether the tool encodes the body as JSON and sets the content type.
    """
    sent = {name: fill_placeholders(value) for name, value in headers.items()}
    if is_json and "content-type" not in {name.lower() for name in sent}:
        sent["Content-Type"] = "application/json"
    text = json.dumps(body) if is_json else (body or "")
    return SentRequest(method.upper(), fill_placeholders(url), tuple(sent.items()), text.encode())
