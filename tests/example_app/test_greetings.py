"""Tests of the example application: they use the package's fixtures and import nothing from it."""

from __future__ import annotations

import pytest

from .greetings import Studio, main
from .status_board import fetch_statuses

PICTURE = "https://example.com/face.png"
CLIP = "https://example.com/hello.mp4"


@pytest.fixture
def studio(runway_simulator, tmp_path):
    return Studio(runway_simulator.client, tmp_path)


def test_a_greeting_arrives(studio, runway_simulator):
    greeting = studio.greet(PICTURE)
    assert greeting.message == "Here it is."
    assert greeting.file.read_bytes()[4:8] == b"ftyp"
    runway_simulator.assert_charged(1)


def test_an_unsuitable_picture_is_explained(studio, runway_simulator):
    runway_simulator.fail_next("SAFETY.INPUT.IMAGE")
    assert studio.greet(PICTURE).message == "Please choose another picture."
    assert runway_simulator.spent > 0, "unsafe inputs are not refunded"


def test_a_gateway_failure_does_not_blame_the_picture(studio, runway_simulator):
    runway_simulator.fail_next("INTERNAL")
    assert studio.greet(PICTURE).message == "Please try again later."
    assert runway_simulator.spent == 0


def test_a_lost_response_is_not_paid_for_twice(studio, runway_simulator):
    runway_simulator.lose_next_response(operation="character_performance")
    greeting = studio.greet(PICTURE)
    assert greeting.message == "We will come back to you."
    assert greeting.order.startswith("request ")
    runway_simulator.assert_charged(1)


def test_a_throttled_order_is_charged_once(studio, runway_simulator):
    runway_simulator.throttle_next(retry_after=4, times=2)
    runway_simulator.fail_next()
    studio.greet(PICTURE)
    runway_simulator.assert_requested(3, operation="character_performance")
    runway_simulator.assert_charged(1)


@pytest.mark.runway(shape="wrapped", missing="404")
def test_a_broken_download_is_resumed(studio, runway_simulator):
    runway_simulator.break_next_download()
    assert studio.greet(PICTURE).file.stat().st_size > 0
    first, second = runway_simulator.requests_to("download")
    assert first.header("range") is None
    assert second.header("range").startswith("bytes=")


def test_the_command_line_reaches_the_mock(runway_mock, tmp_path):
    """The client that the application creates itself is redirected too."""
    assert main(PICTURE, tmp_path) == "Here it is."
    assert runway_mock["character_performance"].call_count == 1


@pytest.mark.anyio
async def test_the_status_board_shows_every_status(runway_simulator):
    create = runway_simulator.async_client.character_performance.create
    first = await create(character=PICTURE, reference=CLIP)
    runway_simulator.advance(60)
    second = await create(character=PICTURE, reference=CLIP)
    assert await fetch_statuses([first.id, second.id]) == {
        first.id: "SUCCEEDED",
        second.id: "unknown",
    }


@pytest.mark.anyio
async def test_the_status_board_must_send_the_version(runway_simulator):
    """Plain httpx requests are checked too: without the expectation this test would fail."""
    with runway_simulator.expect_violation("X-Runway-Version"):
        await fetch_statuses(["d0658ae1-bbdd-4adc-aaba-fd8070e14d79"], version="")
