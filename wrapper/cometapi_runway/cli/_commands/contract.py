"""``contract``: the contract in use, the pages it comes from, and responses that it lacks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent
from typing import Annotated, Any, Final

from cyclopts import App, Group, Parameter

from cometapi_runway._capture._drift import Drift, find_drift
from cometapi_runway._core.json_values import JSON, Object, as_object, as_text
from cometapi_runway._core.naming import count_noun
from cometapi_runway._core.version import DISTRIBUTION, __version__
from cometapi_runway.cli._errors import UsageError
from cometapi_runway.cli._options import paths
from cometapi_runway.cli._options.shared import DisplayOptions
from cometapi_runway.cli._output.exit_codes import ExitCode
from cometapi_runway.cli._output.report import Report
from cometapi_runway.validation import Operation, contract

_DISPLAY: Final = DisplayOptions()
_MAX_NAMES: Final = 3

app: Final = App(name="contract", help_epilogue="", group_commands=Group("Commands"))


@app.default
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


@app.command
def drift(
    folder: Annotated[
        Path, Parameter(name="FOLDER", help="Folder that a client with capture=FOLDER wrote to.")
    ],
    /,
    *,
    display: DisplayOptions = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
) -> ExitCode:
    """Show what captured responses have that the contract lacks, and how it takes that in.

    Works offline. A YAML action belongs into a file of openapi/overlays/, after which
    `make regenerate` takes it in; a response that no schema fits becomes a file of the corpus.
    """
    place = paths.expand_user(folder)
    if not place.is_dir():
        raise UsageError(f"{place} is not a folder", "name the folder that responses went to")
    try:
        drifts, unreadable = find_drift(place)
    except OSError as error:
        raise UsageError(f"cannot read {place}: {error.strerror}", "check the folder") from error
    for file in unreadable:
        report.show_note(f"{file} holds no captured response; it is left out")
    lines = [_describe_drift(one) for one in drifts]
    text = "\n\n".join(lines) or f"nothing in {place} that the contract lacks"
    report.show_result(text, "drift", {"drifts": [_make_drift_fields(one) for one in drifts]})
    return ExitCode.SUCCESS


def _describe_drift(drift: Drift) -> str:
    operation = contract().operation(drift.operation)
    names = ", ".join(file.name for file in drift.files[:_MAX_NAMES])
    more = f" and {len(drift.files) - _MAX_NAMES} more" if len(drift.files) > _MAX_NAMES else ""
    head = f"{operation.method} {operation.path}, HTTP {drift.status}: {drift.description}"
    files = f"  {count_noun(len(drift.files), 'shape')}: {names}{more}"
    return "\n".join((head, files, indent(drift.remedy, "  ")))


def _make_drift_fields(drift: Drift) -> dict[str, JSON]:
    return {
        "operation": drift.operation,
        "status": drift.status,
        "rule": drift.difference.rule,
        "path": drift.difference.path,
        "value": drift.difference.value,
        "description": drift.description,
        "files": [str(file) for file in drift.files],
        "remedy": drift.remedy,
    }


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
