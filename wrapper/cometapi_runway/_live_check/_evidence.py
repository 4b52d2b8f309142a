"""Collects what a gateway answered and writes it to one file, without values that may be secret."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from attrs import define, field

from cometapi_runway._capture._recorder import ResponseRecorder
from cometapi_runway._capture._redact import redact_response
from cometapi_runway._core.json_values import JSON, parse_json
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.redaction import HIDDEN
from cometapi_runway._core.secret import Secret
from cometapi_runway._core.version import DISTRIBUTION, __version__
from cometapi_runway._live_check._questions import Question, Reply
from cometapi_runway._live_check._verdicts import (
    Finding,
    Verdict,
    describe_expectation,
    describe_reply,
)
from cometapi_runway.validation import contract

_OWNER_ONLY: Final = 0o600


@define(eq=False)
class Evidence:
    """What one run has learned; a `ResponseWatcher` of the client that spends.

    Attributes:
        folder: Where the file goes, and a file of the corpus for each response whose shape the
            contract lacks.
        key: The API key, which no file holds.
        gateway: The gateway's address; only its host is written.
        started: When the run began, in Unix seconds.
        spent: What was bought, or None.
    """

    folder: Path
    key: Secret
    gateway: str = field(repr=False)
    started: float
    spent: dict[str, JSON] | None = None
    _questions: list[JSON] = field(init=False, factory=list["JSON"])
    _responses: list[JSON] = field(init=False, factory=list["JSON"])
    _recorder: ResponseRecorder = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Share the folder with the recorder of shapes."""
        self._recorder = ResponseRecorder(self.folder, self.key)

    @property
    def file(self) -> Path:
        """The file with everything."""
        moment = datetime.fromtimestamp(self.started, UTC)
        return self.folder / f"live-{moment:%Y%m%dT%H%M%SZ}.json"

    def add(self, question: Question, reply: Reply, findings: Sequence[Finding]) -> None:
        """Add the reply to a question."""
        self._questions.append(make_question_fields(question, reply, findings))
        # A response to another method is none to the operation, so the contract lacks nothing.
        if reply.response is not None and question.is_read:
            self._recorder.record(question.operation.id, reply.response)

    def is_new(self, operation: str, response: RawResponse) -> bool:
        """Whether no response of this shape has come since the questions."""
        return self._recorder.is_new(operation, response)

    def record(self, operation: str, response: RawResponse) -> None:
        """Add a response to a paid task; each shape comes once."""
        self._responses.append({"operation": operation, **make_response_fields(response)})
        self._recorder.record(operation, response)

    def write(self) -> None:
        """Write the file, readable by its owner only.

        Raises:
            OSError: It cannot be written.
        """
        info = contract().document.get("info")
        content = {
            "program": f"{DISTRIBUTION} {__version__}",
            "contract": info.get("version") if isinstance(info, dict) else None,
            "gateway": urlsplit(self.gateway).hostname,
            "at": datetime.fromtimestamp(self.started, UTC).isoformat(timespec="seconds"),
            "questions": self._questions,
            "spent": self.spent,
            "responses": self._responses,
        }
        text = self.key.hide_in_text(json.dumps(content, indent=2, ensure_ascii=False))
        with open(self.file, "w", encoding="utf-8", opener=_open_private) as file:
            file.write(f"{text}\n")


def make_question_fields(
    question: Question, reply: Reply, findings: Sequence[Finding]
) -> dict[str, JSON]:
    """A question and what came of it, without values that may be secret."""
    return {
        "question": question.text,
        "method": question.method,
        "path": question.operation.path,
        "headers": list(question.headers),
        "operation": question.operation.id,
        "expected": describe_expectation(question),
        "came": describe_reply(reply),
        "verdicts": [str(one.verdict) for one in findings] or [str(Verdict.AS_EXPECTED)],
        "details": [one.detail for one in findings],
        "seconds": round(reply.seconds, 2),
        "response": None if reply.response is None else make_response_fields(reply.response),
    }


def make_response_fields(response: RawResponse) -> dict[str, JSON]:
    """The shape of a response."""
    try:
        redacted = redact_response(response)
        text = redacted.body.decode()
        headers: dict[str, JSON] = {**redacted.headers}
    except RecursionError:
        # Parsed without it, and nested too deeply to be walked.
        return {"status": response.status, "headers": {}, "body": HIDDEN}
    try:
        body = parse_json(text)
    except ValueError:
        body = text
    return {"status": response.status, "headers": headers, "body": body}


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, _OWNER_ONLY)
