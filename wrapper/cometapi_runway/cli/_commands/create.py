"""The create commands: one per resource, made when it is used.

``create:<python_name>`` is the command of the resource with that name. `_app` refers to it by
that text, so that ``--help`` imports nothing of it.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import App, Parameter

from cometapi_runway._core.lazy_module import LazyModule
from cometapi_runway._core.version import DISTRIBUTION
from cometapi_runway.cli._errors import UsageError, format_command
from cometapi_runway.cli._options.budget import BudgetOptions
from cometapi_runway.cli._options.request import RequestOptions
from cometapi_runway.cli._options.resource_options import (
    ResourceOption,
    body_to_arguments,
    find_unknown_fields,
    list_resource_options,
)
from cometapi_runway.cli._options.shared import (
    ConnectionOptions,
    DisplayOptions,
    SavingOptions,
    WaitingOptions,
)
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.report import Report
from cometapi_runway.errors import InvalidRequestError
from cometapi_runway.resources._client_resources import ClientResource, get_client_resource

if TYPE_CHECKING:
    from cometapi_runway.cli._actions import create_task, dry_run
else:
    create_task = LazyModule("cometapi_runway.cli._actions.create_task")
    dry_run = LazyModule("cometapi_runway.cli._actions.dry_run")

_REQUEST: Final = RequestOptions()
_BUDGET: Final = BudgetOptions()
_WAITING: Final = WaitingOptions()
_SAVING: Final = SavingOptions()
_CONNECTION: Final = ConnectionOptions()
_DISPLAY: Final = DisplayOptions()


def __getattr__(name: str) -> App:
    """The command of the resource with this Python name."""
    try:
        return make_create_app(get_client_resource(name))
    except KeyError:
        raise AttributeError(name) from None


def make_create_app(resource: ClientResource) -> App:
    """The command of a resource."""
    options = list_resource_options(resource)
    app = App(
        name=resource.command_words[-1], usage=_make_usage(resource, options), help_epilogue=""
    )
    app.default(_make_function(resource, options))
    return app


def _make_function(
    resource: ClientResource, options: Sequence[ResourceOption]
) -> Callable[..., ExitCode]:
    """The command's function, with the parameters that cyclopts turns into options."""

    def run(
        *,
        request: RequestOptions = _REQUEST,
        budget: BudgetOptions = _BUDGET,
        waiting: WaitingOptions = _WAITING,
        saving: SavingOptions = _SAVING,
        connection: ConnectionOptions = _CONNECTION,
        display: DisplayOptions = _DISPLAY,
        report: Annotated[Report, Parameter(parse=False)],
        **fields: Any,
    ) -> ExitCode:
        body = request.read_body()
        unknown = find_unknown_fields(resource, options, body) if request.validate else []
        if unknown:
            raise InvalidRequestError(unknown)
        from_options = {name: value for name, value in fields.items() if value is not None}
        arguments = {**body_to_arguments(options, body), **from_options}
        if request.json is None:
            _check_required(resource, options, arguments.keys())
        command = create_task.CreateCommand(
            resource=resource,
            arguments=arguments,
            request=request,
            budget=budget,
            waiting=waiting,
            saving=saving,
            connection=connection,
        )
        if request.dry_run:
            return dry_run.show_dry_run(command, report)
        return create_task.create_task(command, report)

    shared = inspect.signature(run).parameters.values()
    parameters = [option.parameter for option in options]
    parameters += [one for one in shared if one.kind is inspect.Parameter.KEYWORD_ONLY]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # for cyclopts
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _check_required(
    resource: ClientResource, options: Sequence[ResourceOption], arguments: Collection[str]
) -> None:
    missing = [o.flag for o in options if o.is_required and o.argument not in arguments]
    if missing:
        raise UsageError(
            f"give {' and '.join(missing)}, or the whole body with --json",
            f"see {format_command(*resource.command_words, '--help')}",
        )


def _make_usage(resource: ClientResource, options: Sequence[ResourceOption]) -> str:
    """The usage line, with the required options."""
    head = f"Usage: {DISTRIBUTION} {' '.join(resource.command_words)} "
    required = [f"{option.flag} {option.metavar}" for option in options if option.is_required]
    return textwrap.fill(
        head + " ".join([*required, "[OPTIONS]"]),
        subsequent_indent=" " * 7,
        break_on_hyphens=False,
    )
