"""Tests of the example application's web service: one key is one order, however often it comes."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from .greeting_service import create_app

ORDER = {"picture": "https://example.com/face.png"}
OTHER = {"picture": "https://example.com/cat.png"}
KEY = {"Idempotency-Key": "order-17"}

pytestmark = pytest.mark.anyio


@pytest.fixture
async def browser(runway_simulator, runway_journal):
    app = create_app(runway_journal)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://shop.test") as browser,
    ):
        yield browser


async def test_a_repeated_order_is_charged_once(browser, runway_simulator):
    first, second = [await browser.post("/greetings", json=ORDER, headers=KEY) for _ in range(2)]
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    runway_simulator.assert_charged(1)


async def test_an_order_that_comes_twice_at_once_is_charged_once(browser, runway_simulator):
    orders = [browser.post("/greetings", json=ORDER, headers=KEY) for _ in range(5)]
    receipts = [answer.json() for answer in await asyncio.gather(*orders)]
    assert receipts == [{"state": "ordered", "task": one} for one in runway_simulator.tasks] * 5
    runway_simulator.assert_charged(1)


async def test_a_lost_answer_is_not_paid_twice(browser, runway_simulator, runway_journal):
    runway_simulator.lose_next_response(operation="character_performance")
    for _ in range(2):
        assert (await browser.post("/greetings", json=ORDER, headers=KEY)).status_code == 202
    shown = await browser.get("/greetings/order-17")
    assert shown.json() == {"state": "checking", "task": None}
    (task_id,) = runway_simulator.tasks
    runway_journal.settle("order-17", task_id=task_id)
    assert (await browser.post("/greetings", json=ORDER, headers=KEY)).json()["task"] == task_id
    runway_simulator.assert_charged(1)


async def test_a_refused_order_may_be_repeated(browser, runway_simulator):
    runway_simulator.refuse_next(403, operation="character_performance")
    assert (await browser.post("/greetings", json=ORDER, headers=KEY)).status_code == 503
    assert (await browser.get("/greetings/order-17")).status_code == 404
    assert (await browser.post("/greetings", json=ORDER, headers=KEY)).status_code == 201
    runway_simulator.assert_charged(1)


async def test_a_key_of_another_order_is_a_conflict(browser, runway_simulator):
    await browser.post("/greetings", json=ORDER, headers=KEY)
    refused = await browser.post("/greetings", json=OTHER, headers=KEY)
    assert refused.status_code == 409
    assert "character" in refused.json()["detail"]
    runway_simulator.assert_charged(1)


async def test_an_order_is_shown_until_it_is_done(browser, runway_simulator):
    await browser.post("/greetings", json=ORDER, headers=KEY)
    runway_simulator.advance(60)
    assert (await browser.get("/greetings/order-17")).json()["state"] == "SUCCEEDED"


async def test_a_bad_order_never_leaves(browser, runway_simulator):
    bad = {"picture": "face.png"}
    assert (await browser.post("/greetings", json=bad, headers=KEY)).status_code == 422
    assert (await browser.post("/greetings", json=ORDER)).status_code == 422
    runway_simulator.assert_charged(0)
