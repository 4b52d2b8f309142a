"""What each tool returns, whole: an agent has nothing else to go by."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from mcp_types import TextContent

from cometapi_runway import AsyncRunwayClient
from cometapi_runway._core.secret import Secret
from cometapi_runway._core.version import DISTRIBUTION, __version__
from cometapi_runway.cli._output.exit_report import make_exit_report
from cometapi_runway.errors import ConfigurationError
from cometapi_runway.mcp import AgentTools, SessionOptions, _results
from cometapi_runway.mcp._tools import list_tools
from cometapi_runway.resources._client_resources import list_client_resources
from cometapi_runway.simulator import Timings
from cometapi_runway.testing import Simulator

from ..support.agent_sessions import PICTURE, Answer, open_session

pytestmark = pytest.mark.anyio
SLOW = Timings(invisible=0, pending=10, running=100, spread=0)
BUDGET = {
    "session": "mcp test", "tasks": 0, "max_tasks": 5, "cost_usd": "0", "max_cost_usd": None,
    "tasks_of_unknown_price": 0,
}  # fmt: skip
AGAIN = "it continues at the gateway; call wait again"


async def test_a_plan_and_what_it_buys(runway_simulator: Simulator, tmp_path: Path) -> None:
    async with open_session(tmp_path) as agent:
        plan = await agent.call("plan_text_to_image", **PICTURE, seed=7)
        intent_id = plan["intent_id"]
        first = {
            "intent_id": intent_id,
            "request": {
                "method": "POST",
                "path": "/runwayml/v1/text_to_image",
                "body": {**PICTURE, "seed": 7},
            },
            "price_usd": "0.32",
            "budget": BUDGET,
            "warnings": [],
            "already_submitted": None,
            "next": "nothing was sent; submit sends it, and charges for it once",
        }
        shown = plan.fields
        shown["request"]["body"] = {
            name: shown["request"]["body"][name] for name in first["request"]["body"]
        }
        assert shown == first
        submitted = await agent.call("submit", intent_id=intent_id)
        task_id = submitted["task_id"]
        assert submitted.fields == {
            "task_id": task_id, "intent_id": intent_id, "seed": 7,
            "next": f"wait for task {task_id}",
        }  # fmt: skip
        (listed,) = (await agent.call("list_tasks"))["tasks"]
        created = listed.pop("created_at")
        assert datetime.fromisoformat(created).utcoffset() is not None
        entry = {
            "task_id": task_id, "intent_id": intent_id, "operation": "runway_text_to_image",
            "state": "SUBMITTED", "reason": None, "failure_code": None, "price_usd": "0.32",
            "seed": 7, "files": [],
        }  # fmt: skip
        assert listed == {**entry, "operation": listed["operation"]}
        again = await agent.call("plan_text_to_image", **PICTURE, seed=7)
        assert again["already_submitted"] == {**listed, "created_at": created}
        assert again["next"] == (
            "nothing was sent. An equal request was submitted before, see already_submitted; "
            f"wait for task {task_id} or download it. Submit this intent only to buy another task"
        )
        assert again["budget"] == {**BUDGET, "tasks": 1, "cost_usd": "0.32"}


@pytest.mark.runway(timings=SLOW)
@pytest.mark.parametrize(
    ("plan", "end"),
    [
        (None, {"status": "SUCCEEDED", "outputs": 1,
                "next": "download saves its files"}),
        (lambda kit: kit.cancel_next(), {"status": "CANCELLED"}),
        (lambda kit: kit.fail_next("ASSET.INVALID"),
         {"status": "FAILED", "failure_code": "ASSET.INVALID"}),
    ],
    ids=["succeeded", "cancelled", "failed"],
)  # fmt: skip
async def test_a_state(
    runway_simulator: Simulator,
    tmp_path: Path,
    plan: Callable[[Simulator], None] | None,
    end: dict[str, Any],
) -> None:
    if plan is not None:
        plan(runway_simulator)
    names = {"task_id", "status", "ended", "progress", "outputs", "failure", "failure_code", "next"}
    async with open_session(tmp_path) as agent:
        task_id = (await agent.buy())["task_id"]
        runway_simulator.advance(40)
        state = (await agent.call("wait", task_id=task_id, seconds=0)).fields
        assert state.keys() == names
        assert (state["task_id"], state["status"], state["ended"]) == (task_id, "RUNNING", False)
        assert 0 < state["progress"] < 1
        assert (state["outputs"], state["failure"], state["next"]) == (None, None, AGAIN)
        early = await agent.call("download", task_id=task_id)
        assert (early["error"], early["task_id"]) == ("DownloadError", task_id)
        assert "is RUNNING and has no output yet; wait for it first" in early["message"]
        runway_simulator.advance(100)
        ended = (await agent.call("wait", task_id=task_id)).fields
        assert ended.keys() == names
        assert end.items() <= ended.items()
        assert ended["ended"]
        assert (ended["outputs"] is None) is (plan is not None)
        saved: Answer = await agent.call("download", task_id=task_id)
        if plan is None:
            assert saved.fields.keys() == {"task_id", "files"}
            return
        assert ended["next"] not in {"", AGAIN}
        errors = {"CANCELLED": "TaskCancelledError", "FAILED": "TaskFailedError"}
        assert (saved["error"], saved["task_id"]) == (errors[end["status"]], task_id)


def test_a_result_is_text_as_people_read_it() -> None:
    (content,) = _results.ResultWriter(Secret("a-key")).write({"prompt": "é"}).content
    assert isinstance(content, TextContent)
    assert content.text == '{\n "prompt": "é"\n}'


async def test_a_submission_of_unknown_outcome(runway_simulator: Simulator, tmp_path: Path) -> None:
    async with open_session(tmp_path) as agent:
        assert (await agent.call("unknown")).fields == {"submissions": []}
        runway_simulator.lose_next_response(operation="video_upscale")
        intent_id = await agent.plan()
        await agent.call("submit", intent_id=intent_id)
        (found,) = (await agent.call("unknown"))["submissions"]
        (listed,) = (await agent.call("list_tasks", unfinished=False))["tasks"]
        assert agent.tools is not None
        (record,) = agent.tools.client.journal.unknown()
    assert f"tasks settle {record.key} --task ID" in found.pop("next")
    assert found == listed
    assert (found["task_id"], found["intent_id"], found["state"]) == (None, intent_id, "UNKNOWN")
    assert found["price_usd"] == "unknown"


async def test_a_refused_intent_says_by_which_rule(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    async with open_session(tmp_path) as agent:
        intent_id = await agent.plan()
    elsewhere = {"base_url": "https://example.com"}
    async with open_session(tmp_path, client_options=elsewhere) as agent:
        (issue,) = (await agent.call("submit", intent_id=intent_id))["issues"]
    assert (issue["path"], issue["rule"]) == ("intent_id", "gateway")
    async with open_session(tmp_path, operations=("text_to_image",)) as agent:
        (issue,) = (await agent.call("submit", intent_id=intent_id))["issues"]
    assert (issue["path"], issue["rule"]) == ("intent_id", "operation")


async def test_the_host_sees_each_tool_as_it_is_described(
    runway_simulator: Simulator, tmp_path: Path
) -> None:
    described = list_tools(tuple(list_client_resources()))
    async with open_session(tmp_path) as agent:
        listed = (await agent.client.list_tools()).tools
        server = agent.client.server_info
        assert server is not None
        assert (server.name, server.version) == (DISTRIBUTION, __version__)
        assert str(agent.client.instructions).startswith("Creates videos and images")
    assert [tool.name for tool in listed] == list(described)
    for tool in listed:
        one = described[tool.name]
        assert tool.description == one.description
        assert len(tool.description.split()) > 8
        hints = tool.annotations
        assert hints is not None
        assert (hints.read_only_hint, hints.destructive_hint) == (one.is_read_only, False)
        assert hints.idempotent_hint is hints.open_world_hint is (one.resource is None)


def test_only_pictures_have_a_preview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def preview(path: Path) -> bytes:
        seen.append(path.name)
        return b"small"

    monkeypatch.setattr(_results, "make_preview", preview)
    paths = [tmp_path / name for name in ("a.mp4", "b.png", "c", "d.jpg")]
    for number, path in enumerate(paths):
        path.write_bytes(b"x" * number)
    answer = Answer(_results.ResultWriter(Secret("sk-0123456")).write({"a": "sk-0123456"}, paths))
    assert answer.fields == {"a": "[hidden]"}
    # Each field has its line, with as little around it as can be: an agent pays for what it reads.
    assert answer.result.content[0].text == '{\n "a": "[hidden]"\n}'
    assert seen == ["b.png", "d.jpg"]
    assert [(link.name, link.mime_type, link.size) for link in answer.links] == [
        ("a.mp4", "video/mp4", 0), ("b.png", "image/png", 1), ("c", None, 2),
        ("d.jpg", "image/jpeg", 3),
    ]  # fmt: skip
    assert [link.uri for link in answer.links] == [path.resolve().as_uri() for path in paths]
    assert [(one.data, one.mime_type) for one in answer.pictures] == [
        ("c21hbGw=", "image/jpeg")
    ] * 2


async def test_tools_need_a_journal(runway_simulator: Simulator, tmp_path: Path) -> None:
    options = SessionOptions(tmp_path, "s", (), tmp_path)
    async with AsyncRunwayClient() as client:
        with pytest.raises(ConfigurationError, match="needs a journal") as refused:
            AgentTools(client, options, make_exit_report)
    assert (refused.value.setting, refused.value.is_missing) == ("journal", True)
