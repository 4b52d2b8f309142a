"""A wait is bounded, ends in a state, and tells of its progress."""

from __future__ import annotations

import asyncio
import gc
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cometapi_runway.mcp import _agent_tools
from cometapi_runway.resources._bound_task import AsyncBoundTask
from cometapi_runway.simulator import Timings
from cometapi_runway.testing import Simulator

from ..support.agent_sessions import open_session

pytestmark = pytest.mark.anyio
THREE_MINUTES = Timings(pending=20, running=160, spread=0)


@pytest.mark.runway(timings=THREE_MINUTES)
async def test_a_wait_for_a_long_task_returns_within_its_seconds_each_time(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    states = []
    async with open_session(tmp_path) as agent:
        task_id = (await agent.buy())["task_id"]
        for seconds in (30, 45, 45, 45, 45):
            before = runway_simulator.clock.now()
            state = await agent.call("wait", task_id=task_id, seconds=seconds)
            assert not state.is_error
            assert runway_simulator.clock.now() - before <= seconds + 1
            states.append((state["status"], state["ended"]))
    assert states == [*[("RUNNING", False)] * 4, ("SUCCEEDED", True)]
    runway_simulator.assert_charged(1)


@pytest.mark.runway(timings=THREE_MINUTES)
async def test_progress_is_reported_and_grows(runway_simulator: Simulator, tmp_path: Path) -> None:
    reports: list[tuple[float, float | None, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        reports.append((progress, total, message))

    async with open_session(tmp_path) as agent:
        task_id = (await agent.buy())["task_id"]
        arguments = {"task_id": task_id, "seconds": 45}
        await agent.client.call_tool("wait", arguments, progress_callback=on_progress)
    numbers = [progress for progress, _, _ in reports]
    assert numbers == sorted(numbers)
    assert {total for _, total, _ in reports} == {45}
    assert any("RUNNING" in (message or "") for _, _, message in reports)


async def test_a_host_hears_of_a_wait_without_changes(
    runway_simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hosts give up on a tool that is silent."""
    monkeypatch.setattr(_agent_tools, "_HEARTBEAT", 0.01)
    reports: list[float] = []

    async def on_progress(progress: float, _total: float | None, _message: str | None) -> None:
        reports.append(progress)

    async with open_session(tmp_path) as agent:
        task_id = (await agent.buy())["task_id"]
        assert agent.tools is not None
        client = agent.tools.client
        bound = client.tasks.bind(task_id)
        async with _agent_tools._report_progress(bound, 45, on_progress):
            await asyncio.sleep(0.1)
    assert len(reports) >= 3
    assert 0 <= reports[0] <= reports[-1] < 40


async def test_an_unknown_id_is_a_state_within_the_grace(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path) as agent:
        state = await agent.call("wait", task_id="no-such-task", seconds=10)
    assert not state.is_error
    assert not state["ended"]
    assert "list_tasks" in state["next"]


async def test_an_id_that_stays_unknown_is_said_to_be(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    """Each wait is shorter than the time in which a new task may be unknown."""
    left = []
    async with open_session(tmp_path) as agent:
        for _ in range(2):
            state = await agent.call("wait", task_id="no-such-task", seconds=45)
            assert not state.is_error
            left.append(int(state["next"].split(" s more")[0].rpartition(" ")[2]))
        answer = await agent.call("wait", task_id="no-such-task", seconds=45)
        assert answer.is_error
        assert answer["error"] == "TaskNotFoundError"
        assert "check the id" in answer["next"]
        assert not (await agent.call("wait", task_id="no-such-task", seconds=1)).is_error
    assert 0 < left[1] < left[0] <= 120


@pytest.mark.runway(timings=THREE_MINUTES)
async def test_a_task_that_was_seen_is_never_said_to_be_unknown(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path) as agent:
        task_id = (await agent.buy())["task_id"]
        await agent.call("wait", task_id=task_id, seconds=45)
        runway_simulator.refuse_next(404, operation="tasks", times=100)
        for _ in range(4):
            state = await agent.call("wait", task_id=task_id, seconds=45)
            assert not state.is_error
            assert "does not know" not in state["next"]


async def test_a_failed_task_is_a_state_with_advice(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    runway_simulator.fail_next("SAFETY.INPUT.TEXT")
    async with open_session(tmp_path) as agent:
        task_id = (await agent.buy())["task_id"]
        state = await agent.call("wait", task_id=task_id)
        assert not state.is_error
        assert state["ended"]
        assert state["failure_code"] == "SAFETY.INPUT.TEXT"
        assert state["next"].endswith("A new task is charged again")
        assert (await agent.call("download", task_id=task_id)).is_error


async def test_waiting_survives_faults_of_the_gateway(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path) as agent:
        task_id = (await agent.buy())["task_id"]
        runway_simulator.refuse_next(502, operation="tasks", times=3)
        runway_simulator.lose_next_response(operation="tasks")
        assert (await agent.call("wait", task_id=task_id))["status"] == "SUCCEEDED"


@pytest.mark.runway(timings=THREE_MINUTES)
async def test_a_download_before_the_end_says_to_wait(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path) as agent:
        task_id = (await agent.buy())["task_id"]
        await agent.call("wait", task_id=task_id, seconds=10)
        answer = await agent.call("download", task_id=task_id)
    assert answer.is_error
    assert answer["task_id"] == task_id
    assert "wait for it first" in answer["message"]


async def test_a_broken_download_continues(runway_simulator: Simulator, tmp_path: Path) -> None:
    async with open_session(tmp_path) as agent:
        task_id = (await agent.buy())["task_id"]
        await agent.call("wait", task_id=task_id)
        runway_simulator.break_next_download()
        assert (await agent.call("download", task_id=task_id)).links


async def test_of_several_files_the_progress_of_the_first_is_shown(
    runway_simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number must grow, and each file counts from zero."""

    async def download(_task: object, _folder: Path, *, on_progress: Any) -> list[Path]:
        for index, size, total in [(0, 0, 9), (0, 9, None), (1, 0, 4), (2, 4, 4)]:
            await on_progress(index, size, total)
        return []

    reports: list[tuple[float, float | None, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        reports.append((progress, total, message))

    async with open_session(tmp_path) as agent:
        task_id = (await agent.buy())["task_id"]
        await agent.call("wait", task_id=task_id)
        monkeypatch.setattr(AsyncBoundTask, "download", download)
        await agent.client.call_tool(
            "download", {"task_id": task_id}, progress_callback=on_progress
        )
    assert reports == [
        (size, total, f"downloading {task_id}") for size, total in [(0, 9), (9, None)]
    ]


async def test_the_tasks_of_a_session_are_remembered_up_to_a_limit(
    runway_simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that was first asked for is forgotten, and none before there are too many."""
    monkeypatch.setattr(_agent_tools, "_MAX_TASKS", 2)
    async with open_session(tmp_path) as agent:
        tools = agent.tools
        assert tools is not None
        kept = []
        for name in ("a", "b", "a", "c"):
            task = await tools._bind(name)
            assert await tools._bind(name) is task
            kept.append(list(tools._tasks))
    assert kept == [["a"], ["a", "b"], ["a", "b"], ["b", "c"]]


async def test_tasks_that_continue_are_counted(runway_simulator: Simulator, tmp_path: Path) -> None:
    async with open_session(tmp_path) as agent:
        tools = agent.tools
        assert tools is not None
        counts = [await tools.count_unfinished()]
        ids = [(await agent.buy())["task_id"] for _ in range(2)]
        counts.append(await tools.count_unfinished())
        await agent.call("wait", task_id=ids[0])
        counts.append(await tools.count_unfinished())
    assert counts == [0, 2, 1]


async def test_a_failure_after_the_host_has_left_is_not_reported_as_lost(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))

    async def fail() -> AsyncBoundTask:
        raise ValueError

    async def wait_for_ever() -> AsyncBoundTask:
        await asyncio.Event().wait()
        raise AssertionError

    async with open_session(tmp_path) as agent:
        assert agent.tools is not None
        failing = agent.tools._start(fail())
        cancelled = agent.tools._start(wait_for_ever())
        await asyncio.wait([failing])
        cancelled.cancel()
        await agent.finish_submissions()
        assert not agent.tools._submissions
        assert cancelled.cancelled()
        del failing, cancelled
        gc.collect()
    assert reported == []


@pytest.mark.runway(timings=THREE_MINUTES)
async def test_the_interval_of_the_session_is_kept(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path, interval=11) as agent:
        task_id = (await agent.buy())["task_id"]
        await agent.call("wait", task_id=task_id, seconds=45)
    times = [one.at for one in runway_simulator.requests if one.method == "GET"]
    assert all(later - earlier >= 10 for earlier, later in pairwise(times[:-1]))


async def test_a_task_has_its_age_in_a_new_session(
    runway_simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old task that the gateway does not know is not waited for as a new one is."""
    async with open_session(tmp_path) as agent:
        task_id = (await agent.buy())["task_id"]
    later = time.time() + 1000
    monkeypatch.setattr(_agent_tools.time, "time", lambda: later)
    runway_simulator.refuse_next(404, operation="tasks", times=100)
    async with open_session(tmp_path) as agent:
        answer = await agent.call("wait", task_id=task_id, seconds=45)
    assert answer.is_error
    assert answer["error"] == "TaskNotFoundError"


async def test_a_task_of_a_later_clock_is_new(
    runway_simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock may have been set back since."""
    async with open_session(tmp_path) as agent:
        task_id = (await agent.buy())["task_id"]
    earlier = time.time() - 1000
    monkeypatch.setattr(_agent_tools.time, "time", lambda: earlier)
    async with open_session(tmp_path) as agent:
        assert agent.tools is not None
        task = await agent.tools._recall(task_id)
        assert task.accepted_at == runway_simulator.clock.now()
