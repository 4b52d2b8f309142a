"""Fixtures of the wrapper's own tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .support.both_clients import MODES, ClientHarness, make_harness


@pytest.fixture(params=MODES)
def harness(request: pytest.FixtureRequest) -> Iterator[ClientHarness]:
    """Either client, on a scripted network and in virtual time."""
    yield from make_harness(request.param)
