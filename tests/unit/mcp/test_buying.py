"""An agent plans for free, and an intent buys one task."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from cometapi_runway.mcp import _agent_tools
from cometapi_runway.testing import Simulator

from ..support.agent_sessions import PICTURE, UPSCALE, open_session

pytestmark = pytest.mark.anyio


async def test_a_session_from_plan_to_file(runway_simulator: Simulator, tmp_path: Path) -> None:
    async with open_session(tmp_path) as agent:
        plan = await agent.call("plan_text_to_image", **PICTURE)
        assert plan["price_usd"] == "0.32"
        assert plan["request"]["path"] == "/runwayml/v1/text_to_image"
        runway_simulator.assert_charged(0)
        submitted = await agent.call("submit", intent_id=plan["intent_id"])
        task_id = submitted["task_id"]
        state = await agent.call("wait", task_id=task_id)
        assert state["status"] == "SUCCEEDED"
        assert state["ended"]
        saved = await agent.call("download", task_id=task_id)
        (link,) = saved.links
        (path,) = [Path(file) for file in saved["files"]]
        assert link.uri == path.as_uri()
        assert link.size == path.stat().st_size
        assert path.parent == (tmp_path / "out").resolve()
        assert [picture.mime_type for picture in saved.pictures] == ["image/jpeg"]
        (listed,) = (await agent.call("list_tasks"))["tasks"]
        assert listed["task_id"] == task_id
        assert listed["state"] == "SUCCEEDED"
        assert listed["files"] == [str(path)]
    runway_simulator.assert_charged(1)


async def test_what_a_plan_shows_is_what_is_sent(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path) as agent:
        plan = await agent.call("plan_text_to_image", **PICTURE)
        await agent.call("submit", intent_id=plan["intent_id"])
    (request,) = runway_simulator.requests_to("text_to_image")
    assert request.json == plan["request"]["body"]
    assert "seed" in request.json, "the client draws one"


async def test_an_unknown_price_is_unknown_and_not_zero(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path) as agent:
        plan = await agent.call("plan_video_upscale", **UPSCALE)
    assert plan["price_usd"] == "unknown"


async def test_submitting_again_returns_the_same_task(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path) as agent:
        intent_id = await agent.plan()
        first = await agent.call("submit", intent_id=intent_id)
        again = await agent.call("submit", intent_id=intent_id)
    assert again["task_id"] == first["task_id"]
    runway_simulator.assert_charged(1)


async def test_a_plan_tells_of_an_equal_request_that_was_submitted(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    """Planning again buys again: an agent that lost the answer to `submit` may try that."""
    async with open_session(tmp_path) as agent:
        plan = await agent.call("plan_video_upscale", **UPSCALE)
        assert plan["already_submitted"] is None
        intent_id = plan["intent_id"]
        # What is planned and not submitted is not told of.
        assert (await agent.call("plan_video_upscale", **UPSCALE))["already_submitted"] is None
        task_id = (await agent.call("submit", intent_id=intent_id))["task_id"]
    async with open_session(tmp_path, name="another") as agent:
        plan = await agent.call("plan_video_upscale", **UPSCALE)
        assert plan["already_submitted"]["task_id"] == task_id
        assert plan["already_submitted"]["intent_id"] == intent_id
        assert f"wait for task {task_id}" in plan["next"]
        other = {**UPSCALE, "videoUri": "https://example.com/other.mp4"}
        assert (await agent.call("plan_video_upscale", **other))["already_submitted"] is None
        runway_simulator.assert_charged(1)
        # Only a hint: a second one may be wanted.
        again = await agent.call("submit", intent_id=plan["intent_id"])
        assert again["task_id"] != task_id
    runway_simulator.assert_charged(2)


async def test_a_plan_looks_at_so_many_submissions(
    runway_simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_session(tmp_path) as agent:
        await agent.buy()
        await agent.call("submit", intent_id=await agent.plan("text_to_image", PICTURE))
        for looked_at in (1, 2):
            monkeypatch.setattr(_agent_tools, "_RECENT_SUBMISSIONS", looked_at)
            plan = await agent.call("plan_video_upscale", **UPSCALE)
            assert (plan["already_submitted"] is None) is (looked_at == 1)


async def test_the_last_tasks_are_listed(runway_simulator: Simulator, tmp_path: Path) -> None:
    async with open_session(tmp_path, max_tasks=21) as agent:
        ids = [(await agent.buy())["task_id"] for _ in range(21)]
        for limit in ({}, {"limit": 3}):
            tasks = (await agent.call("list_tasks", **limit))["tasks"]
            assert [one["task_id"] for one in tasks] == ids[: -1 - limit.get("limit", 20) : -1]


async def test_a_plan_tells_of_a_day_of_requests(
    runway_simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_session(tmp_path) as agent:
        await agent.buy()
        (bought,) = (await agent.call("list_tasks"))["tasks"]
        day_later = datetime.fromisoformat(bought["created_at"]) + timedelta(days=1)
        for moment in (day_later, day_later + timedelta(microseconds=1)):
            clock = SimpleNamespace(now=lambda _, moment=moment: moment)
            monkeypatch.setattr(_agent_tools, "datetime", clock)
            plan = await agent.call("plan_video_upscale", **UPSCALE)
            assert (plan["already_submitted"] is not None) is (moment == day_later)


async def test_a_seed_makes_a_request_another_one_if_the_agent_gave_it(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path) as agent:
        for seeds, is_equal in (((7, 8), False), ((9, 9), True), ((None, None), True)):
            name = f"a cat with {seeds}"
            bodies = [
                {**PICTURE, "promptText": name, **({} if one is None else {"seed": one})}
                for one in seeds
            ]
            first = await agent.plan("text_to_image", bodies[0])
            assert not (await agent.call("submit", intent_id=first)).is_error
            plan = await agent.call("plan_text_to_image", **bodies[1])
            assert (plan["already_submitted"] is not None) is is_equal, seeds


@pytest.mark.parametrize("outcome", ["refused", "lost"])
async def test_a_plan_tells_of_an_unknown_outcome_and_not_of_a_refusal(
    runway_simulator: Simulator, tmp_path: Path, outcome: str
) -> None:
    if outcome == "lost":
        runway_simulator.lose_next_response(operation="video_upscale")
    else:
        runway_simulator.refuse_next(400, operation="video_upscale")
    async with open_session(tmp_path) as agent:
        assert (await agent.buy()).is_error
        plan = await agent.call("plan_video_upscale", **UPSCALE)
    if outcome == "refused":
        assert plan["already_submitted"] is None
    else:
        assert plan["already_submitted"]["state"] == "UNKNOWN"
        assert "see unknown" in plan["next"]


async def test_a_plan_warns_of_a_model_that_is_not_known(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path) as agent:
        for _ in range(2):
            plan = await agent.call("plan_video_upscale", **{**UPSCALE, "model": "upscale_v9"})
            (warning,) = plan["warnings"]
            assert "upscale_v9 is not known" in warning
        assert (await agent.call("plan_video_upscale", **UPSCALE))["warnings"] == []


async def test_submitting_at_once_many_times_buys_one_task(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path) as agent:
        intent_id = await agent.plan()
        calls = [agent.call("submit", intent_id=intent_id) for _ in range(5)]
        answers = await asyncio.gather(*calls)
    assert len({answer["task_id"] for answer in answers}) == 1
    runway_simulator.assert_charged(1)


async def test_a_lost_response_is_never_bought_again(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    runway_simulator.lose_next_response(operation="video_upscale")
    async with open_session(tmp_path) as agent:
        intent_id = await agent.plan()
        for _ in range(3):
            answer = await agent.call("submit", intent_id=intent_id)
            assert answer.is_error
            assert answer["error"] == "SubmissionUnknownError"
            assert "usage log" in answer["next"]
        (listed,) = (await agent.call("unknown"))["submissions"]
        assert listed["intent_id"] == intent_id
    runway_simulator.assert_charged(1)


async def test_a_refused_intent_may_be_submitted_again(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    runway_simulator.refuse_next(400, operation="video_upscale")
    async with open_session(tmp_path) as agent:
        intent_id = await agent.plan()
        assert (await agent.call("submit", intent_id=intent_id)).is_error
        assert not (await agent.call("submit", intent_id=intent_id)).is_error
    runway_simulator.assert_charged(1)


def remove_intent(folder: Path, intent_id: str) -> None:
    """As it is removed after a week."""
    (file,) = folder.rglob(f"{intent_id}*")
    file.unlink()


async def test_a_refused_intent_that_is_gone_must_be_planned_again(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    runway_simulator.refuse_next(400, operation="video_upscale")
    async with open_session(tmp_path) as agent:
        intent_id = await agent.plan()
        assert (await agent.call("submit", intent_id=intent_id)).is_error
        remove_intent(tmp_path, intent_id)
        answer = await agent.call("submit", intent_id=intent_id)
        assert "is not known; plan the request" in str(answer)
    runway_simulator.assert_charged(0)


async def test_a_host_that_gives_up_on_submit_leaves_the_request_alone(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    network = SlowNetwork()
    async with open_session(tmp_path, client_options={"transport": network}) as agent:
        intent_id = await agent.plan()
        call = asyncio.create_task(agent.call("submit", intent_id=intent_id))
        await network.is_sending.wait()
        call.cancel()
        await asyncio.wait([call])
        # By the answer to a later call, the server knows that the earlier one is cancelled.
        await agent.call("list_tasks")
        network.may_respond.set()
        await agent.finish_submissions()
        assert (await agent.call("unknown"))["submissions"] == []
        answer = await agent.call("submit", intent_id=intent_id)
        assert answer["task_id"] in runway_simulator.tasks
    runway_simulator.assert_charged(1)


class SlowNetwork(httpx.AsyncHTTPTransport):
    """Holds requests back until they may respond."""

    def __init__(self) -> None:
        super().__init__(verify=False)
        self.is_sending, self.may_respond = asyncio.Event(), asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.is_sending.set()
        await self.may_respond.wait()
        return await super().handle_async_request(request)


async def test_a_restarted_server_submits_what_was_planned(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path) as agent:
        planned, bought = await agent.plan(), await agent.plan()
        first = await agent.call("submit", intent_id=bought)
    async with open_session(tmp_path) as agent:
        again = await agent.call("submit", intent_id=bought)
        assert again["task_id"] == first["task_id"]
        assert (await agent.call("wait", task_id=first["task_id"]))["status"] == "SUCCEEDED"
        assert not (await agent.call("submit", intent_id=planned)).is_error
    runway_simulator.assert_charged(2)


async def test_servers_with_one_database_buy_one_task(
    runway_simulator: Simulator, tmp_path: Path, postgres_url: str
) -> None:
    """From a plan to its file with the journal in PostgreSQL, on two machines."""
    async with open_session(tmp_path, journal=postgres_url) as agent:
        intent_id = await agent.plan()
        first = await agent.call("submit", intent_id=intent_id)
    async with open_session(tmp_path / "other", journal=postgres_url) as agent:
        again = await agent.call("submit", intent_id=intent_id)
        assert again["task_id"] == first["task_id"]
        plan = await agent.call("plan_video_upscale", **UPSCALE)
        assert plan["already_submitted"]["task_id"] == first["task_id"]
        assert plan["budget"]["tasks"] == 1
        assert (await agent.call("wait", task_id=first["task_id"]))["status"] == "SUCCEEDED"
        assert (await agent.call("download", task_id=first["task_id"])).links
        (listed,) = (await agent.call("list_tasks"))["tasks"]
        assert (listed["state"], listed["intent_id"]) == ("SUCCEEDED", intent_id)
    runway_simulator.assert_charged(1)


async def test_an_intent_is_for_one_gateway(runway_simulator: Simulator, tmp_path: Path) -> None:
    async with open_session(tmp_path) as agent:
        intent_id = await agent.plan()
    other = {"base_url": "https://other.example.com"}
    async with open_session(tmp_path, client_options=other) as agent:
        answer = await agent.call("submit", intent_id=intent_id)
    assert answer.is_error
    assert "was planned for" in answer["message"]
    runway_simulator.assert_charged(0)


async def test_a_plan_is_kept_privately_until_its_task_is_on_record(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    folder = tmp_path / "intents"
    async with open_session(tmp_path) as agent:
        intent_id = await agent.plan()
        (file,) = folder.iterdir()
        assert file.stat().st_mode & 0o077 == 0
        assert folder.stat().st_mode & 0o077 == 0
        await agent.call("submit", intent_id=intent_id)
    assert list(folder.iterdir()) == []
