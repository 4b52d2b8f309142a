"""What a session may buy, and what is refused before anything is written."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve

from cometapi_runway.testing import Simulator

from ..support.agent_sessions import PICTURE, UPSCALE, open_session

pytestmark = pytest.mark.anyio


async def test_a_budget_of_two_refuses_the_third(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path, max_tasks=2) as agent:
        assert not (await agent.buy()).is_error
        assert not (await agent.buy()).is_error
        third = await agent.buy()
    assert third.is_error
    assert third["error"] == "BudgetExceededError"
    assert "--max-tasks" in third["next"]
    runway_simulator.assert_charged(2)


async def test_a_restarted_session_keeps_its_budget_and_another_has_its_own(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path, max_tasks=1) as agent:
        intent_id = await agent.plan()
        await agent.call("submit", intent_id=intent_id)
    async with open_session(tmp_path, max_tasks=1) as agent:
        assert (await agent.buy()).is_error
        # What was bought is returned, whatever the budget.
        assert not (await agent.call("submit", intent_id=intent_id)).is_error
    async with open_session(tmp_path, name="other", max_tasks=1) as agent:
        assert not (await agent.buy()).is_error
    runway_simulator.assert_charged(2)


async def test_a_cost_limit_refuses_what_would_exceed_it(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    limits = {"max_cost": Decimal("0.50"), "operations": ("text_to_image",)}
    async with open_session(tmp_path, **limits) as agent:
        first, second = [await agent.plan("text_to_image", PICTURE) for _ in range(2)]
        assert not (await agent.call("submit", intent_id=first)).is_error
        assert (await agent.call("submit", intent_id=second))["error"] == "BudgetExceededError"
        plan = await agent.call("plan_text_to_image", **PICTURE)
        assert plan["budget"]["cost_usd"] == "0.32"
    runway_simulator.assert_charged(1)


async def test_a_cost_limit_without_a_price_is_refused_with_the_plan(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path, max_cost=1) as agent:
        answer = await agent.call("plan_video_upscale", **UPSCALE)
    assert answer.is_error
    assert "price of video_upscale" in answer["message"]
    assert not (tmp_path / "intents").exists()


async def test_a_session_buys_only_its_operations(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path) as agent:
        intent_id = await agent.plan()
    async with open_session(tmp_path, operations=("text_to_image",)) as agent:
        listed = await agent.client.list_tools()
        names = {tool.name for tool in listed.tools if tool.name.startswith("plan_")}
        assert names == {"plan_text_to_image"}
        answer = await agent.call("plan_video_upscale", **UPSCALE)
        assert answer["issues"][0]["rule"] == "unknown"
        assert "'plan_video_upscale'" in answer["message"]
        assert (await agent.call("submit", intent_id=intent_id)).is_error
    runway_simulator.assert_charged(0)


BAD_CALLS = {
    "no such tool": ("plan_everything", {}, "name", "unknown", "plan_everything"),
    "missing field": ("plan_video_upscale", {"model": "upscale_v1"}, "/videoUri", "required", ""),
    "wrong value": (
        "plan_video_upscale",
        {**UPSCALE, "videoUri": "/etc/passwd"},
        "/videoUri",
        "pattern",
        "/etc/passwd",
    ),
    "misspelt field": (
        "plan_video_upscale",
        {**UPSCALE, "modle": "x"},
        "/modle",
        "unknown",
        "modle",
    ),
    "another variant": (
        "plan_compat_image_to_video",
        {"callback_url": "", "prompt": "a", "model": "gen4", "ratio": "16:9", "style": "x"},
        "/image",
        "required",
        "",
    ),
    "no argument": ("submit", {}, "/intent_id", "required", ""),
    "unknown intent": ("submit", {"intent_id": "0" * 16}, "intent_id", "unknown", "0" * 16),
    "path as intent": ("submit", {"intent_id": "../x"}, "intent_id", "unknown", "../x"),
    "too long a wait": ("wait", {"task_id": "x", "seconds": 46}, "/seconds", "maximum", "46"),
    "further argument": (
        "wait",
        {"task_id": "x", "timeout": 1},
        "/timeout",
        "additionalProperties",
        "timeout",
    ),
    "malformed id": ("wait", {"task_id": "a b"}, "task_id", "pattern", "a b"),
    "wrong type": ("list_tasks", {"limit": "all"}, "/limit", "type", "all"),
}


@pytest.mark.parametrize("case", BAD_CALLS)
async def test_a_bad_call_is_refused_before_anything_is_written(
    runway_simulator: Simulator, tmp_path: Path, case: str
) -> None:
    name, arguments, path, rule, value = BAD_CALLS[case]
    async with open_session(tmp_path) as agent:
        answer = await agent.call(name, **arguments)
    assert answer.is_error
    assert (path, rule) in {(issue["path"], issue["rule"]) for issue in answer["issues"]}
    assert value in answer["message"]
    assert answer["message"] == "; ".join(issue["message"] for issue in answer["issues"])
    assert answer["next"] == "nothing was sent; correct it and call the tool again"
    assert not (tmp_path / "intents").exists()
    assert runway_simulator.requests == ()


async def test_nothing_is_written_outside_the_output_folder(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with open_session(tmp_path) as agent:
        task_id = (await agent.buy())["task_id"]
        await agent.call("wait", task_id=task_id)
        await agent.call("download", task_id=task_id)
        (file,) = (tmp_path / "out").iterdir()
        target = file.rename(elsewhere / "file.mp4")
        file.symlink_to(target)
        answer = await agent.call("download", task_id=task_id)
        assert (answer["error"], answer["task_id"]) == ("DownloadError", task_id)
        assert answer.links == []


async def test_plans_older_than_a_week_are_removed(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path) as agent:
        old, new = await agent.plan(), await agent.plan()
    os.utime(tmp_path / "intents" / f"{old}.json", (0, 0))
    async with open_session(tmp_path) as agent:
        assert (await agent.call("submit", intent_id=old))["issues"][0]["rule"] == "unknown"
        assert not (await agent.call("submit", intent_id=new)).is_error


async def test_an_intent_of_unknown_outcome_is_remembered_without_its_file(
    runway_simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runway_simulator.lose_next_response(operation="video_upscale")
    async with open_session(tmp_path) as agent:
        intent_id = await agent.plan()
        await agent.call("submit", intent_id=intent_id)
        (tmp_path / "intents" / f"{intent_id}.json").unlink()
        answer = await agent.call("submit", intent_id=intent_id)
        journal = agent.tools.client.journal if agent.tools else None
        assert journal is not None
        find = journal.find
        # A broken response may name a task.
        monkeypatch.setattr(
            type(journal), "find", lambda _, **of: evolve(find(**of), task_id="t-1")
        )
        named = await agent.call("submit", intent_id=intent_id)
        (record,) = journal.unknown()
    assert f"tasks settle {record.key} --task ID" in answer["next"]
    assert f"tasks settle {record.key} --task t-1" in named["next"]
    assert named["task_id"] == "t-1"
    assert answer["error"] == named["error"] == "SubmissionUnknownError"
    runway_simulator.assert_charged(1)


async def test_submitting_again_needs_no_file(runway_simulator: Simulator, tmp_path: Path) -> None:
    async with open_session(tmp_path) as agent:
        intent_id = await agent.plan("text_to_image", PICTURE)
        first = await agent.call("submit", intent_id=intent_id)
        assert not list((tmp_path / "intents").iterdir())
        again = await agent.call("submit", intent_id=intent_id)
        assert again.fields == first.fields
        assert again["seed"] is not None
        await agent.call("wait", task_id=again["task_id"])
        await agent.call("download", task_id=again["task_id"])
        assert (await agent.call("list_tasks", unfinished=True))["tasks"] == []
        assert len((await agent.call("list_tasks"))["tasks"]) == 1
