"""Clients as a whole: context manager, logging and generated functions."""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

import httpx
import pytest

from cometapi_runway import (
    APIConnectionError,
    ServerError,
)

from .support.both_clients import ASSETS, ID, KEY
from .support.mocked_gateway import HTML, OUTPUT, PATH, POLL, RAW, MockedGateway


def generated(gateway: MockedGateway, operation: str, **arguments: Any) -> Any:
    module = import_module(f"cometapi_runway_api.api.official.{operation}")
    function = module.asyncio if gateway.harness.is_async else module.sync
    return gateway.run(function(client=gateway.client.api, **arguments))


def test_a_generated_function_carries_the_key(gateway: MockedGateway) -> None:
    gateway.polls(RAW["done"])
    task = generated(gateway, "runway_to_get_task_details", id=ID)
    assert task.output == [OUTPUT]
    assert gateway.poll.calls[0].request.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [524, 502, 599])
def test_a_generated_function_fails_as_the_wrapper_does(
    status: int, gateway: MockedGateway
) -> None:
    """Generated parsing bears neither HTML nor 524, which Python's HTTPStatus does not know."""
    gateway.polls(httpx.Response(status, html=HTML))
    with pytest.raises(ServerError) as caught:
        generated(gateway, "runway_to_get_task_details", id=ID)
    assert caught.value.status_code == status


def test_a_resource_is_made_once(gateway: MockedGateway) -> None:
    client = gateway.client
    assert client.image_to_video is client.image_to_video
    assert client.compat.act_one is client.compat.act_one


def test_a_client_is_a_context_manager(gateway: MockedGateway) -> None:
    async def awaiting() -> None:
        async with gateway.client as client:
            assert client is gateway.client
            await client.tasks.retrieve(ID)

    gateway.polls(RAW["running"])
    if gateway.harness.is_async:
        gateway.run(awaiting())
    else:
        with gateway.client as client:
            client.tasks.retrieve(ID)
    assert gateway.poll.call_count == 1


def test_the_names_of_a_client_are_those_that_users_call(gateway: MockedGateway) -> None:
    names = set(dir(gateway.client))
    assert names >= {"tasks", "character_performance", "compat", "__class__"}
    others = {name for name in names if name.startswith("_") and not name.endswith("__")}
    assert others | ({"session"} & names) == set()


def test_closing_twice_does_no_harm(gateway: MockedGateway) -> None:
    gateway.run(gateway.client.close())
    gateway.run(gateway.client.close())


def test_a_refused_connection_is_reported(gateway: MockedGateway) -> None:
    gateway.create.mock(side_effect=httpx.ConnectError("Connection refused"))
    gateway.client.session.rng.uniform = lambda _, b: b
    with pytest.raises(APIConnectionError, match="Connection refused") as caught:
        gateway.run(gateway.client.character_performance.create(**ASSETS))
    assert caught.value.delivery == "not_sent"
    assert gateway.create.call_count == 7


def test_a_retry_is_logged(gateway: MockedGateway, caplog: pytest.LogCaptureFixture) -> None:
    slower = httpx.Response(429, headers={"retry-after": "3"}, json={})
    accepted = httpx.Response(200, json={"id": ID})
    gateway.create.mock(side_effect=[httpx.ConnectError("refused"), slower, accepted])
    with caplog.at_level(logging.INFO, "cometapi_runway"):
        gateway.run(gateway.client.character_performance.create(**ASSETS))
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        (
            "INFO",
            "api.cometapi.com: attempt 1 failed: not reachable; retrying for up to 30 s "
            "(nothing was sent)",
        ),
        (
            "INFO",
            "api.cometapi.com: attempt 2 failed: the rate is limited (HTTP 429); retrying for up "
            "to 30 s (nothing was accepted)",
        ),
    ]


def test_it_is_quiet_unless_asked(
    gateway: MockedGateway, capfd: pytest.CaptureFixture[str]
) -> None:
    logger = logging.getLogger("cometapi_runway")
    assert logger.level == logging.NOTSET
    gateway.polls(RAW["running"], httpx.Response(502, html=HTML), RAW["done"])
    gateway.run(gateway.submitted().wait())
    assert capfd.readouterr() == ("", "")


def test_every_request_is_logged_at_debug_level(
    gateway: MockedGateway, caplog: pytest.LogCaptureFixture
) -> None:
    gateway.polls(httpx.Response(502, html=HTML), httpx.ReadTimeout("too slow"), RAW["done"])
    with caplog.at_level(logging.DEBUG, "cometapi_runway"):
        gateway.run(gateway.submitted().wait())
    lines = [r.getMessage() for r in caplog.records if r.name == "cometapi_runway.http"]
    assert lines[0] == f"POST {PATH}: HTTP 200"
    assert lines[1] == f"GET {POLL}: HTTP 502"
    assert "too slow" in lines[2]
    assert lines[3] == f"GET {POLL}: HTTP 200"
