"""Sends one request with the given arguments, or returns its issues."""

from __future__ import annotations

from typing import Any

import pytest

from cometapi_runway import InvalidRequestError
from cometapi_runway.errors import Issue

from .both_clients import ClientHarness
from .fault_table import ACCEPTED


def sent(harness: ClientHarness, **arguments: Any) -> dict[str, Any]:
    """The body that leaves for arguments."""
    harness.respond_with(ACCEPTED)
    harness.create(**arguments)
    body: dict[str, Any] = harness.network.sent[-1].json
    return body


def refused(harness: ClientHarness, **arguments: Any) -> tuple[Issue, ...]:
    """What is wrong with arguments; nothing leaves for them."""
    with pytest.raises(InvalidRequestError) as caught:
        harness.create(**arguments)
    assert harness.network.sent == []
    for issue in caught.value.issues:
        assert issue.message in str(caught.value)
    return caught.value.issues
