"""Clients with a journal, and tasks that are recorded in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx

from cometapi_runway import (
    RunwayClient,
)
from cometapi_runway._flows.steps import (
    PreparedRequest,
)
from cometapi_runway.journal import Journal

from .fault_table import family

ASSETS = {"character": "https://e.com/a.png?sig=1", "reference": "https://e.com/b.mp4"}
GONE = family(400, "task_not_exist")
DAY = 86_400
CALL = PreparedRequest("control_a_character", "POST", "/x", {}, {"seed": 7})


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


def client(
    journal: Path | Journal, answer: Callable[[httpx.Request], httpx.Response], **options: str
) -> RunwayClient:
    return RunwayClient(
        "the-key-of-the-user",
        journal=journal,
        transport=httpx.MockTransport(answer),
        clock=Clock(),
        **options,
    )
