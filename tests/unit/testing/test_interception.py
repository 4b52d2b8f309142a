"""The fixtures intercept every client of the process, and only requests to the gateway."""

from __future__ import annotations

import asyncio
import os

import httpx
import pytest
from tests.cases import each_case

from cometapi_runway import (
    APIConnectionError,
    AsyncRunwayClient,
    RunwayClient,
    SubmissionUnknownError,
)
from cometapi_runway._core.clock import AsyncSystemClock, SystemClock
from cometapi_runway.simulator import SimulatorServer
from cometapi_runway.testing import API_KEY, _mock, _simulator

ASSETS = {"character": "https://example.com/face.png", "reference": "https://example.com/c.mp4"}
HEADERS = {"Authorization": "Bearer own-key", "X-Runway-Version": "2024-11-06"}


def read_url(base_url: str, task_id: str) -> str:
    return f"{base_url}/runwayml/v1/tasks/{task_id}"


def test_a_client_that_the_application_creates(runway_simulator, tmp_path):
    with RunwayClient() as client:
        assert client.character_performance.create(**ASSETS).wait().download(tmp_path)
    runway_simulator.assert_charged(1)


@pytest.mark.anyio
async def test_an_async_client_that_the_application_creates(runway_simulator, tmp_path):
    async with AsyncRunwayClient() as client:
        task = await client.character_performance.create(**ASSETS)
        assert await (await task.wait()).download(tmp_path)
    runway_simulator.assert_charged(1)


@pytest.mark.parametrize("fault", ["lose_next_response", "drop_next_request"])
def test_a_client_that_the_application_creates_never_repeats_a_paid_request(
    runway_simulator, fault
):
    getattr(runway_simulator, fault)()
    with RunwayClient() as client, pytest.raises(SubmissionUnknownError):
        client.character_performance.create(**ASSETS)
    runway_simulator.assert_requested(1, operation="character_performance")


@pytest.mark.parametrize("fault", ["lose_next_response", "drop_next_request"])
@pytest.mark.anyio
async def test_an_async_client_of_the_application_never_repeats_a_paid_request(
    runway_simulator, fault
):
    getattr(runway_simulator, fault)()
    async with AsyncRunwayClient() as client:
        with pytest.raises(SubmissionUnknownError):
            await client.character_performance.create(**ASSETS)
    runway_simulator.assert_requested(1, operation="character_performance")


def test_a_mocked_connection_failure_is_known_to_be_unsent(runway_mock):
    runway_mock["character_performance"].mock(side_effect=httpx.ConnectError("refused"))
    with RunwayClient() as client, pytest.raises(APIConnectionError) as raised:
        client.character_performance.create(**ASSETS)
    assert raised.value.delivery == "not_sent"


def test_a_request_that_the_applications_client_cannot_send(runway_mock):
    accepted = httpx.Response(200, json={"id": "d0658ae1-bbdd-4adc-aaba-fd8070e14d79"})
    runway_mock["character_performance"].mock(side_effect=[httpx.ConnectError("down"), accepted])
    with RunwayClient() as client:
        assert client.character_performance.create(**ASSETS).id
    assert runway_mock["character_performance"].call_count == 2


def test_a_client_from_before_the_fixture():
    with RunwayClient("a-key") as client, _simulator.open_simulator() as kit:
        assert client.character_performance.create(**ASSETS).wait().output
        kit.assert_charged(1)


@pytest.mark.parametrize("fixture", ["runway_simulator", "runway_server", "runway_mock"])
def test_any_httpx_client(fixture, request):
    kit = request.getfixturevalue(fixture)
    task = kit.client.character_performance.create(**ASSETS)
    url = read_url(kit.base_url, task.id)
    kit.advance(60)
    assert httpx.get(url, headers=HEADERS).json()["status"] == "SUCCEEDED"

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(headers=HEADERS) as http:
            return await http.get(url)

    assert asyncio.run(ask()).json()["status"] == "SUCCEEDED"


def test_an_httpx_client_with_its_own_transport(runway_simulator):
    with httpx.Client(transport=httpx.HTTPTransport(retries=2), headers=HEADERS) as http:
        assert http.get(read_url(runway_simulator.base_url, "x")).status_code == 400


@pytest.mark.parametrize("host", ["api.cometapi.com", "example.com"])
def test_the_applications_own_mock_responds(host):
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text=request.url.host))
    url = read_url(f"https://{host}", "without-a-key")

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport) as http:
            return await http.get(url)

    with _simulator.open_simulator() as kit, httpx.Client(transport=transport) as http:
        assert http.get(url).text == asyncio.run(ask()).text == host
        assert not kit.history()
        # Requests to the gateway are checked.
        assert len(kit.violations) == (2 if host == "api.cometapi.com" else 0)


