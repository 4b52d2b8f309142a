"""Fixtures of the download tests."""

from __future__ import annotations

import pytest

from ...support.both_clients import ClientHarness
from ...support.virtual_time import FixedJitter


@pytest.fixture
def harness(harness: ClientHarness) -> ClientHarness:
    harness.client.session.rng = FixedJitter(1.0)
    return harness
