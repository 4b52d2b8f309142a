"""Writes the files of the corpus; ``tests/data/corpus/README.md`` describes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, TypeAlias

from attrs import frozen

from cometapi_runway._core.raw_response import RawResponse

CorpusKind: TypeAlias = Literal["task", "creation", "error"]
Expected: TypeAlias = Mapping[str, str | float | bool | tuple[str, ...] | datetime]
_SOURCE: Final = "a response of the gateway, captured by cometapi-runway"


@frozen
class CorpusFile:
    """One response and what the client makes of it.

    Attributes:
        kind: What the response is, and the folder of its file.
        title: What is unusual about it.
        operation: The operation that it is a response to.
        response: The response, redacted.
        expect: What the client makes of it.
        note: What the file does not show.
    """

    kind: CorpusKind
    title: str
    operation: str
    response: RawResponse
    expect: Expected
    note: str = ""

    def to_toml(self) -> str:
        """The text of the file."""
        fields = {
            "title": self.title,
            "kind": self.kind,
            "source": _SOURCE,
            "confidence": "observed",
            "operation": self.operation,
        }
        if self.note:
            fields["note"] = self.note
        headers = ", ".join(
            f"{name} = {_format(value)}" for name, value in self.response.headers.items()
        )
        lines = [f"{name} = {_format(value)}" for name, value in fields.items()]
        # A literal text: the redacted body has no apostrophe.
        lines += ["", "[answer]", f"status = {self.response.status}"]
        lines += [f"headers = {{ {headers} }}"] if headers else ["headers = {}"]
        lines += [f"body = '''\n{self.response.body.decode()}'''", "", "[expect]"]
        lines += [f"{name} = {_format(value)}" for name, value in self.expect.items()]
        return "\n".join(lines) + "\n"


def _format(value: str | float | bool | tuple[str, ...] | datetime) -> str:
    """A TOML value; its basic strings are written as JSON's, apart from DEL."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_format, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
