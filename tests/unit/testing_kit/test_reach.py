"""What the fixtures reach: every client of the process, and nothing beyond the gateway."""

from __future__ import annotations

import asyncio
import os

import httpx
import pytest

from cometapi_runway import AsyncRunwayClient, RunwayClient
from cometapi_runway._core.clock import AsyncSystemClock, SystemClock
from cometapi_runway.simulator import SimulatorServer
from cometapi_runway.testing import API_KEY, mocked, simulated

ASSETS = {"character": "https://example.com/face.png", "reference": "https://example.com/c.mp4"}
HEADERS = {"Authorization": "Bearer own-key", "X-Runway-Version": "2024-11-06"}


def read(base_url: str, task_id: str) -> str:
    return f"{base_url}/runwayml/v1/tasks/{task_id}"


def test_a_client_that_the_application_makes_itself(runway_simulator, tmp_path):
    with RunwayClient() as client:
        assert client.character_performance.create(**ASSETS).wait().download(tmp_path)
    runway_simulator.assert_charged(1)


@pytest.mark.anyio
async def test_an_asynchronous_one(runway_simulator, tmp_path):
    async with AsyncRunwayClient() as client:
        task = await client.character_performance.create(**ASSETS)
        assert await (await task.wait()).download(tmp_path)
    runway_simulator.assert_charged(1)


def test_a_client_that_was_there_before():
    with RunwayClient("a-key") as client, simulated.simulator() as kit:
        assert client.character_performance.create(**ASSETS).wait().output
        kit.assert_charged(1)


@pytest.mark.parametrize("fixture", ["runway_simulator", "runway_server", "runway_mock"])
def test_any_httpx_client(fixture, request):
    kit = request.getfixturevalue(fixture)
    task = kit.client.character_performance.create(**ASSETS)
    url = read(kit.base_url, task.id)
    kit.advance(60)
    assert httpx.get(url, headers=HEADERS).json()["status"] == "SUCCEEDED"

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(headers=HEADERS) as http:
            return await http.get(url)

    assert asyncio.run(ask()).json()["status"] == "SUCCEEDED"


def test_a_client_with_a_transport_of_its_own(runway_simulator):
    with httpx.Client(transport=httpx.HTTPTransport(retries=2), headers=HEADERS) as http:
        assert http.get(read(runway_simulator.base_url, "x")).status_code == 400


@pytest.mark.parametrize("opened", [simulated.simulator, mocked.mock])
def test_other_hosts_are_none_of_its_business(opened):
    with SimulatorServer() as other, opened() as kit:
        answer = httpx.get(f"{other.base_url}/_simulator/state")
        assert answer.json()["totals"]["requests"] == 0

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient() as http:
                return await http.get(f"{other.base_url}/_simulator/state")

        assert asyncio.run(ask()).status_code == 200
        assert not kit.history()


@pytest.mark.parametrize("opened", [simulated.simulator, simulated.server, mocked.mock])
def test_all_is_as_it_was_afterwards(opened):
    def patched() -> list[object]:
        kinds = (httpx.HTTPTransport, httpx.AsyncHTTPTransport, httpx.MockTransport)
        methods = [vars(kind).get(f"handle_{how}") for kind in kinds
                   for how in ("request", "async_request")]  # fmt: skip
        clocks = [vars(kind)[name] for kind in (SystemClock, AsyncSystemClock)
                  for name in ("now", "sleep")]  # fmt: skip
        return [*methods, *clocks]

    before = patched()
    with opened():
        assert patched() != before
    assert patched() == before


def test_the_paid_gateway_is_out_of_reach_of_a_server_too(runway_server):
    """An application that has its address built in ends up at the server all the same."""
    assert httpx.get(read("https://api.cometapi.com", "x"), headers=HEADERS).status_code == 400
    runway_server.assert_requested(1, operation="tasks")


def test_both_at_once(runway_simulator, runway_server):
    runway_simulator.client.character_performance.create(**ASSETS)
    runway_simulator.assert_charged(1)
    runway_server.client.character_performance.create(**ASSETS)
    runway_server.assert_charged(1)


def test_the_environment_leads_to_it(runway_simulator):
    assert os.environ["COMETAPI_KEY"] == API_KEY
    assert os.environ["COMETAPI_RUNWAY_BASE_URL"] == runway_simulator.base_url


@pytest.mark.parametrize(
    "base_url", ["https://gateway.example.com", "http://proxy.test:8080/comet"]
)
@pytest.mark.parametrize("opened", [simulated.simulator, mocked.mock])
def test_another_address_for_the_gateway(opened, base_url):
    with opened(base_url=base_url) as kit:
        assert kit.client.settings.base_url == base_url
        assert kit.client.character_performance.create(**ASSETS).wait().output
        read_again = httpx.get(read(base_url, "x"), headers=HEADERS)
        assert read_again.status_code in {200, 400}
        assert not kit.violations


@pytest.mark.runway(base_url="https://gateway.example.com")
def test_the_marker_sets_the_address(runway_simulator):
    assert RunwayClient().settings.base_url == runway_simulator.base_url
    assert runway_simulator.base_url == "https://gateway.example.com"


def test_the_control_api_is_there_and_not_judged(runway_simulator):
    url = f"{runway_simulator.base_url}/_simulator/clock"
    before = runway_simulator.clock.now()
    httpx.post(url, json={"advance": 30})
    assert runway_simulator.clock.now() == before + 30
    assert not runway_simulator.violations


def test_more_clients(runway_simulator, tmp_path):
    one = runway_simulator.connect(journal=tmp_path / "tasks.db")
    one.character_performance.create(**ASSETS)
    other = runway_simulator.connect(journal=tmp_path / "tasks.db")
    (resumed,) = other.journal.resume()
    assert resumed.result().output
    runway_simulator.assert_charged(1)


@pytest.mark.anyio
async def test_more_asynchronous_clients(runway_server):
    client = runway_server.connect_async(api_key="another-key", timeout=5.0)
    assert (await client.character_performance.create(**ASSETS)).id
    runway_server.assert_charged(1)