@pytest.mark.parametrize("open_kit", [_simulator.open_simulator, _mock.open_mock])
def test_other_hosts_are_not_intercepted(open_kit):
    with SimulatorServer() as other, open_kit() as kit:
        response = httpx.get(f"{other.base_url}/_simulator/state")
        assert response.json()["totals"]["requests"] == 0

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient() as http:
                return await http.get(f"{other.base_url}/_simulator/state")

        assert asyncio.run(ask()).status_code == 200
        assert not kit.history()


@pytest.mark.parametrize(
    "open_kit", [_simulator.open_simulator, _simulator.open_server, _mock.open_mock]
)
def test_every_patch_is_undone(open_kit):
    def patched() -> list[object]:
        kinds = (httpx.HTTPTransport, httpx.AsyncHTTPTransport, httpx.MockTransport)
        methods = [vars(kind).get(f"handle_{how}") for kind in kinds
                   for how in ("request", "async_request")]  # fmt: skip
        clocks = [vars(kind)[name] for kind in (SystemClock, AsyncSystemClock)
                  for name in ("now", "sleep")]  # fmt: skip
        return [*methods, *clocks]

    before = patched()
    with open_kit():
        assert patched() != before
    assert patched() == before


def test_runway_server_keeps_requests_from_the_paid_gateway(runway_server):
    """An application with a hard-coded gateway address reaches the server instead."""
    assert httpx.get(read_url("https://api.cometapi.com", "x"), headers=HEADERS).status_code == 400
    runway_server.assert_requested(1, operation="tasks")


def test_both_fixtures_in_one_test(runway_simulator, runway_server):
    runway_simulator.client.character_performance.create(**ASSETS)
    runway_simulator.assert_charged(1)
    runway_server.client.character_performance.create(**ASSETS)
    runway_server.assert_charged(1)


def test_the_environment_is_set(runway_simulator):
    assert os.environ["COMETAPI_KEY"] == API_KEY
    assert os.environ["COMETAPI_RUNWAY_BASE_URL"] == runway_simulator.base_url


@each_case("base_url", ["https://gateway.example.com", "http://proxy.test:8080/cometX"])
@each_case("open_kit", [_simulator.open_simulator, _mock.open_mock])
def test_another_gateway_address(open_kit, base_url):
    with open_kit(base_url=base_url) as kit:
        assert kit.client.settings.base_url == base_url
        assert kit.client.character_performance.create(**ASSETS).wait().output
        read_again = httpx.get(read_url(base_url, "x"), headers=HEADERS)
        assert read_again.status_code in {200, 400}
        assert not kit.violations


@pytest.mark.runway(base_url="https://gateway.example.com")
def test_the_marker_sets_the_gateway_address(runway_simulator):
    assert RunwayClient().settings.base_url == runway_simulator.base_url
    assert runway_simulator.base_url == "https://gateway.example.com"


@pytest.mark.runway(base_url="https://gateway.example.com")
def test_the_marker_sets_the_address_of_the_mock(runway_mock):
    assert RunwayClient().settings.base_url == runway_mock.base_url
    assert runway_mock.base_url == "https://gateway.example.com"


def test_the_control_api_is_reachable_and_not_checked(runway_simulator):
    url = f"{runway_simulator.base_url}/_simulator/clock"
    before = runway_simulator.clock.now()
    httpx.post(url, json={"advance": 30})
    assert runway_simulator.clock.now() == before + 30
    assert not runway_simulator.violations


def test_a_journal_is_a_file_in_the_tests_folder(runway_journal, tmp_path):
    assert runway_journal.path == tmp_path / "runway-journal"


def test_additional_clients(runway_simulator, tmp_path):
    one = runway_simulator.connect(journal=tmp_path / "tasks.db")
    one.character_performance.create(**ASSETS)
    other = runway_simulator.connect(journal=tmp_path / "tasks.db")
    (resumed,) = other.journal.resume()
    assert resumed.result().output
    runway_simulator.assert_charged(1)


@pytest.mark.anyio
async def test_additional_async_clients(runway_server):
    client = runway_server.connect_async(api_key="another-key", timeout=5.0)
    assert (await client.character_performance.create(**ASSETS)).id
    runway_server.assert_charged(1)
