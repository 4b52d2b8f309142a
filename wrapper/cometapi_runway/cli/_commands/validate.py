"""``validate``: check a request body against the contract, offline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

from attrs import evolve
from cyclopts import Parameter

from cometapi_runway._core.json_values import JSON, Object
from cometapi_runway._core.suggestions import suggest_name
from cometapi_runway.cli._errors import UsageError
from cometapi_runway.cli._options.request import is_json_text, name_source, read_body_file
from cometapi_runway.cli._options.resource_options import (
    find_unknown_fields,
    list_resource_options,
)
from cometapi_runway.cli._options.shared import RUN_GROUP, DisplayOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import ExitReport, make_exit_report
from cometapi_runway.cli._output.report import Report
from cometapi_runway.errors import InvalidRequestError, Issue
from cometapi_runway.resources._client_resources import ClientResource, list_client_resources
from cometapi_runway.validation import contract

_DISPLAY: Final = DisplayOptions()


def validate(
    body_file: Annotated[
        # Never a Path: it is in the type so that shells complete file names.
        str | Path,
        Parameter(
            name="FILE",
            help="A request body as JSON: a file, - for stdin, or its text.",
            group=RUN_GROUP,
            allow_leading_hyphen=True,
        ),
    ],
    /,
    *,
    operation: Annotated[
        str | None,
        Parameter(
            help="The operation, as its command or its id; by default the one that fits best.",
            metavar="NAME",
            group=RUN_GROUP,
        ),
    ] = None,
    display: DisplayOptions = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
) -> ExitCode:
    """Check a request body against the contract, offline."""
    file = str(body_file)
    body = read_body_file(file)
    issues = {one: check_body(one, body) for one in _find_resources(operation)}
    resource = min(issues, key=lambda one: len(issues[one]))
    operation_id, command = resource.operation.id, " ".join(resource.command_words)
    fields: dict[str, JSON] = {
        "resource": resource.python_name,
        "operation": operation_id,
        "file": name_source(file) if is_json_text(file) else file,
    }
    if issues[resource]:
        error = InvalidRequestError(issues[resource])
        message = f"{name_source(file)} is not valid for {command} ({operation_id})"
        exit_report = _report_issues(error, message, fields)
        report.show_failure(exit_report, error)
        return exit_report.code
    report.show_result(f"valid for {command}", "valid", fields)
    return ExitCode.SUCCESS


def check_body(resource: ClientResource, body: Object) -> list[Issue]:
    """The issues of a body, with those of fields that the contract does not name."""
    options = list_resource_options(resource)
    issues = contract().check_body(resource.operation.id, body)
    return [*issues, *find_unknown_fields(resource, options, body)]


def _report_issues(
    error: InvalidRequestError, message: str, fields: Mapping[str, JSON]
) -> ExitReport:
    """An exit report that names the file's fields; a file has no options."""
    issues: list[JSON] = [
        {"path": one.path, "rule": one.rule, "message": _describe_issue(one)}
        for one in error.issues
    ]
    return evolve(
        make_exit_report(error),
        message=message,
        advice="correct the body and check it again",
        details=tuple(map(_describe_issue, error.issues)),
        fields={**fields, "issues": issues},
    )


def _describe_issue(issue: Issue) -> str:
    """An issue that begins with the JSON pointer of its field."""
    pointer = "" if issue.message.startswith(issue.path) else f"{issue.path}: "
    return f"{pointer}{issue.message}"


def _find_resources(name: str | None) -> Sequence[ClientResource]:
    """The resources of a name: a command, a Python name or an operation's id; all for None.

    Raises:
        UsageError: No resource has the name.
    """
    resources = list_client_resources()
    if name is None:
        return resources
    by_name: dict[str, list[ClientResource]] = {}
    for one in resources:
        for key in (" ".join(one.command_words), one.python_name, one.operation.id):
            by_name.setdefault(key, []).append(one)
    if name not in by_name:
        commands = [" ".join(one.command_words) for one in resources]
        advice = suggest_name(name, by_name, listed=commands)
        raise UsageError(f"there is no operation {name!r}", advice)
    return by_name[name]
