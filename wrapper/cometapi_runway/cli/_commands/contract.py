"""``contract``: the contract in use, its version, and the pages it comes from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Final

from cyclopts import Parameter

from cometapi_runway._core.json_values import JSON, Object, as_object, as_text
from cometapi_runway._core.version import DISTRIBUTION, __version__
from cometapi_runway.cli._options.shared import DisplayOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.report import Report
from cometapi_runway.validation import Operation, contract

_DISPLAY: Final = DisplayOptions()


def show_contract(
    *,
    display: DisplayOptions = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
) -> ExitCode:
    """Show the contract in use: its version, its operations, and the page each comes from."""
    document = contract().document
    info = as_object(document.get("info")) or {}
    fields: dict[str, JSON] = {
        "title": info.get("title"),
        "version": info.get("version"),
        "package": __version__,
        "servers": list(contract().servers),
        "sha256": _compute_digest(document),
        "operations": [_make_operation_fields(one) for one in contract().operations],
    }
    head = f"{fields['title']}, version {fields['version']}, in {DISTRIBUTION} {__version__}"
    lines = [head, f"sha256 {fields['sha256']}", *map(_describe_operation, contract().operations)]
    report.show_result("\n".join(lines), "contract", fields)
    return ExitCode.SUCCESS


def _make_operation_fields(operation: Operation) -> dict[str, JSON]:
    return {
        "id": operation.id,
        "method": operation.method,
        "path": operation.path,
        "resources": list(operation.variants) or [operation.resource],
        "pages": [dict(page) for page in _list_pages(operation)],
    }


def _list_pages(operation: Operation) -> list[Object]:
    """The pages that an operation comes from, each with how it was obtained."""
    page = as_object(operation.document.get("x-page")) or {}
    if "source" in page:
        return [page]
    return [value for value in map(as_object, page.values()) if value is not None]


def _describe_operation(operation: Operation) -> str:
    lines = [f"\n{operation.method} {operation.path}"]
    for page in _list_pages(operation):
        source = as_text(page.get("source")) or "unknown"
        obtained = as_text(page.get("obtained")) or "unknown"
        lines.append(f"  {obtained:<12}  {source.rsplit('/', 1)[-1]}")
    return "\n".join(lines)


def _compute_digest(document: Mapping[str, Any]) -> str:
    """A digest of the content, the same for any line endings of the file."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
