"""Parses a Python sample into the request of its one requests or httpx call; runs nothing."""

from __future__ import annotations

import ast
import json
from typing import Any
from urllib.parse import urlencode

from ..drivers.request_capture import SentRequest
from .sample_requests import PLACEHOLDER, UnsupportedSampleError, make_request

_MODULES = frozenset({"requests", "httpx"})
_METHODS = frozenset({"get", "post", "put", "patch", "delete"})
_ENVIRONMENT = ("os.environ", "os.getenv")


def parse_python(source: str) -> SentRequest:
    """Parse the one request of a sample.

    Raises:
        UnsupportedSampleError: it is not Python, or has no single supported call.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise UnsupportedSampleError(f"not Python: {error}") from error
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _method(node)]
    if len(calls) != 1:
        raise UnsupportedSampleError(f"{len(calls)} calls of requests or httpx, expected one")
    call = calls[0]
    values = _assigned(tree)
    given = [_value(one, values) for one in call.args]
    named = {one.arg: _value(one.value, values) for one in call.keywords if one.arg}
    method = _method(call)
    if method == "request":
        method, *given = [*given, *(named[key] for key in ("method",) if key in named)]
    url = given[0] if given else named.get("url")
    if not isinstance(url, str) or not isinstance(method, str):
        raise UnsupportedSampleError("the call has no URL")
    if params := named.get("params"):
        url += f"?{urlencode(params)}"
    is_json = "json" in named
    body = named["json"] if is_json else named.get("data", named.get("content"))
    return make_request(method, url, named.get("headers", {}), body, is_json=is_json)


def _method(call: ast.Call) -> str:
    """The HTTP method of a call, ``request`` if it is an argument; empty for other calls."""
    match call.func:
        case ast.Attribute(value=ast.Name(id=module), attr=name) if module in _MODULES:
            return name if name in _METHODS or name == "request" else ""
    return ""


def _assigned(tree: ast.Module) -> dict[str, Any]:
    """The top-level names with a plain value."""
    values: dict[str, Any] = {}
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                try:
                    values[name] = _value(value, values)
                except UnsupportedSampleError:
                    continue  # the response, or another value that is never sent
    return values


def _value(node: ast.expr, values: dict[str, Any]) -> Any:
    """The value of an expression, with a placeholder for environment variables."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.Dict(keys=keys, values=items) if all(keys):
            return {_value(key, values): _value(item, values)
                    for key, item in zip(keys, items, strict=True)}  # fmt: skip
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item, values) for item in items]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _value(left, values) + _value(right, values)
        case ast.JoinedStr(values=parts):
            return "".join(str(_value(part, values)) for part in parts)
        case ast.FormattedValue(value=inner):
            return _value(inner, values)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.Call(func=func, args=[inner]) if ast.unparse(func) == "json.dumps":
            return json.dumps(_value(inner, values))
    if ast.unparse(node).startswith(_ENVIRONMENT):
        return PLACEHOLDER
    raise UnsupportedSampleError(f"{ast.unparse(node)} is not supported")
