"""Retrieving one task."""

from __future__ import annotations

from typing import Any

from .both_clients import ID, ClientHarness


def retrieve(harness: ClientHarness, client: Any = None) -> Any:
    return harness.run((client or harness.client).tasks.retrieve(ID))
