"""Which operation a request line really hits.

The path is taken as it is on the wire. Servers and proxies resolve dot segments and decode ``%2F``
before they route, so a task id of ``..`` or ``a/b`` reaches another route than the one meant; such
a path still matches here, and carries what is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote

from attrs import frozen

from cometapi_runway.errors import Issue

if TYPE_CHECKING:
    from cometapi_runway.validation._document import Operation

_PARAMETER = re.compile(r"\{([^{}/]+)\}")


@frozen
class Route:
    """A hit: the operation, its decoded path arguments, and what is odd about the path."""

    operation: Operation
    arguments: Mapping[str, str]
    issues: tuple[Issue, ...] = ()


class Routes:
    """The paths of a contract, ready to be matched; concrete ones before templates."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._fixed: dict[str, dict[str, Operation]] = {}
        self._templates: dict[str, tuple[re.Pattern[str], dict[str, Operation]]] = {}
        for operation in operations:
            self._add(operation)

    def find(self, method: str, path: str) -> Route | Issue:
        """What a request line hits, or why it hits nothing."""
        if fixed := self._fixed.get(path):
            operation = fixed.get(method)
            return Route(operation, {}) if operation else _wrong_method(method, path, fixed)
        for pattern, methods in self._templates.values():
            if found := pattern.fullmatch(path):
                operation = methods.get(method)
                if operation is None:
                    return _wrong_method(method, path, methods)
                return _hit(operation, found.groups())
        return _no_path(method, path)

    def _add(self, operation: Operation) -> None:
        if "{" not in operation.path:
            self._fixed.setdefault(operation.path, {})[operation.method] = operation
            return
        pattern = re.compile(_template(operation.path))
        methods = self._templates.setdefault(operation.path, (pattern, {}))[1]
        methods[operation.method] = operation


def _template(path: str) -> str:
    # An empty argument matches too: it is reported by its name, which "no such path" would hide.
    pieces = _PARAMETER.split(path)
    return "".join("([^/]*)" if index % 2 else re.escape(p) for index, p in enumerate(pieces))


def _hit(operation: Operation, raw: tuple[str, ...]) -> Route | Issue:
    names = _PARAMETER.findall(operation.path)
    pairs = dict(zip(names, raw, strict=True))
    for name, value in pairs.items():
        if not value:
            return _odd(operation, name, "empty", "", "is empty, which makes it another path")
    issues = tuple(
        found for name, value in pairs.items() for found in _oddities(operation, name, value)
    )
    return Route(operation, {name: unquote(value) for name, value in pairs.items()}, issues)


def _oddities(operation: Operation, name: str, raw: str) -> Iterable[Issue]:
    value = unquote(raw)
    if value in {".", ".."}:
        yield _odd(operation, name, "dot-segment", value, "is resolved away before the server")
    if "/" in value or "\\" in value:
        yield _odd(operation, name, "encoded-slash", value, "holds a slash, which servers decode")


def _odd(operation: Operation, name: str, rule: str, value: str, words: str) -> Issue:
    message = f"path parameter {name} {words} ({rule}), got {value!r} for {operation.path}"
    return Issue(name, rule, value, message)


def _wrong_method(method: str, path: str, methods: Mapping[str, Operation]) -> Issue:
    known = ", ".join(methods)
    message = f"{method} is not a method of {path} (method), which has {known}"
    return Issue("method", "method", method, message)


def _no_path(method: str, path: str) -> Issue:
    segments = {unquote(segment) for segment in path.split("/")}
    rule = "dot-segment" if segments & {".", ".."} else "path"
    shown = path if len(path) <= 120 else path[:120] + "…"
    return Issue("path", rule, shown, f"the contract has no {method} {shown} ({rule})")
