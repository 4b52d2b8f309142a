"""``mcp``: tools for AI agents, on standard input and output."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Group, Parameter

from cometapi_runway import _settings as settings
from cometapi_runway._core.naming import count_noun
from cometapi_runway._core.suggestions import suggest_name
from cometapi_runway._core.version import DISTRIBUTION
from cometapi_runway.cli._errors import UsageError, format_command
from cometapi_runway.cli._lazy_module import LazyModule
from cometapi_runway.cli._options.shared import (
    ConnectionOptions,
    FiniteSeconds,
    SavingOptions,
)
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import make_exit_report
from cometapi_runway.cli._output.report import Report
from cometapi_runway.resources._client_resources import ClientResource, list_client_resources

if TYPE_CHECKING:
    from cometapi_runway import _client as client_module
    from cometapi_runway import journal as journal_module
    from cometapi_runway import mcp as server_module
else:
    client_module = LazyModule("cometapi_runway._client")
    journal_module = LazyModule("cometapi_runway.journal")
    server_module = LazyModule("cometapi_runway.mcp")

_CONNECTION: Final = ConnectionOptions()
_GROUP: Final = Group("Session", sort_key=1)
_MAX_TASKS: Final = 5
_LIBRARIES_OF_THE_EXTRA: Final = frozenset({"mcp", "mcp_types", "PIL"})


def mcp(
    *,
    output: Annotated[
        Path,
        Parameter(
            help="Folder for the files; nothing is written outside it.",
            metavar="FOLDER",
            group=_GROUP,
        ),
    ],
    max_tasks: Annotated[
        int, Parameter(help="Tasks that the session may buy.", metavar="N", group=_GROUP)
    ] = _MAX_TASKS,
    max_cost: Annotated[
        str | None,
        Parameter(
            help="US dollars that the session may spend; it needs the price of every operation.",
            metavar="USD",
            group=_GROUP,
        ),
    ] = None,
    prices: Annotated[
        Path | None,
        Parameter(help="TOML file with the prices of resources.", metavar="FILE", group=_GROUP),
    ] = None,
    operations: Annotated[
        str | None,
        Parameter(
            help="What the session may buy, such as text_to_image,compat.act_one; by default "
            "everything.",
            metavar="NAME,NAME",
            group=_GROUP,
        ),
    ] = None,
    session: Annotated[
        str | None,
        Parameter(
            help="Name of the session. Servers with the same journal and session share its "
            "limits, one after the other too; by default the day on which the server starts.",
            metavar="NAME",
            group=_GROUP,
        ),
    ] = None,
    interval: Annotated[
        FiniteSeconds, Parameter(help="Minimum time between two polls of a task.", group=_GROUP)
    ] = settings.POLL_INTERVAL,
    connection: ConnectionOptions = _CONNECTION,
    report: Annotated[Report, Parameter(parse=False)],
) -> ExitCode:
    """Serve tools to an AI agent: Model Context Protocol on standard input and output.

    An agent plans a request, which is free, and submits it, which buys one task however often it
    is repeated. The host of the agent starts this command.
    """
    journal = connection.journal_path
    if journal is None:
        raise UsageError(
            "the server needs a journal, so that an agent buys nothing twice",
            "leave out --no-journal",
        )
    resources = _select_resources(operations)
    folder = SavingOptions(output=output).prepare_folder()
    scope = f"mcp {session or datetime.now(UTC).astimezone().date().isoformat()}"
    budget = journal_module.Budget(max_cost, max_tasks, scope, prices)

    def make_tools() -> server_module.AgentTools:
        client = client_module.AsyncRunwayClient(
            base_url=connection.base_url or None,
            runway_version=connection.runway_version or None,
            timeout=connection.request_timeout,
            journal=journal,
            budget=budget,
        )
        options = server_module.SessionOptions(
            output=folder,
            budget=budget,
            resources=resources,
            intents=journal.with_name(f"{journal.name}-intents"),
            interval=interval,
        )
        return server_module.AgentTools(client, options, make_exit_report)

    try:
        with _interrupt_on_termination():
            unfinished = server_module.serve_stdio(make_tools)
    except ModuleNotFoundError as error:
        raise _make_missing_extra_error(error) from error
    report.show_note("the server has stopped")
    if unfinished:
        verb = "continues" if unfinished == 1 else "continue"
        report.show_note(f"{count_noun(unfinished, 'task')} {verb} at the gateway")
        command = format_command("tasks", "resume", *connection.options_to_repeat)
        report.show_note(f"next:  {command} --output {folder}")
    return ExitCode.SUCCESS


def _select_resources(names: str | None) -> tuple[ClientResource, ...]:
    """The resources that a comma-separated list names; all without one.

    Raises:
        UsageError: There is no such resource.
    """
    known = {resource.name: resource for resource in list_client_resources()}
    if names is None:
        return tuple(known.values())
    return tuple(_get_resource(name.strip(), known) for name in names.split(","))


def _get_resource(name: str, known: Mapping[str, ClientResource]) -> ClientResource:
    resource = known.get(name)
    if resource is None:
        raise UsageError(f"--operations: there is no operation {name!r}", suggest_name(name, known))
    return resource


def _make_missing_extra_error(error: ModuleNotFoundError) -> UsageError:
    """The error that names the missing extra.

    Raises:
        ModuleNotFoundError: The missing module is not of the extra.
    """
    if error.name not in _LIBRARIES_OF_THE_EXTRA:
        raise error
    return UsageError(
        "the server needs an extra that is not installed", f"pip install '{DISTRIBUTION}[mcp]'"
    )


@contextlib.contextmanager
def _interrupt_on_termination() -> Generator[None]:
    """Raise `KeyboardInterrupt` on SIGTERM too, by which hosts end a server."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler_before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler_before)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
