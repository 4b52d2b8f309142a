"""Fixtures of the partial file tests."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cometapi_runway._core.partial_file import PartialFile


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    return tmp_path / "a.part"


@pytest.fixture
def parts(shared: Path) -> Iterator[list[PartialFile]]:
    """Three that want the same file."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(PartialFile(shared))) for _ in range(3)]
