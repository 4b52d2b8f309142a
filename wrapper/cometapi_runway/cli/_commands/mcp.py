"""``mcp``: tools for AI agents, on standard input and output."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Generator, Mapping
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final

from attrs import evolve
from cyclopts import Parameter

from cometapi_runway import _settings as settings
from cometapi_runway._core.lazy_module import LazyModule
from cometapi_runway._core.naming import count_noun
from cometapi_runway._core.suggestions import suggest_name
from cometapi_runway._core.version import DISTRIBUTION
from cometapi_runway.cli._errors import UsageError, format_command
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._options.budget import SessionBudgetOptions
from cometapi_runway.cli._options.shared import (
    RUN_GROUP,
    ConnectionOptions,
    FiniteSeconds,
    SavingOptions,
)
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import make_exit_report
from cometapi_runway.cli._output.report import Report
from cometapi_runway.resources._client_resources import ClientResource, list_client_resources

if TYPE_CHECKING:
    from cometapi_runway import _async_client as client_module
    from cometapi_runway import mcp as server_module
    from cometapi_runway.cli._actions import budget as budget_module
else:
    budget_module = LazyModule("cometapi_runway.cli._actions.budget")
    client_module = LazyModule("cometapi_runway._async_client")
    server_module = LazyModule("cometapi_runway.mcp")

_LIBRARIES_OF_THE_EXTRA: Final = frozenset({"mcp", "mcp_types", "PIL"})


_CONNECTION: Final = ConnectionOptions()
_BUDGET: Final = SessionBudgetOptions()


def mcp(
    *,
    output: Annotated[
        Path,
        Parameter(
            help="Folder for the files; nothing is written outside it.",
            metavar="FOLDER",
            group=RUN_GROUP,
        ),
    ],
    operations: Annotated[
        str | None,
        Parameter(
            help="What the session may buy, such as text_to_image,compat.act_one; by default "
            "everything.",
            metavar="NAME,NAME",
            group=RUN_GROUP,
        ),
    ] = None,
    interval: Annotated[
        FiniteSeconds, Parameter(help="Minimum time between two polls.", group=RUN_GROUP)
    ] = settings.POLL_INTERVAL,
    budget: SessionBudgetOptions = _BUDGET,
    connection: ConnectionOptions = _CONNECTION,
    report: Annotated[Report, Parameter(parse=False)],
) -> ExitCode:
    """Serve tools to an AI agent: Model Context Protocol on standard input and output.

    An agent plans a request, which is free, and submits it, which buys one task however often it
    is repeated. The host of the agent starts this command.
    """
    journal = connection.journal_location
    if journal is None:
        raise UsageError(
            "the server needs a journal, so that an agent buys nothing twice",
            "leave out --no-journal",
        )
    resources = _select_resources(operations)
    session = budget.session
    limits = budget_module.make_budget(evolve(budget, budget_scope=session))
    for resource in resources:
        # Refused now, and not when an agent plans.
        budget_module.get_price(resource, limits)
    folder = SavingOptions(output=output).prepare_folder()

    def make_tools() -> server_module.AgentTools:
        client = client_module.AsyncRunwayClient(
            base_url=connection.base_url or None,
            runway_version=connection.runway_version or None,
            timeout=connection.request_timeout,
            journal=journal,
            budget=limits,
        )
        options = server_module.SessionOptions(
            output=folder,
            scope=session,
            resources=resources,
            intents=_get_intent_folder(journal),
            interval=interval,
        )
        explain = partial(make_exit_report, options_to_repeat=connection.options_to_repeat)
        return server_module.AgentTools(client, options, explain)

    try:
        with _interrupt_on_termination():
            unfinished = server_module.serve_stdio(make_tools)
    except ModuleNotFoundError as error:
        raise _make_missing_extra_error(error) from error
    report.show_note("the server has stopped")
    if unfinished:
        verb = "continues" if unfinished == 1 else "continue"
        report.show_note(f"{count_noun(unfinished, 'task')} {verb} at the gateway")
        resume = ("tasks", "resume", "--output", str(folder), *connection.options_to_repeat)
        report.show_note(f"next:  {format_command(*resume)}")
    return ExitCode.SUCCESS


def _get_intent_folder(journal: str | Path) -> Path:
    """The folder for planned requests: next to the journal, or in the data folder for a URL."""
    file = journal if isinstance(journal, Path) else paths.get_default_journal_path()
    return file.with_name(f"{file.name}-intents")


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
