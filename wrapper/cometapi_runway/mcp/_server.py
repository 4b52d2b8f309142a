"""The protocol: tools for a client of the Model Context Protocol, on standard input and output."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, Final

import mcp_types as types
from attrs import define, field
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from cometapi_runway._core.version import DISTRIBUTION, __version__
from cometapi_runway._settings import LOCK_WAIT_SLICE
from cometapi_runway.mcp._agent_tools import AgentTools
from cometapi_runway.mcp._tools import ToolDescription

_INSTRUCTIONS: Final = (
    "Creates videos and images with Runway's models. Plan a request (plan_…, free), submit its "
    "intent_id, wait for the task until it has ended, then download its files. Submitting costs "
    "money, once for each intent: repeat submit with the same intent_id if no result arrives."
)


def make_server(tools: AgentTools) -> Server[dict[str, Any]]:
    """The server of a session's tools."""

    async def list_tools(
        context: ServerRequestContext[dict[str, Any]], params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_make_tool(tool) for tool in tools.tools.values()])

    async def call_tool(
        context: ServerRequestContext[dict[str, Any]], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        report = context.session.report_progress
        return await tools.call(params.name, params.arguments or {}, report)

    return Server(
        DISTRIBUTION,
        version=__version__,
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _make_tool(tool: ToolDescription) -> types.Tool:
    return types.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=dict(tool.schema),
        annotations=types.ToolAnnotations(
            read_only_hint=tool.is_read_only,
            # Nothing here removes or replaces anything, and no tool buys twice.
            destructive_hint=False,
            idempotent_hint=tool.resource is None,
            open_world_hint=tool.resource is None,
        ),
    )


def serve_stdio(make_tools: Callable[[], AgentTools]) -> int:
    """Serve on standard input and output until the input ends, or until Ctrl-C.

    The server has a thread of its own. The thread that reads the input cannot be interrupted; the
    caller's can, and leaves it behind. Requests that are being sent are waited for.

    Args:
        make_tools: Makes the tools, in the server's thread, where their client is used.

    Returns:
        How many tasks continue at the gateway.

    Raises:
        RunwayError: The tools cannot be made.
    """
    server = _StdioServer(make_tools)
    threading.Thread(target=server.run, name=f"{DISTRIBUTION} mcp", daemon=True).start()
    try:
        while not wait([server.ended], timeout=LOCK_WAIT_SLICE).done:
            pass
    except KeyboardInterrupt:
        return server.stop()
    return server.ended.result()


@define
class _StdioServer:
    """A server in a thread.

    Attributes:
        make_tools: Makes the tools.
        ended: How many tasks continue, when the input has ended.
    """

    make_tools: Callable[[], AgentTools]
    ended: Future[int] = field(factory=Future["int"])
    _serving: tuple[asyncio.AbstractEventLoop, AgentTools] | None = None

    def run(self) -> None:
        """Serve until the input ends."""
        try:
            self.ended.set_result(asyncio.run(self._serve()))
        except BaseException as error:
            self.ended.set_exception(error)

    def stop(self) -> int:
        """Wait for requests that are being sent; the number of tasks that continue."""
        if self._serving is None:
            return 0
        loop, tools = self._serving
        return asyncio.run_coroutine_threadsafe(_finish(tools), loop).result()

    async def _serve(self) -> int:
        tools = self.make_tools()
        self._serving = (asyncio.get_running_loop(), tools)
        async with tools.client:
            server = make_server(tools)
            async with stdio_server() as (received, sent):
                await server.run(received, sent, server.create_initialization_options())
            return await _finish(tools)


async def _finish(tools: AgentTools) -> int:
    await tools.finish_submissions()
    return await tools.count_unfinished()
