"""What the readers of code samples have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..drivers.request_capture import SentRequest

# Stands for what a sample leaves to its reader: a key, a task's id.
PLACEHOLDER = "sample"
_LEFT_OPEN = re.compile(r"\$\{?[A-Za-z_]\w*\}?|\{[a-z_]+\}|<[A-Za-z_ -]+>")


class UnsupportedSampleError(Exception):
    """A sample is written in a way its reader does not know; never a reason to skip it."""


def fill_placeholders(text: str) -> str:
    """The text with what it leaves to its reader filled in: ``$KEY``, ``{id}``, ``<task id>``."""
    return _LEFT_OPEN.sub(PLACEHOLDER, text)


def make_request(
    method: str, url: str, headers: Mapping[str, str], body: Any, *, is_json: bool
) -> SentRequest:
    """A make_request as a sample would send it.

    Args:
        method: in any case.
        url: with its placeholders.
        headers: those the sample writes.
        body: text, or the value of a JSON body; None for none.
        is_json: whether the tool encodes the body as JSON and says so.
    """
    sent = {name: fill_placeholders(value) for name, value in headers.items()}
    if is_json and "content-type" not in {name.lower() for name in sent}:
        sent["Content-Type"] = "application/json"
    text = json.dumps(body) if is_json else (body or "")
    return SentRequest(method.upper(), fill_placeholders(url), tuple(sent.items()), text.encode())
