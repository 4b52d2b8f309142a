"""One marker as key, as picture and as signature: whatever goes wrong, nobody gets to read it.

Over a real socket, since httpx's and httpcore's own log lines are part of what must not tell.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import traceback
from pathlib import Path
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import RunwayError

from .support.both_clients import ID, MODES, Mode
from .support.secret_cases import CLIP, KEY, MARKER, PICTURE, Case, Gateway, fetch, outcome

ASSETS = {"character": PICTURE, "reference": f"https://assets.example/clip.mp4?sig={MARKER}"}


def create(client: Any, _: Path) -> Any:
    return client.character_performance.create(**ASSETS)


def await_end(client: Any, _: Path) -> Any:
    return client.tasks.wait(ID, timeout=20)


def retrieve(client: Any, _: Path) -> Any:
    return client.tasks.retrieve(ID)


def invalid(client: Any, _: Path) -> Any:
    return client.character_performance.create(
        character=f"data:image/png;base64,{MARKER} {MARKER}",
        reference=CLIP,
        ratio=f"https://x.example/?{MARKER}",
        extra_headers={"Authorization": KEY},
    )


def invalid_body(client: Any, _: Path) -> Any:
    return client.character_performance.create(
        character={"type": "image", "uri": f"data:image/png;base64,{MARKER} {MARKER}"},
        reference=CLIP.replace("https", "http"),
        extra_body={"ratio": PICTURE, "seed": CLIP, "model": [PICTURE]},
    )


def invalid_header(client: Any, _: Path) -> Any:
    return client.character_performance.create(**ASSETS, extra_headers={"X-A": f"{MARKER}\n"})


def untellable(client: Any, _: Path) -> Any:
    return client.character_performance.create(
        character=f"https://a.example/x?sig={MARKER}", reference=CLIP
    )


SAYINGS = (
    "refused",
    "unauthorised",
    "busy",
    "family",
    "page",
    "page_as_success",
    "strange",
    "redirect",
    "nothing",
    "half",
    "failed",
)
CASES = (
    Case("create", create),
    Case("retrieve", retrieve),
    *(Case(f"create, {saying}", create, creates=saying) for saying in SAYINGS),
    Case("wait", await_end),
    *(Case(f"wait, {saying}", await_end, polls=saying) for saying in SAYINGS),
    *(Case(f"retrieve, {saying}", retrieve, polls=saying) for saying in SAYINGS),
    Case("download", fetch),
    *(
        Case(f"download, {saying}", fetch, serves=saying)
        for saying in (
            "refused",
            "page",
            "page_as_success",
            "expired",
            "redirect",
            "nothing",
            "half",
        )
    ),
    Case("download, expired, and the gateway ails", fetch, serves="expired", polls="page"),
    Case("invalid", invalid),
    Case("invalid body", invalid_body),
    Case("invalid header", invalid_header),
    Case("untellable", untellable),
)
GOOD = {
    "create",
    "create, failed",
    "retrieve",
    "retrieve, failed",
    "wait",
    "download",
    "download, redirect",
}


def everything_said(result: Any) -> str:
    """All that a result or an error can be made to say."""
    said = [str(result), repr(result)]
    if isinstance(result, BaseException):
        said += traceback.format_exception(result)
        said += [f"{name}={value!r}" for name, value in vars(result).items() if name != "_response"]
        causes = [result.__cause__, result.__context__]
        said += [everything_said(cause) for cause in causes if cause is not None]
    said += [str(issue) for issue in getattr(result, "issues", ())]
    return "\n".join(said)


@each_case("mode", MODES)
@each_case("case", CASES, ids=lambda case: case.name)
def test_no_secret_is_shown(
    case: Case,
    mode: Mode,
    leaking_gateway: Gateway,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    result = outcome(mode, case, leaking_gateway, tmp_path)
    assert isinstance(result, RunwayError) != (case.name in GOOD), result
    assert MARKER not in everything_said(result)
    assert MARKER not in caplog.text
    if not case.name.startswith(("invalid", "untellable")):
        # The log was on, and of use.
        assert "cometapi_runway" in caplog.text or "httpcore" in caplog.text


def test_the_journal_keeps_neither_key_nor_picture(
    leaking_gateway: Gateway, tmp_path: Path
) -> None:
    """Addresses it keeps whole: it exists so that a request can be repeated."""
    assets = {"character": PICTURE, "reference": "https://assets.example/clip.mp4"}
    cases = [
        Case("create", lambda client, _: client.character_performance.create(**assets)),
        Case("refused", lambda c, _: c.character_performance.create(**assets), creates="refused"),
        Case("lost", lambda c, _: c.character_performance.create(**assets), creates="page"),
        Case("failed", await_end, polls="failed"),
        Case("download", fetch),
    ]
    for case in cases:
        outcome("blocking", case, leaking_gateway, tmp_path, journal=True)
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.db")) as db:
        dump = "\n".join(db.iterdump())
    assert ID in dump
    assert MARKER not in dump
    for file in tmp_path.glob("journal.db*"):
        assert MARKER.encode() not in file.read_bytes()
