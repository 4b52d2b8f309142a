"""``--dry-run``: the request as curl would send it, the key left to the environment."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from cometapi_runway import _settings as settings
from cometapi_runway._core.redaction import strip_payloads
from cometapi_runway._flows.steps import PreparedRequest
from cometapi_runway._settings import resolve_settings
from cometapi_runway.cli.endings import Exit, ending
from cometapi_runway.errors import InvalidRequestError
from cometapi_runway.resources._prepare_request import prepare_create

if TYPE_CHECKING:
    from cometapi_runway.cli.create import Order
    from cometapi_runway.cli.report import Report


def show(order: Order, report: Report) -> Exit:
    """Print the request and what the contract says of it; nothing is sent.

    Raises:
        InvalidRequestError: There is no request to be made of it.
    """
    chosen = resolve_settings(
        # No key is needed to look at a request, and a real one must not get near it.
        "dry-run",
        base_url=order.connection.base_url or None,
        runway_version=order.connection.runway_version or None,
        timeout=order.connection.request_timeout,
    )
    problem: InvalidRequestError | None = None
    try:
        call = _call(order, chosen, validate=order.making.validate)
    except InvalidRequestError as error:
        problem = error
        call = _call(order, chosen, validate=False)
    body = strip_payloads(call.body)
    text = curl(call, chosen.base_url)
    report.result(
        text,
        "dry_run",
        {
            "operation": call.operation,
            "method": call.method,
            "url": chosen.base_url + call.url,
            "headers": dict(call.headers),
            "body": body,
            "valid": problem is None if order.making.validate else None,
            "curl": text,
        },
    )
    if problem is not None:
        told = ending(problem)
        report.failed(told, problem)
        return told.code
    verdict = "the contract allows it" if order.making.validate else "it was not checked"
    report.note(f"{verdict}; nothing was sent")
    return Exit.SUCCESS


def curl(call: PreparedRequest, base_url: str) -> str:
    """A request as a command for a shell, without key and without embedded files."""
    headers = {name: value for name, value in call.headers.items() if name != "Content-Type"}
    lines = [f"curl -X {call.method} {shlex.quote(base_url + call.url)}"]
    # In double quotes, so that the shell puts the key in when it runs.
    lines.append(f'  -H "Authorization: Bearer ${settings.KEY_VARIABLE}"')
    lines += [f"  -H {shlex.quote(f'{name}: {value}')}" for name, value in headers.items()]
    lines.append("  -H 'Content-Type: application/json'")
    body = json.dumps(strip_payloads(call.body), indent=2, ensure_ascii=False)
    lines.append(f"  -d {shlex.quote(body)}")
    return " \\\n".join(lines)


def _call(order: Order, chosen: settings.Settings, *, validate: bool) -> PreparedRequest:
    arguments: dict[str, Any] = {**order.call, "validate": validate}
    return prepare_create(order.creation.signature, arguments, chosen).call
