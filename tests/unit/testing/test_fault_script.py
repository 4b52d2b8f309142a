"""Planned faults, with both clients, and the assertions about their effects."""

from __future__ import annotations

import asyncio
import inspect

import httpx
import pytest

from cometapi_runway import (
    APIConnectionError,
    InsufficientQuotaError,
    RateLimitError,
    SubmissionUnknownError,
    TaskCancelledError,
    TaskFailedError,
    TaskTimeoutError,
)
from cometapi_runway.simulator import Ending, Fault, Outcome, When
from cometapi_runway.simulator._responses.reply import Reply
from cometapi_runway.testing._transports import _Body
from cometapi_runway.validation import contract

ASSETS = {"character": "https://example.com/face.png", "reference": "https://example.com/c.mp4"}


@pytest.fixture(params=["client", "async_client"])
def run(request, runway_simulator):
    """Run a step with either client: ``run(lambda client: client.tasks…)``."""
    client = getattr(runway_simulator, request.param)

    def step(call):
        result = call(client)
        return asyncio.run(_await(result)) if inspect.isawaitable(result) else result

    return step


async def _await(result):
    return await result


def create(client):
    return client.character_performance.create(**ASSETS)


def test_endings_occur_in_the_planned_order(run, runway_simulator):
    runway_simulator.fail_next("SAFETY.INPUT.TEXT")
    runway_simulator.fail_next(None)
    runway_simulator.cancel_next()
    runway_simulator.end_next(Ending("FAILED", "words", "X.Y"))
    ids = [run(create).id for _ in range(5)]
    ends = []
    for task_id in ids:
        try:
            run(lambda client, task_id=task_id: client.tasks.wait(task_id))
            ends.append("fine")
        except TaskFailedError as error:
            ends.append(error.failure_code)
        except TaskCancelledError:
            ends.append("cancelled")
    assert ends == ["SAFETY.INPUT.TEXT", None, "cancelled", "X.Y", "fine"]


def test_a_failure_of_one_operation(runway_simulator):
    runway_simulator.fail_next(operation="video_upscale")
    assert create(runway_simulator.client).wait().output
    with pytest.raises(TaskFailedError) as caught:
        runway_simulator.client.video_upscale.create(video_uri="https://e.com/c.mp4").wait()
    assert caught.value.failure_code == "INTERNAL"


def test_a_lost_response_is_charged(run, runway_simulator):
    runway_simulator.lose_next_response(operation="official")
    with pytest.raises(SubmissionUnknownError):
        run(create)
    runway_simulator.assert_charged(1)
    runway_simulator.assert_requested(1, operation="official")


def test_a_dropped_request_is_not_charged(run, runway_simulator):
    runway_simulator.drop_next_request()
    with pytest.raises(SubmissionUnknownError):
        run(create)
    runway_simulator.assert_charged(0)


def test_a_refused_request(run, runway_simulator):
    runway_simulator.refuse_next(403, "quota_not_enough", "no money left")
    with pytest.raises(InsufficientQuotaError, match="no money left"):
        run(create)
    assert run(create).id
    runway_simulator.assert_charged(1)


def test_a_throttled_request_is_retried(run, runway_simulator):
    before = runway_simulator.clock.now()
    runway_simulator.throttle_next(retry_after=7, times=2)
    assert run(create).id
    assert 14 <= runway_simulator.clock.now() - before < 20
    runway_simulator.assert_requested(3, operation="control_a_character")


def test_a_request_that_is_throttled_too_long(run, runway_simulator):
    runway_simulator.throttle_next(retry_after=None, times=50)
    with pytest.raises(RateLimitError):
        run(create)
    runway_simulator.assert_charged(0)


def test_a_delay_longer_than_the_timeout(run, runway_simulator):
    before = runway_simulator.clock.now()
    runway_simulator.hang_next(3600)
    with pytest.raises(SubmissionUnknownError):
        run(create)
    runway_simulator.assert_charged(1)
    assert runway_simulator.clock.now() - before == pytest.approx(60)


def test_a_delay_shorter_than_the_timeout(run, runway_simulator):
    before = runway_simulator.clock.now()
    runway_simulator.hang_next(30)
    assert run(create).id
    assert runway_simulator.clock.now() - before == pytest.approx(30)


