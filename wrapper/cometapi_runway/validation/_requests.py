"""A whole request against the contract: where it goes, what it carries, how it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import SplitResult, unquote_plus, urlsplit

from cometapi_runway.errors import Issue
from cometapi_runway.validation._document import HEADER_NAME, is_json
from cometapi_runway.validation._json import decode
from cometapi_runway.validation._wording import shorten, show

if TYPE_CHECKING:
    from cometapi_runway.validation._contract import Contract
    from cometapi_runway.validation._document import Operation

Request: TypeAlias = tuple[str, str, Iterable[tuple[str, str]], bytes]
_Values: TypeAlias = Mapping[str, list[str]]

# RFC 9110 5.5: visible characters, inner spaces and tabs. httpx refuses to send others, yet its
# mock transport carries them, so only this check keeps a mocked test honest.
_FIELD_VALUE = re.compile(r"(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?")
_BEARER = re.compile(r"bearer +[\x21-\x7e]+", re.IGNORECASE)
_SECRET = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key"})
_SINGLE = frozenset({"authorization", "content-type", "content-length", "content-encoding", "host"})
_USUAL_PORTS = {"http": ":80", "https": ":443"}
_NOT_WIRE = re.compile(r"[^\x21-\x7e]|#")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def judge_request(
    contract: Contract, request: Request, operation_id: str | None
) -> tuple[Issue, ...]:
    """Every way in which a request breaks the contract."""
    method, url, headers, content = request
    values: dict[str, list[str]] = {}
    issues = list(_collect(headers, values))
    if _NOT_WIRE.search(url):
        # Looked for first: urlsplit drops line breaks and tabs without a word.
        return (*issues, _bad_address(url, "has characters that must be percent-encoded"))
    parts = urlsplit(url)
    issues += _server(contract, parts)
    route = contract.route(method, parts.path)
    if isinstance(route, Issue):
        return (*issues, route)
    operation = route.operation
    if operation_id is not None and operation.id != operation_id:
        issues.append(_other_operation(operation, operation_id))
    issues += route.issues
    path = {name: [value] for name, value in route.arguments.items()}
    issues += _values(contract, operation, "path", path)
    issues += _values(contract, operation, "header", values)
    issues += _query(contract, operation, parts.query)
    issues += _security(operation, values)
    issues += _content(contract, operation, values, content)
    return tuple(issues)


def _server(contract: Contract, parts: SplitResult) -> Iterator[Issue]:
    if not parts.netloc or not contract.servers:
        return
    if _origin(parts) not in {_origin(urlsplit(server)) for server in contract.servers}:
        given = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        known = ", ".join(contract.servers)
        yield Issue("server", "server", given, f"{given} is not the server (server), but {known}")
    if "@" in parts.netloc:
        yield Issue("server", "userinfo", None, "the address carries a user name (userinfo)")


def _origin(parts: SplitResult) -> tuple[str, str]:
    port = _USUAL_PORTS.get(parts.scheme, "")
    return parts.scheme, parts.netloc.rpartition("@")[2].lower().removesuffix(port)


def _bad_address(url: str, words: str) -> Issue:
    shown = url if len(url) <= 120 else f"{url[:120]}…"
    return Issue("path", "wire", shown, f"the address {words} (wire), got {shown!r}")


def _collect(headers: Iterable[tuple[str, str]], into: dict[str, list[str]]) -> Iterator[Issue]:
    """Sort the headers by name, saying which could not be sent or stand there twice."""
    for name, value in headers:
        lower = name.lower()
        into.setdefault(lower, []).append(value)
        if not HEADER_NAME.fullmatch(name):
            yield Issue(name, "wire", name, f"{name!r} cannot be the name of a header (wire)")
        if not _FIELD_VALUE.fullmatch(value):
            shown = None if lower in _SECRET else shorten(value)
            got = "" if shown is None else f", got {show(shown)}"
            words = "has a value that no connection would send (wire)"
            yield Issue(name, "wire", shown, f"header {name} {words}{got}")
    for lower in _SINGLE & into.keys():
        if len(into[lower]) > 1:
            name = lower.title()
            yield Issue(name, "repeated", None, f"header {name} is given twice (repeated)")


def _values(
    contract: Contract, operation: Operation, location: str, values: _Values
) -> Iterator[Issue]:
    for parameter in contract.parameter_judges(operation, location):
        yield from parameter.judge(values)


def _other_operation(operation: Operation, meant: str) -> Issue:
    message = f"the request is meant for {meant} but hits {operation.id} (operation)"
    return Issue("path", "operation", operation.path, message)


def _query(contract: Contract, operation: Operation, query: str) -> Iterator[Issue]:
    values: dict[str, list[str]] = {}
    for pair in query.split("&") if query else ():
        name, _, value = (unquote_plus(piece) for piece in pair.partition("="))
        values.setdefault(name, []).append(value)
        if _BAD_ESCAPE.search(pair) or not pair.isascii():
            yield Issue(name, "wire", pair, f"query parameter {name} is badly encoded (wire)")
    known = {judge.key for judge in contract.parameter_judges(operation, "query")}
    for name in values.keys() - known:
        message = f"query parameter {name} is not one {operation.id} has (unknown)"
        yield Issue(name, "unknown", shorten(values[name][0]), message)
    yield from _values(contract, operation, "query", values)


def _security(operation: Operation, values: _Values) -> Iterator[Issue]:
    # The document's reader admits no scheme but bearer, and an empty choice means "no key needed".
    given = values.get("authorization", [""])[0]
    if operation.security and all(operation.security) and not _BEARER.fullmatch(given):
        words = "is not 'Bearer' and a key" if given else "is required and missing"
        message = f"header Authorization {words} (security)"
        yield Issue("Authorization", "security", None, message)


def _content(
    contract: Contract, operation: Operation, values: _Values, content: bytes
) -> Iterator[Issue]:
    yield from _framing(values, content)
    if not content:
        if operation.body_required:
            message = f"{operation.id} needs a body and has none (required)"
            yield Issue("", "required", None, message)
        return
    if not operation.content:
        message = f"{operation.id} takes no body (body-not-allowed), got {len(content)} bytes"
        yield Issue("", "body-not-allowed", None, message)
        return
    issue = _media_type(operation, values)
    if issue is not None:
        yield issue
        return
    value, issues = decode(content)
    yield from issues
    if not issues:
        yield from contract.check_body(operation.id, value)


def _framing(values: _Values, content: bytes) -> Iterator[Issue]:
    length = values.get("content-length", [str(len(content))])[0]
    if length != str(len(content)):
        message = f"header Content-Length says {show(length)} for {len(content)} bytes (framing)"
        yield Issue("Content-Length", "framing", length, message)
    encoding = values.get("content-encoding", ["identity"])[0]
    if encoding.lower() != "identity":
        message = f"header Content-Encoding {show(encoding)} is not in the contract (framing)"
        yield Issue("Content-Encoding", "framing", encoding, message)


def _media_type(operation: Operation, values: _Values) -> Issue | None:
    given = values.get("content-type", [""])[0]
    essence, _, rest = given.partition(";")
    essence = essence.strip().lower()
    known = ", ".join(operation.content)
    charset = re.search(r"charset\s*=\s*\"?([^\s\";]+)", rest, re.IGNORECASE)
    right_type = essence in {name.partition(";")[0].strip().lower() for name in operation.content}
    if right_type and is_json(essence) and (not charset or charset[1].lower() == "utf-8"):
        return None
    message = f"header Content-Type must be {known} (content-type), got {json.dumps(given)}"
    return Issue("Content-Type", "content-type", given, message)
