"""Writes each response of unknown shape to a file, once per shape."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Final

from attrs import define, field

from cometapi_runway._capture._corpus_file import CorpusFile, CorpusKind, Expected
from cometapi_runway._capture._redact import EXAMPLE_ID, redact_response
from cometapi_runway._capture._shapes import Shape, get_media_type, make_digest, read_shape
from cometapi_runway._core.json_values import parse_json
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.secret import Secret
from cometapi_runway._core.task import FAILED, PENDING, Task
from cometapi_runway._flows.parse_task import parse_created_id, parse_task
from cometapi_runway._flows.read_response import parse_response
from cometapi_runway.errors import APIStatusError, RunwayError, TaskFailedError
from cometapi_runway.validation import Contract, ShapeDifference, contract

MAX_FILES: Final = 200
"""Files that one client writes at most: a gateway may send another shape each time."""
MAX_SHAPES: Final = 10_000
"""Shapes that are remembered at most; they are compared again after that."""

MAX_OUTLINES: Final = 1000
MAX_OUTLINE_BYTES: Final = 4096
"""Outlines that are remembered at most, and bytes of each."""
_HIDE_HEX_DIGITS: Final = bytes.maketrans(b"123456789abcdef", b"0" * 15)
_STATUS_WORDS: Final = re.compile(rb'"stat(?:us|e)"\s*:\s*"([^"]*)')

_logger = logging.getLogger("cometapi_runway.capture")
_OWNER_ONLY: Final = 0o600


@define(eq=False)
class ResponseRecorder:
    """Watches the responses of one client.

    Any thread may call it. It raises nothing: a folder that cannot be written is logged once.

    Attributes:
        folder: Where the files go; created when the first one is written.
        key: The API key, which no file holds.
    """

    folder: Path
    key: Secret
    _outlines: set[Shape] = field(init=False, factory=set)
    _seen: set[Shape] = field(init=False, factory=set)
    _written: set[str] = field(init=False, factory=set)
    _has_failed: bool = field(init=False, default=False)

    def is_new(self, operation: str, response: RawResponse) -> bool:
        """Whether no response of this shape has been seen; it counts as seen from now on."""
        # Polls differ in ids and numbers. With hexadecimal digits alike most are equal, and need
        # not be parsed, which would cost more than everything else here.
        outline = (
            operation,
            response.status,
            response.headers.get("content-type"),
            response.body.translate(_HIDE_HEX_DIGITS),
        )
        if outline in self._outlines:
            return False
        if len(self._outlines) < MAX_OUTLINES and _has_clear_words(response.body):
            self._outlines.add(outline)
        return self._is_new_shape(read_shape(operation, response))

    def _is_new_shape(self, shape: Shape) -> bool:
        if shape in self._seen:
            return False
        if len(self._seen) >= MAX_SHAPES:
            self._seen.clear()
        self._seen.add(shape)
        return True

    def record(self, operation: str, response: RawResponse) -> None:
        """Write a response to a file if the contract lacks anything of it."""
        try:
            if compare_response(operation, response):
                self._write(operation, response)
        except Exception as error:
            if not self._has_failed:
                self._has_failed = True
                # The class and not the text: an error may quote the response.
                reason = error.strerror if isinstance(error, OSError) else type(error).__name__
                _logger.warning("cannot capture responses in %s: %s", self.folder, reason)

    def _write(self, operation: str, response: RawResponse) -> None:
        redacted = redact_response(response)
        digest = make_digest(read_shape(operation, redacted))
        if digest in self._written or len(self._written) >= MAX_FILES:
            return
        content = _make_file(operation, response, redacted)
        folder = self.folder / f"{content.kind}s"
        folder.mkdir(parents=True, exist_ok=True)
        text = self.key.hide_in_text(content.to_toml())
        name = f"{operation}-{response.status}-{digest}.toml"
        try:
            with open(folder / name, "x", encoding="utf-8", opener=_open_private) as file:
                file.write(text)
        except FileExistsError:
            # Another client wrote it, or an earlier process.
            pass
        self._written.add(digest)


def _has_clear_words(body: bytes) -> bool:
    """Whether a body is short and no other status word has the same outline as its own."""
    return len(body) <= MAX_OUTLINE_BYTES and all(
        word == word.translate(_HIDE_HEX_DIGITS) and b"0" not in word
        for word in _STATUS_WORDS.findall(body)
    )


def compare_response(
    operation: str, response: RawResponse, expected: Contract | None = None
) -> tuple[ShapeDifference, ...]:
    """What a contract lacks of a response.

    Args:
        operation: The operation that the response is to.
        response: The response.
        expected: The contract; None for the package's own.

    Raises:
        KeyError: The contract has no such operation.
    """
    try:
        body, is_json = parse_json(response.body), True
    except ValueError:
        body, is_json = None, False
    media_type = get_media_type(response.headers.get("content-type", ""))
    return (expected or contract()).compare_response(
        operation, response.status, media_type, body, is_json=is_json
    )


def describe_difference(difference: ShapeDifference) -> str:
    """A difference in words."""
    path, value = difference.path or "the body", difference.value or "none"
    return {
        "status": f"HTTP status {value} is not documented",
        "content-type": f"content type {value} is not documented for this status",
        "envelope": f"no documented body has these fields or this type: {value}",
        "field": f"field {path} is not documented",
        "missing": f"field {path} is missing, which is documented as required",
        "type": f"{path} is {value}, which is not documented",
        "word": f"{path} has the word {value!r}, which is not documented",
    }[difference.rule]


def _make_file(operation: str, original: RawResponse, redacted: RawResponse) -> CorpusFile:
    kind, expect = _read(operation, redacted)
    differences = compare_response(operation, redacted)
    title = "; ".join(map(describe_difference, differences[:3]))
    note = ""
    if _read(operation, original)[0] != kind or _outcome(operation, original) != _outcome(
        operation, redacted
    ):
        note = f"The response before it was redacted: {_outcome(operation, original)}."
    return CorpusFile(kind, title, operation, redacted, expect, note)


def _outcome(operation: str, response: RawResponse) -> str:
    """What a response was, without its values."""
    kind, expect = _read(operation, response)
    return str(expect["error"]) if kind == "error" else kind


def _read(operation: str, response: RawResponse) -> tuple[CorpusKind, Expected]:
    """What the client makes of a response."""
    try:
        layers = parse_response(response)
        if not contract().operation(operation).is_read:
            return "creation", {"id": parse_created_id(layers)}
        return "task", _describe_task(parse_task(layers, Task(EXAMPLE_ID, PENDING)))
    except RunwayError as error:
        return "error", _describe_error(error)


def _describe_task(task: Task) -> Expected:
    can_retry = TaskFailedError(task.id, task).can_retry if task.status == FAILED else None
    facts = {
        "id": task.id,
        "status": task.status,
        "progress": task.progress,
        "output": task.output or None,
        "failure": task.failure,
        "failure_code": task.failure_code,
        "created_at": task.created_at,
        "can_retry": can_retry,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _describe_error(error: RunwayError) -> Expected:
    facts: dict[str, str | float | None] = {"error": type(error).__name__}
    if isinstance(error, APIStatusError):
        facts["code"] = error.code
        facts["retry_after"] = getattr(error, "retry_after", None)
    return {name: value for name, value in facts.items() if value is not None}


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, _OWNER_ONLY)