def test_a_response_that_drips_too_slowly_times_out(run, runway_simulator):
    """httpx limits the time between bytes; our clients limit the whole response."""
    runway_simulator.inject(Fault("drip", seconds=160, when=When("official", nth=1)))
    with pytest.raises(SubmissionUnknownError):
        run(create)


def test_a_response_that_drips_fast_enough(run, runway_simulator):
    runway_simulator.inject(Fault("drip", seconds=32))
    assert run(create).id


def test_a_plain_httpx_client_has_its_own_timeout(runway_simulator):
    task = create(runway_simulator.client)
    url = f"{runway_simulator.base_url}/runwayml/v1/tasks/{task.id}"
    headers = {"Authorization": "Bearer k"}
    runway_simulator.inject(Fault("drip", seconds=160))
    assert httpx.get(url, headers=headers, timeout=11).status_code == 400
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(url, headers=headers, timeout=9)
    assert httpx.get(url, headers=headers, timeout=httpx.Timeout(9, read=None)).status_code == 200


def test_a_broken_download(run, runway_simulator, tmp_path):
    task = run(create)
    runway_simulator.advance(60)
    runway_simulator.break_next_download(times=2)
    done = run(lambda client: client.tasks.wait(task.id))
    result = done.download(tmp_path)
    paths = asyncio.run(result) if inspect.isawaitable(result) else result
    assert paths[0].stat().st_size > 0
    runway_simulator.assert_downloaded(3)


