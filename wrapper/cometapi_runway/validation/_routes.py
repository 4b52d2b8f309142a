"""Matches a request line to an operation.

The path is matched as sent. Servers and proxies resolve dot segments and decode ``%2F`` before they
route, so a task id of ``..`` or ``a/b`` reaches another route than the caller means. Such a path
still matches here, and the match carries issues that say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote

from attrs import frozen

from cometapi_runway.errors import Issue
from cometapi_runway.validation._messages import describe_value, shorten

if TYPE_CHECKING:
    from cometapi_runway.validation._document import Operation

_PARAMETER = re.compile(r"\{([^{}/]+)\}")


@frozen
class Route:
    """A match.

    Attributes:
        operation: The operation.
        arguments: Its path parameters, percent-decoded.
        issues: Path parameters that a server would not route as they are.
    """

    operation: Operation
    arguments: Mapping[str, str]
    issues: tuple[Issue, ...] = ()


class Router:
    """Matches the paths of a contract. Fixed paths take precedence over templates."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._fixed: dict[str, dict[str, Operation]] = {}
        self._templates: dict[str, tuple[re.Pattern[str], dict[str, Operation]]] = {}
        for operation in operations:
            self._add(operation)

    def find(self, method: str, path: str) -> Route | Issue:
        """Return what a request line reaches, or the reason why it reaches no operation."""
        if fixed := self._fixed.get(path):
            operation = fixed.get(method)
            return Route(operation, {}) if operation else _report_method(method, path, fixed)
        for pattern, methods in self._templates.values():
            if found := pattern.fullmatch(path):
                operation = methods.get(method)
                if operation is None:
                    return _report_method(method, path, methods)
                return _make_route(operation, found.groups())
        return _report_path(method, path)

    def _add(self, operation: Operation) -> None:
        if "{" not in operation.path:
            self._fixed.setdefault(operation.path, {})[operation.method] = operation
            return
        pattern = _compile_template(operation.path)
        methods = self._templates.setdefault(operation.path, (pattern, {}))[1]
        methods[operation.method] = operation


def _compile_template(path: str) -> re.Pattern[str]:
    # An empty argument matches too, so that the issue names the parameter instead of the path.
    pieces = _PARAMETER.split(path)
    return re.compile(
        "".join("([^/]*)" if index % 2 else re.escape(p) for index, p in enumerate(pieces))
    )


def _make_route(operation: Operation, raw: tuple[str, ...]) -> Route | Issue:
    names = _PARAMETER.findall(operation.path)
    pairs = dict(zip(names, raw, strict=True))
    for name, value in pairs.items():
        if not value:
            return _make_issue(
                operation, name, "empty", "", "is empty, which makes it another path"
            )
    issues = tuple(
        issue for name, value in pairs.items() for issue in _check_argument(operation, name, value)
    )
    return Route(operation, {name: unquote(value) for name, value in pairs.items()}, issues)


def _check_argument(operation: Operation, name: str, raw: str) -> Iterable[Issue]:
    value = unquote(raw)
    if value in {".", ".."}:
        yield _make_issue(
            operation, name, "dot-segment", value, "is removed before the request is routed"
        )
    if "/" in value or "\\" in value:
        yield _make_issue(
            operation, name, "encoded-slash", value, "contains a slash, which servers decode"
        )


def _make_issue(operation: Operation, name: str, rule: str, value: str, reason: str) -> Issue:
    message = (
        f"path parameter {name} {reason} ({rule}), got {describe_value(value)} for {operation.path}"
    )
    return Issue(name, rule, value, message)


def _report_method(method: str, path: str, methods: Mapping[str, Operation]) -> Issue:
    known = ", ".join(methods)
    message = f"{shorten(method)} is not a method of {shorten(path)} (method), which has {known}"
    return Issue("method", "method", method, message)


def _report_path(method: str, path: str) -> Issue:
    segments = {unquote(segment) for segment in path.split("/")}
    rule = "dot-segment" if segments & {".", ".."} else "path"
    shown = path if len(path) <= 120 else path[:120] + "…"
    return Issue("path", rule, shown, f"the contract has no {shorten(method)} {shown} ({rule})")
