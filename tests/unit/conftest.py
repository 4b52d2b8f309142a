"""Fixtures of the wrapper's own tests."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import httpx
import pytest
import respx

from .support.both_clients import MODES, ClientHarness, make_harness
from .support.mocked_gateway import MockedGateway
from .support.secret_cases import Gateway, Handler


@pytest.fixture(params=MODES)
def harness(request: pytest.FixtureRequest) -> Iterator[ClientHarness]:
    """Either client, on a scripted network and in virtual time."""
    yield from make_harness(request.param)


@pytest.fixture
def gateway(harness: ClientHarness) -> Iterator[MockedGateway]:
    """Either client, on routes that respx mocks."""
    with respx.mock(using=None, assert_all_called=False) as router:
        handler = router.async_handler if harness.is_async else router.handler
        client = harness.new(transport=httpx.MockTransport(handler))
        yield MockedGateway(harness, client, router)


@pytest.fixture(scope="module")
def leaking_gateway() -> Iterator[Gateway]:
    """A gateway on a real socket that repeats secrets in its responses."""
    with Gateway(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
