"""``--dry-run``: show the request as a curl command; the key stays in the environment."""

from __future__ import annotations

import json
import shlex
from typing import Any

from cometapi_runway import _settings as settings
from cometapi_runway._core.redaction import strip_payloads
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._settings import check_clear_text, resolve_settings
from cometapi_runway.cli._actions.budget import get_price, make_budget
from cometapi_runway.cli._actions.create_task import CreateCommand
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.exit_report import make_exit_report
from cometapi_runway.cli._output.report import Report
from cometapi_runway.cli._output.text import describe_price
from cometapi_runway.errors import InvalidRequestError
from cometapi_runway.resources._prepare_request import prepare_create


def show_dry_run(command: CreateCommand, report: Report) -> ExitCode:
    """Show the request, its price and whether it is valid; nothing is sent or recorded.

    Raises:
        InvalidRequestError: No request can be made from the arguments.
        ConfigurationError: A setting is malformed, or the key would be sent unencrypted.
        UsageError: The price is not known, and the budget limits the cost.
    """
    price = get_price(command.resource, make_budget(command.budget))
    client_settings = resolve_settings(
        # Showing a request needs no key, and must not risk showing a real one.
        "none",
        base_url=command.connection.base_url or None,
        runway_version=command.connection.runway_version or None,
    )
    check_clear_text(client_settings)
    refusal: InvalidRequestError | None = None
    try:
        request = _prepare(command, client_settings, validate=command.request.validate)
    except InvalidRequestError as error:
        refusal = error
        request = _prepare(command, client_settings, validate=False)
    text = format_curl(request, client_settings.base_url)
    report.show_result(
        text,
        "dry_run",
        {
            "operation": request.operation,
            "method": request.method,
            "url": client_settings.base_url + request.url,
            "headers": dict(request.headers),
            "body": strip_payloads(request.body),
            "valid": refusal is None if command.request.validate else None,
            "curl": text,
            **command.make_details(price).to_fields(),
        },
    )
    if refusal is not None:
        exit_report = make_exit_report(refusal)
        report.show_failure(exit_report, refusal)
        return exit_report.code
    verdict = "the request is valid" if command.request.validate else "it was not validated"
    report.show_note(f"{verdict}; {describe_price(price)}; nothing was sent")
    return ExitCode.SUCCESS


def format_curl(request: PreparedRequest, base_url: str) -> str:
    """A request as a shell command, without key and embedded files."""
    headers = {name: value for name, value in request.headers.items() if name != "Content-Type"}
    lines = [f"curl -X {request.method} {shlex.quote(base_url + request.url)}"]
    # In double quotes, so that the shell inserts the key when it runs the command.
    lines.append(f'  -H "Authorization: Bearer ${settings.KEY_VARIABLE}"')
    lines += [f"  -H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    lines.append("  -H 'Content-Type: application/json'")
    body = json.dumps(strip_payloads(request.body), indent=2, ensure_ascii=False)
    lines.append(f"  -d {shlex.quote(body)}")
    return " \\\n".join(lines)


def _prepare(
    command: CreateCommand, client_settings: settings.Settings, *, validate: bool
) -> PreparedRequest:
    arguments: dict[str, Any] = {**command.create_arguments, "validate": validate}
    return prepare_create(
        command.resource.signature,
        arguments,
        client_settings,
    ).call
