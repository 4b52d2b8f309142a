"""Fixtures of the wrapper's own tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .twin import WAYS, Twin, twins


@pytest.fixture(params=WAYS)
def twin(request: pytest.FixtureRequest) -> Iterator[Twin]:
    """Either client, on a scripted network and in virtual time."""
    yield from twins(request.param)
