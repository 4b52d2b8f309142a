"""The file that the download tests fetch, and replies with the whole or a part of it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import httpx
from attrs import define, field

from cometapi_runway._core.task import Task

from .both_clients import ID, ClientHarness
from .scripted_transport import Failure, Reply, json_reply

HOST = "https://cdn.example"
URL = f"{HOST}/output.mp4?_jwt=old"
FRESH = f"{HOST}/output.mp4?_jwt=fresh"
DATA = bytes(range(256)) * 700
HALF = len(DATA) // 2
ONE = {"etag": '"one"'}
VIDEO = {"content-type": "video/mp4"}
GZIP = {**VIDEO, "content-encoding": "gzip"}
ZIPPED = gzip.compress(DATA)
DEAD = Failure(httpx.ConnectError)
AGAIN = json_reply({"id": ID, "status": "SUCCEEDED", "output": [FRESH]})


def whole(**more: Any) -> Reply:
    return Reply(200, DATA, {**VIDEO, **more})


def broken(upto: int = HALF, **more: Any) -> Reply:
    """The file, until the connection breaks."""
    return Reply(200, DATA[:upto], {**VIDEO, **more}, breaks=httpx.ReadError, declared=len(DATA))


def rest(start: int = HALF, **more: Any) -> Reply:
    span = f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"
    return Reply(206, DATA[start:], {**VIDEO, "content-range": span, **more})


def finished(*urls: str, task_id: str = ID) -> Task:
    return Task(task_id, "SUCCEEDED", output=urls or (URL,))


def fetch(
    harness: ClientHarness, folder: Path, task: Task | None = None, **options: Any
) -> list[Path]:
    bound = harness.client.bind(task or finished())
    paths: list[Path] = harness.run(bound.download(folder, **options))
    return paths


def ranges(harness: ClientHarness) -> list[str | None]:
    return [one.headers.get("range") for one in harness.network.sent]


FROM_HALF = f"bytes={HALF}-"


def _start(request: httpx.Request) -> int:
    asked = request.headers.get("range", "bytes=0-")
    return int(asked.removeprefix("bytes=").removesuffix("-"))


@define
class Meter:
    """A progress callback that keeps what it was told."""

    told: list[tuple[int, int, int | None]] = field(factory=list)

    def __call__(self, *told: Any) -> None:
        self.told.append(told)
