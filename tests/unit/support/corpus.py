"""Loads the gateway's responses from data files."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.task import PENDING, Task

FOLDER = Path(__file__).parents[2] / "data" / "corpus"
KINDS = frozenset({"task", "creation", "error", "callback"})
CONFIDENCE = frozenset({"documented", "observed", "upstream", "inferred"})
POLLING = frozenset({"goes on", "unknown task", "ends"})
CREATING = frozenset({"refused", "sent again", "unknown"})


@frozen
class Shape:
    """One answer of the gateway and what is to be made of it."""

    name: str
    title: str
    kind: str
    source: str | list[str]
    confidence: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    expect: Mapping[str, Any]
    note: str = ""
    asked: str | None = None
    operation: str | None = None

    @property
    def asked_id(self) -> str:
        """The id that a question with this answer was about."""
        return self.asked or self.expect.get("id", "d0658ae1-bbdd-4adc-aaba-fd8070e14d79")

    @property
    def known(self) -> Task:
        return Task(self.asked_id, PENDING)

    def arrived(self) -> RawResponse:
        """The answer as the transport hands it on."""
        return RawResponse("GET", "/corpus", self.status, self.headers, self.body, received_at=0.0)


def shapes(*kinds: str) -> list[Shape]:
    """Every shape of the given kinds, or of all, in a fixed order."""
    return [shape for shape in _load_all() if not kinds or shape.kind in kinds]


@functools.cache
def _load_all() -> list[Shape]:
    return [load(path) for path in sorted(FOLDER.rglob("*.toml"))]


def load(path: Path) -> Shape:
    """One file."""
    told = tomllib.loads(path.read_text("utf-8"))
    answer = {"status": 200, "headers": {}} | told.pop("answer")
    body = answer.pop("body").encode()
    return Shape(name=f"{path.parent.name}/{path.stem}", body=body, **answer, **told)
