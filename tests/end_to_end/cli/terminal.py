"""Runs commands in this process."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import field, frozen

from cometapi_runway.cli import main

KEY = "sk-a-key-that-must-not-be-shown"
FACE = "https://example.com/face.png"
CLIP = "https://example.com/clip.mp4?signature=of-the-clip"
CREATE = ("character-performance", "--character", FACE, "--reference", CLIP)
QUICK = ("--interval", "0.01")


@frozen
class CommandResult:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def results(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def progress(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.err.splitlines()]

    @property
    def everything(self) -> str:
        return self.out + self.err


@frozen
class Terminal:
    """Runs commands in this process."""

    capture: pytest.CaptureFixture[str]
    history: list[CommandResult] = field(factory=list[CommandResult])

    def __call__(self, *words: str) -> CommandResult:
        self.capture.readouterr()
        code = main(words)
        result = CommandResult(code, *self.capture.readouterr())
        self.history.append(result)
        return result
