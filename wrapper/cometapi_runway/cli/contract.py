"""``contract`` and ``validate``: what requests are held against, offline."""

from __future__ import annotations

import difflib
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from attrs import evolve
from cyclopts import Parameter

from cometapi_runway._core.json_values import JSON, Object, as_object, as_text
from cometapi_runway._core.version import __version__
from cometapi_runway.cli import derive
from cometapi_runway.cli.create import read_file
from cometapi_runway.cli.creations import Creation, creations
from cometapi_runway.cli.endings import Ending, Exit, UsageError, ending
from cometapi_runway.cli.options import RUN, Display
from cometapi_runway.cli.report import Report
from cometapi_runway.errors import InvalidRequestError, Issue
from cometapi_runway.validation import Operation, contract

_DISPLAY: Final = Display()


def validate(
    file: Annotated[
        str,
        Parameter(
            name="FILE",
            help="A request body as JSON; - for stdin.",
            group=RUN,
            allow_leading_hyphen=True,
        ),
    ],
    /,
    *,
    operation: Annotated[
        str | None,
        Parameter(
            help="What it is a request for, as a command or by its operation's id; else whatever "
            "it fits best.",
            metavar="NAME",
            group=RUN,
        ),
    ] = None,
    display: Display = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
) -> Exit:
    """Check a request body against the contract, offline."""
    text = sys.stdin.buffer.read() if file == "-" else read_file(Path(file).expanduser())
    source = "standard input" if file == "-" else file
    body = derive.read_body(text, source)
    found = {one: issues_of(one, body) for one in _meant(operation)}
    best = min(found, key=lambda one: len(found[one]))
    about: dict[str, JSON] = {"resource": best.name, "operation": best.operation.id, "file": file}
    words = " ".join(best.words)
    if found[best]:
        error = InvalidRequestError(found[best])
        message = f"{source} is not valid for {words} ({best.operation.id})"
        told = evolve(_judged(error, about), message=message)
        report.failed(told, error)
        return told.code
    report.result(f"valid for {words}", "valid", about)
    return Exit.SUCCESS


def _judged(error: InvalidRequestError, about: Mapping[str, JSON]) -> Ending:
    """A refusal in terms of the file, which has fields and no options."""
    issues: list[JSON] = [
        {"path": one.path, "rule": one.rule, "message": _pointed(one)} for one in error.issues
    ]
    return evolve(
        ending(error),
        advice="correct the body and check it again",
        details=tuple(map(_pointed, error.issues)),
        facts={**about, "issues": issues},
    )


def _pointed(issue: Issue) -> str:
    """An issue behind the JSON pointer of its field."""
    at = "" if issue.message.startswith(issue.path) else f"{issue.path}: "
    return f"{at}{issue.message}"


def issues_of(creation: Creation, body: Object) -> list[Issue]:
    """What the contract has against a body, fields that it does not know included."""
    found = derive.options(creation)
    issues = contract().check_body(creation.operation.id, body)
    return [*issues, *derive.strange(creation, found, body)]


def show(
    *,
    display: Display = _DISPLAY,
    report: Annotated[Report, Parameter(parse=False)],
) -> Exit:
    """Show the contract in use: its version, its operations, and the page each comes from."""
    document = contract().document
    info = as_object(document.get("info")) or {}
    about: dict[str, JSON] = {
        "title": info.get("title"),
        "version": info.get("version"),
        "package": __version__,
        "servers": list(contract().servers),
        "sha256": _digest(document),
        "operations": [_provenance(one) for one in contract().operations],
    }
    head = f"{about['title']}, version {about['version']}, in cometapi-runway {__version__}"
    lines = [head, f"digest {about['sha256']}", *map(_described, contract().operations)]
    report.result("\n".join(lines), "contract", about)
    return Exit.SUCCESS


def _meant(name: str | None) -> Sequence[Creation]:
    """What is meant by a name: as it is typed, as in Python, or an operation's id; all by None.

    Raises:
        UsageError: There is none.
    """
    if name is None:
        return creations()
    every: dict[str, list[Creation]] = {}
    for one in creations():
        for word in (" ".join(one.words), one.name, one.operation.id):
            every.setdefault(word, []).append(one)
    if name not in every:
        close = difflib.get_close_matches(name, every, n=1)
        shown = ", ".join(" ".join(one.words) for one in creations())
        raise UsageError(
            f"there is no operation {name!r}",
            f"did you mean {close[0]!r}?" if close else f"it is one of: {shown}",
        )
    return every[name]


def _provenance(operation: Operation) -> dict[str, JSON]:
    return {
        "id": operation.id,
        "method": operation.method,
        "path": operation.path,
        "resources": list(operation.variants) or [operation.resource],
        "pages": [dict(page) for page in _pages(operation)],
    }


def _pages(operation: Operation) -> list[Object]:
    """The pages that an operation comes from, each with how it was obtained."""
    page = as_object(operation.document.get("x-page")) or {}
    if "source" in page:
        return [page]
    return [found for found in map(as_object, page.values()) if found is not None]


def _described(operation: Operation) -> str:
    lines = [f"\n{operation.method} {operation.path}"]
    for page in _pages(operation):
        source = as_text(page.get("source")) or "unknown"
        how = as_text(page.get("obtained")) or "unknown"
        lines.append(f"  {how:<12}  {source.rsplit('/', 1)[-1]}")
    return "\n".join(lines)


def _digest(document: Mapping[str, Any]) -> str:
    """A digest that two installations can compare, whatever the file's line ends."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
