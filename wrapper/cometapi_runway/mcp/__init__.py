"""A Model Context Protocol server: agents plan, submit, wait for and download tasks.

``cometapi-runway mcp`` starts it on standard input and output. It needs the extra ``mcp``.

A request is paid for at most once, because an agent buys in two steps. A plan is free: it validates
the request, keeps it, and answers with the id of an intent. Submitting the intent goes through the
journal with an idempotency key that is made from that id, so that it buys one task however often it
is called, by whatever server that shares the journal.

Inside, `_server` connects the tools to the protocol, on standard input and output. `_agent_tools`
does what the tools are for, with a client. `_tools` has their names, descriptions and schemas,
`_intents` keeps planned requests, `_results` writes what an agent sees, `_preview` makes small
pictures.
"""

from cometapi_runway._extras import requires_extra

with requires_extra("mcp"):
    from cometapi_runway.mcp._agent_tools import AgentTools, SessionOptions
    from cometapi_runway.mcp._results import ErrorReport
    from cometapi_runway.mcp._server import make_server, serve_stdio

__all__ = ["AgentTools", "ErrorReport", "SessionOptions", "make_server", "serve_stdio"]