@pytest.mark.parametrize(
    ("size", "count"), [(0, 1), (1, 1), (2, 2), (15, 15), (16, 16), (17, 9), (100, 15)]
)
def test_a_slow_body_comes_in_pieces_and_a_broken_one_ends_midway(size, count, runway_simulator):
    body, gateway = bytes(range(size)), runway_simulator.gateway
    request = httpx.Request("GET", "https://example.com")
    before = gateway.clock.now()
    pieces = list(_Body(request, Reply(200, (), body, drip=16.0), gateway))
    assert (len(pieces), b"".join(pieces)) == (count, body)
    assert gateway.clock.now() - before == pytest.approx(count)
    broken = iter(_Body(request, Reply(200, (), body, drop="midway"), gateway))
    assert next(broken) == body[: size // 2]
    with pytest.raises(httpx.ReadError):
        next(broken)


def test_rules_of_any_kind(run, runway_simulator):
    runway_simulator.inject(
        Fault("html", status=502, when=When("tasks", first=2)),
        Outcome(Ending("CANCELLED"), When(nth=2)),
    )
    first, second = run(create), run(create)
    assert run(lambda client: client.tasks.wait(first.id)).output
    with pytest.raises(TaskCancelledError):
        run(lambda client: client.tasks.wait(second.id))


def test_a_wait_that_times_out(run, runway_simulator):
    task = run(create)
    before = runway_simulator.clock.now()
    with pytest.raises(TaskTimeoutError):
        run(lambda client: client.tasks.wait(task.id, timeout=4))
    assert runway_simulator.clock.now() - before == pytest.approx(4, abs=0.01)


@pytest.mark.parametrize("use_name", [
    lambda kit: kit.fail_next(operation="character_performence"),
    lambda kit: kit.lose_next_response(operation="create"),
    lambda kit: kit.inject(Fault("html", when=When("downloads"))),
    lambda kit: kit.assert_charged(0, operation="nothing"),
    lambda kit: kit.requests_to("nothing"),
])  # fmt: skip
def test_an_unknown_name_is_refused(use_name, runway_simulator):
    with pytest.raises(ValueError, match="unknown name"):
        use_name(runway_simulator)


def test_times_must_be_positive(runway_simulator):
    with pytest.raises(ValueError, match="times must be 1 or more"):
        runway_simulator.lose_next_response(times=0)


@pytest.mark.parametrize("kind", ["id", "resource", "tag"])
def test_every_operation_is_known_by_all_its_names(kind, runway_simulator):
    for operation in contract().operations:
        runway_simulator.assert_charged(0, operation=getattr(operation, kind))


@pytest.mark.parametrize("plan", [
    lambda kit, name: kit.lose_next_response(operation=name),
    lambda kit, name: kit.drop_next_request(operation=name),
    lambda kit, name: kit.refuse_next(operation=name),
    lambda kit, name: kit.throttle_next(operation=name),
    lambda kit, name: kit.hang_next(operation=name),
])  # fmt: skip
def test_a_fault_of_one_operation_leaves_the_others_alone(plan, runway_simulator):
    before = runway_simulator.clock.now()
    plan(runway_simulator, "video_upscale")
    assert create(runway_simulator.client).wait().output
    assert runway_simulator.clock.now() - before < 60
    assert {one.fault for one in runway_simulator.requests} == {None}
    plan(runway_simulator, "tasks")
    assert len(runway_simulator.gateway.faults.active_rules) == 2


@pytest.mark.parametrize(("plan", "kind", "values"), [
    (lambda kit: kit.throttle_next(), "rate_limit", {"retry_after": 2.0}),
    (lambda kit: kit.hang_next(), "hang", {"seconds": 3600.0}),
    (lambda kit: kit.refuse_next(), "status",
     {"status": 500, "code": "", "message": "simulated refusal"}),
    (lambda kit: kit.lose_next_response(), "reset", {"acted": True}),
    (lambda kit: kit.drop_next_request(), "reset", {"acted": False}),
    (lambda kit: kit.break_next_download(), "cut", {}),
])  # fmt: skip
def test_the_defaults_of_a_fault(plan, kind, values, runway_simulator):
    plan(runway_simulator)
    (fault,) = runway_simulator.gateway.faults.active_rules
    name = "download" if kind == "cut" else "*"
    assert fault == Fault(kind, when=When(name), **values)


def test_a_failed_assertion_is_shown_at_the_line_of_the_test(runway_simulator):
    for fail in (
        lambda: runway_simulator.assert_charged(1),
        lambda: runway_simulator.assert_requested(operation="tasks"),
        runway_simulator.assert_downloaded,
    ):
        with pytest.raises(AssertionError) as failed:
            fail()
        assert failed.traceback.filter(failed)[-1].path.name == "test_fault_script.py"


class TestAssertions:
    def test_charges(self, runway_simulator):
        runway_simulator.fail_next("INTERNAL")
        with pytest.raises(TaskFailedError):
            create(runway_simulator.client).wait()
        runway_simulator.assert_charged()
        runway_simulator.assert_charged(1, operation="character_performance")
        runway_simulator.assert_charged(0, operation="compat")
        with pytest.raises(AssertionError) as caught:
            runway_simulator.assert_charged(2)
        message = str(caught.value)
        assert "expected 2 charges, found 1" in message
        assert "refund -0.50" in message
        assert runway_simulator.spent == 0

    def test_resources_that_share_an_operation(self, runway_simulator):
        compat = runway_simulator.client.compat
        compat.image_to_video.create(
            image="https://e.com/a.png", prompt="a", callback_url="https://e.com/hook"
        )
        runway_simulator.assert_charged(1, operation="image_to_video")
        runway_simulator.assert_charged(0, operation="text_to_video")
        runway_simulator.assert_requested(1, operation="image_to_video")

    def test_requests(self, runway_simulator):
        with pytest.raises(
            AssertionError, match="expected a request of tasks, found 0; the gateway"
        ):
            runway_simulator.assert_requested(operation="tasks")
        with pytest.raises(AssertionError, match="expected 2 requests of tasks, found 0; the"):
            runway_simulator.assert_requested(2, operation="tasks")
        runway_simulator.drop_next_request()
        with pytest.raises(SubmissionUnknownError):
            create(runway_simulator.client)
        runway_simulator.assert_requested(operation="official")
        with pytest.raises(AssertionError, match=r"no response \(reset\)"):
            runway_simulator.assert_requested(0, operation="official")
        with pytest.raises(AssertionError, match="of download"):
            runway_simulator.assert_downloaded()

    def test_request_records(self, runway_simulator):
        task = create(runway_simulator.client)
        (sent,) = runway_simulator.requests_to("character_performance")
        assert sent.json["model"] == "act_two"
        assert sent.task_id == task.id
        assert list(runway_simulator.tasks) == [task.id]
        assert "simulated-key" not in str(sent.headers)


def test_a_connection_error_names_the_cause(runway_simulator):
    runway_simulator.drop_next_request(operation="tasks")
    with pytest.raises(APIConnectionError, match="reset"):
        runway_simulator.client.tasks.retrieve("x")
