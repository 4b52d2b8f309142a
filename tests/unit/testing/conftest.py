"""Fixtures for the tests of `cometapi_runway.testing`."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_real_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that sleeps, because otherwise it would only be slow."""

    def refuse(seconds: float) -> None:
        raise AssertionError(f"slept {seconds} real seconds")

    monkeypatch.setattr("time.sleep", refuse)
