"""A task says whether its ``create`` sent a request, or found that of its idempotency key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..support.both_clients import ID, MODES, ClientHarness, Mode
from ..support.scripted_transport import json_reply


@pytest.fixture(params=MODES)
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ClientHarness]:
    mode: Mode = request.param
    created = ClientHarness(mode, journal=tmp_path / "journal.sqlite3")
    yield created
    created.close()


def test_only_a_task_whose_create_sent_nothing_is_reused(harness: ClientHarness) -> None:
    harness.respond_with(json_reply({"id": ID}), json_reply({"id": "another"}))

    first, again = (harness.create(idempotency_key="order-17") for _ in range(2))
    without = harness.create()

    assert [first.id, again.id, without.id] == [ID, ID, "another"]
    assert [first.is_reused, again.is_reused, without.is_reused] == [False, True, False]
    assert first == again
    assert len(harness.network.sent) == 2
