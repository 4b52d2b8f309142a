"""Sessions of an agent: the SDK's client, the server's tools, a simulated gateway."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from attrs import frozen
from mcp import Client
from mcp_types import CallToolResult, ImageContent, ResourceLink, TextContent

from cometapi_runway import AsyncRunwayClient, Budget
from cometapi_runway.cli._output.exit_report import make_exit_report
from cometapi_runway.mcp import AgentTools, SessionOptions, make_server
from cometapi_runway.resources._client_resources import list_client_resources

PICTURE = {
    "model": "gen4_image",
    "promptText": "a cat",
    "ratio": "1920:1080",
    "referenceImages": [{"uri": "https://example.com/cat.png", "tag": "cat"}],
}
UPSCALE = {"model": "upscale_v1", "videoUri": "https://example.com/clip.mp4"}


@frozen
class Answer:
    """A tool's result."""

    result: CallToolResult

    @property
    def is_error(self) -> bool:
        return self.result.is_error

    @property
    def fields(self) -> dict[str, Any]:
        text = next(one.text for one in self.result.content if isinstance(one, TextContent))
        fields: dict[str, Any] = json.loads(text)
        assert fields == self.result.structured_content
        return fields

    @property
    def links(self) -> list[ResourceLink]:
        return [one for one in self.result.content if isinstance(one, ResourceLink)]

    @property
    def pictures(self) -> list[ImageContent]:
        return [one for one in self.result.content if isinstance(one, ImageContent)]

    def __getitem__(self, name: str) -> Any:
        return self.fields[name]


@frozen
class Agent:
    """An agent that calls tools."""

    client: Client
    tools: AgentTools | None = None

    async def call(self, name: str, /, **arguments: Any) -> Answer:
        return Answer(await self.client.call_tool(name, arguments))

    async def plan(self, name: str = "video_upscale", body: Any = None) -> str:
        answer = await self.call(f"plan_{name}", **(UPSCALE if body is None else body))
        assert not answer.is_error, answer.fields
        intent_id: str = answer["intent_id"]
        return intent_id

    async def finish_submissions(self) -> None:
        assert self.tools is not None
        await self.tools.finish_submissions()

    async def buy(self) -> Answer:
        return await self.call("submit", intent_id=await self.plan())


@contextlib.asynccontextmanager
async def open_session(
    folder: Path,
    *,
    name: str = "test",
    operations: tuple[str, ...] | None = None,
    mode: str = "legacy",
    client_options: dict[str, Any] | None = None,
    journal: str | None = None,
    interval: float = 5.0,
    **limits: Any,
) -> AsyncIterator[Agent]:
    """A server in this process and its agent; the same folder again is a restarted server."""
    budget = Budget(scope=f"mcp {name}", **({"max_tasks": 5} | limits))
    resources = [
        one for one in list_client_resources() if operations is None or one.name in operations
    ]
    options = SessionOptions(
        folder / "out", budget.scope, tuple(resources), folder / "intents", interval=interval
    )
    async with AsyncRunwayClient(
        journal=journal or folder / "journal.sqlite3", budget=budget, **(client_options or {})
    ) as client:
        tools = AgentTools(client, options, make_exit_report)
        async with Client(make_server(tools), mode=mode) as agent:
            yield Agent(agent, tools)
