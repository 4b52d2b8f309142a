"""No result of a tool holds the key, a payload or a signature, whatever the gateway says."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cometapi_runway._core.secret import Secret
from cometapi_runway.errors import RunwayError
from cometapi_runway.mcp._results import ResultWriter

from ..support.agent_sessions import PICTURE, Agent, Answer, open_session
from ..support.secret_cases import CLIP, KEY, MARKER, AsyncImpatient, Gateway
from ..support.secret_cases import PICTURE as DATA_URI

pytestmark = pytest.mark.anyio
SECRET_PICTURE = {**PICTURE, "referenceImages": [{"uri": DATA_URI, "tag": "cat"}]}
SIGNED_CLIP = {"model": "upscale_v1", "videoUri": f"https://assets.example/clip.mp4?sig={MARKER}"}
CREATES = ["accepted", "refused", "unauthorised", "busy", "family", "page", "strange", "nothing"]
POLLS = ["done", "failed", "refused", "unauthorised", "page", "strange", "nothing", "half"]
SERVES = ["file", "expired", "redirect", "nothing", "half", "page"]


@contextlib.asynccontextmanager
async def open_leaking_session(gateway: Gateway, folder: Path) -> AsyncIterator[Agent]:
    options: dict[str, Any] = {
        "api_key": KEY,
        "base_url": gateway.address,
        "timeout": 5,
        "clock": AsyncImpatient(),
    }
    async with open_session(folder, client_options=options, max_tasks=50) as agent:
        yield agent


def check(answer: Answer) -> Answer:
    shown = answer.result.model_dump_json()
    assert MARKER not in shown
    assert "Traceback" not in shown
    assert not answer.is_error or answer["next"]
    return answer


async def buy(agent: Agent, name: str, body: Any) -> str | None:
    plan = check(await agent.call(f"plan_{name}", **body))
    submitted = check(await agent.call("submit", intent_id=plan["intent_id"]))
    check(await agent.call("list_tasks"))
    check(await agent.call("unknown"))
    task_id: str | None = None if submitted.is_error else submitted["task_id"]
    return task_id


@pytest.mark.parametrize("said", CREATES)
async def test_plans_and_submissions(leaking_gateway: Gateway, tmp_path: Path, said: str) -> None:
    leaking_gateway.creates = said
    async with open_leaking_session(leaking_gateway, tmp_path) as agent:
        await buy(agent, "text_to_image", SECRET_PICTURE)
        await buy(agent, "video_upscale", SIGNED_CLIP)


@pytest.mark.parametrize("said", POLLS)
async def test_waits(leaking_gateway: Gateway, tmp_path: Path, said: str) -> None:
    leaking_gateway.creates, leaking_gateway.polls = "accepted", said
    async with open_leaking_session(leaking_gateway, tmp_path) as agent:
        task_id = await buy(agent, "text_to_image", SECRET_PICTURE)
        check(await agent.call("wait", task_id=task_id))
        check(await agent.call("list_tasks"))


@pytest.mark.parametrize("said", SERVES)
async def test_downloads(leaking_gateway: Gateway, tmp_path: Path, said: str) -> None:
    leaking_gateway.creates, leaking_gateway.polls = "accepted", "done"
    leaking_gateway.serves = said
    async with open_leaking_session(leaking_gateway, tmp_path) as agent:
        task_id = await buy(agent, "video_upscale", SIGNED_CLIP)
        check(await agent.call("download", task_id=task_id))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (KEY, {}),
        ("submit", {"intent_id": KEY}),
        ("submit", {"intent_id": CLIP}),
        ("wait", {"task_id": KEY}),
        ("wait", {"task_id": DATA_URI}),
        ("download", {"task_id": CLIP}),
        ("list_tasks", {"limit": KEY}),
        ("plan_text_to_image", {**SECRET_PICTURE, "ratio": KEY, "model": DATA_URI}),
        ("plan_text_to_image", {**PICTURE, "referenceImages": DATA_URI}),
        ("plan_text_to_image", {**PICTURE, KEY: CLIP}),
    ],
)
async def test_refusals(
    leaking_gateway: Gateway, tmp_path: Path, name: str, arguments: dict[str, Any]
) -> None:
    leaking_gateway.polls = "refused"
    async with open_leaking_session(leaking_gateway, tmp_path) as agent:
        check(await agent.call(name, **arguments))


class Report:
    error_type, task_id = "RunwayError", None

    def __init__(self, message: str) -> None:
        self.message = self.advice = message


TEXTS = st.text(max_size=20)
KEYS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6, max_size=40)


@given(key=KEYS, before=TEXTS, after=TEXTS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.differing_executors])
def test_a_key_is_hidden_wherever_it_stands(key: str, before: str, after: str) -> None:
    message = f"{before}{key}{after}"
    result = ResultWriter(Secret(key)).write_error(RunwayError(message), Report(message))
    for value in json.loads(result.model_dump_json())["structured_content"].values():
        assert key not in value.replace("[hidden]", "")
