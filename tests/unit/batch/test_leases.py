"""Whether a process runs a batch, as others see it."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from cometapi_runway._core.secret import Secret
from cometapi_runway.batch._places import make_place

NAMES = ["shots", "a", "x" * 40]
"""With negative and with positive hashes."""


POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgres)


@pytest.mark.parametrize("records", ["file", POSTGRESQL])
def test_a_batch_is_run_as_long_as_its_lease_is_held(
    records: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    is_file = records == "file"
    url = None if is_file else Secret(request.getfixturevalue("postgres_url"))
    place = make_place("", tmp_path, url)
    for name, other in zip(NAMES, [*NAMES[1:], NAMES[0]], strict=True):
        with contextlib.closing(place.open_store(name)) as store:
            assert not place.is_run(name, store)
            with place.lease(name, store):
                assert place.is_run(name, store)
                assert not place.is_run(other, store)
            # A server sees a moment later that a session has ended.
            deadline = time.monotonic() + 10
            while place.is_run(name, store):
                assert time.monotonic() < deadline
                time.sleep(0.01)
