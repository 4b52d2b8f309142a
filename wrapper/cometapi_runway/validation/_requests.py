"""Checks a whole request: server, path, parameters, headers, credentials and body."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import SplitResult, unquote_plus, urlsplit

from attrs import define, field

from cometapi_runway._core.naming import count_noun
from cometapi_runway._core.redaction import HIDDEN
from cometapi_runway.errors import Issue
from cometapi_runway.validation._document import HEADER_NAME, is_json_media_type
from cometapi_runway.validation._messages import describe_value, shorten
from cometapi_runway.validation._parameters import ParameterChecker
from cometapi_runway.validation._security import check_security, collect_secrets
from cometapi_runway.validation._strict_json import decode_json

if TYPE_CHECKING:
    from cometapi_runway._core.json_values import Object
    from cometapi_runway.validation._document import Operation
    from cometapi_runway.validation._routes import Router
    from cometapi_runway.validation._security import SecurityScheme

Request: TypeAlias = tuple[str, str, Iterable[tuple[str, str]], bytes]
_Values: TypeAlias = Mapping[str, list[str]]

# RFC 9110 5.5: visible characters, inner spaces and tabs. httpx refuses to send others, but its
# mock transport accepts them, so only this check finds them in a mocked test.
_FIELD_VALUE = re.compile(r"(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?")
_SINGLE = frozenset({"authorization", "content-type", "content-length", "content-encoding", "host"})
_USUAL_PORTS = {"http": ":80", "https": ":443"}
_NOT_WIRE = re.compile(r"[^\x21-\x7e]|#")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@define(eq=False)
class RequestChecker:
    """Checks whole requests against one contract.

    Attributes:
        document: The contract's document.
        servers: Its server addresses; if empty, every server is accepted.
        schemes: Its security schemes by name.
        router: Its paths.
        check_body: Checks a JSON body, given an operation id and the value.
    """

    document: Object = field(repr=False)
    servers: tuple[str, ...]
    schemes: Mapping[str, SecurityScheme]
    router: Router
    check_body: Callable[[str, object], tuple[Issue, ...]]
    _checkers: dict[tuple[str, str], tuple[ParameterChecker, ...]] = field(
        factory=dict[tuple[str, str], tuple[ParameterChecker, ...]], init=False
    )

    def check(self, request: Request, operation_id: str | None) -> tuple[Issue, ...]:
        """Return one issue for each fault of a request; see `Contract.check_request`."""
        method, url, headers, content = request
        values: dict[str, list[str]] = {}
        issues = list(_collect_headers(headers, values, self._secrets))
        if _NOT_WIRE.search(url):
            # Checked before parsing, because urlsplit drops line breaks and tabs silently.
            return (*issues, self._report_url(url))
        parts = urlsplit(url)
        issues += _check_server(self.servers, parts)
        route = self.router.find(method, parts.path)
        if isinstance(route, Issue):
            return (*issues, route)
        operation = route.operation
        if operation_id is not None and operation.id != operation_id:
            issues.append(_report_operation(operation, operation_id))
        issues += route.issues
        path = {name: [value] for name, value in route.arguments.items()}
        issues += self.check_parameters(operation, "path", path)
        issues += self.check_parameters(operation, "header", values)
        cookies, query = _parse_cookies(values), _parse_query(parts.query)
        issues += self.check_parameters(operation, "cookie", cookies)
        issues += self._check_query(operation, parts.query, query)
        credentials = {"header": values, "cookie": cookies, "query": query}
        issues += check_security(operation, self.schemes, credentials)
        issues += self._check_content(operation, values, content)
        return tuple(issues)

    def check_parameters(
        self, operation: Operation, location: str, values: _Values
    ) -> Iterator[Issue]:
        """Yield the issues of an operation's parameters of one location."""
        for checker in self._parameter_checkers(operation, location):
            yield from checker.check(values)

    def _parameter_checkers(
        self, operation: Operation, location: str
    ) -> tuple[ParameterChecker, ...]:
        key = (operation.id, location)
        found = self._checkers.get(key)
        if found is None:
            parameters = operation.parameters_in(location)
            found = tuple(
                ParameterChecker(self.document, parameter, self._secrets)
                for parameter in parameters
            )
            self._checkers[key] = found
        return found

    def _check_query(self, operation: Operation, query: str, values: _Values) -> Iterator[Issue]:
        for pair in query.split("&") if query else ():
            if _BAD_ESCAPE.search(pair) or not pair.isascii():
                name = unquote_plus(pair.partition("=")[0])
                wrong = None if ("query", name) in self._secrets else pair
                message = f"query parameter {shorten(name)} is badly encoded (wire)"
                yield Issue(name, "wire", wrong, message)
        known = {checker.key for checker in self._parameter_checkers(operation, "query")}
        for choice in operation.security:
            known |= {scheme.key for scheme in map(self.schemes.__getitem__, choice)
                      if scheme.location == "query"}  # fmt: skip
        for name in values.keys() - known:
            message = f"{operation.id} has no query parameter {shorten(name)} (unknown)"
            shown = None if ("query", name) in self._secrets else shorten(values[name][0])
            yield Issue(name, "unknown", shown, message)
        yield from self.check_parameters(operation, "query", values)

    @cached_property
    def _secrets(self) -> frozenset[tuple[str, str]]:
        return collect_secrets(self.schemes)

    def _report_url(self, url: str) -> Issue:
        for location, name in self._secrets:
            if location == "query":
                url = re.sub(rf"([?&]{re.escape(name)}=)[^&#]*", rf"\1{HIDDEN}", url)
        shown = url if len(url) <= 120 else f"{url[:120]}…"
        message = f"the URL has characters that must be percent-encoded (wire), got {shown!r}"
        return Issue("path", "wire", shown, message)

    def _check_content(
        self, operation: Operation, values: _Values, content: bytes
    ) -> Iterator[Issue]:
        yield from _check_framing(values, content)
        if not content:
            if operation.body_required:
                message = f"{operation.id} needs a body and has none (required)"
                yield Issue("", "required", None, message)
            return
        if not operation.content:
            actual = count_noun(len(content), "byte")
            message = f"{operation.id} takes no body (body-not-allowed), got {actual}"
            yield Issue("", "body-not-allowed", None, message)
            return
        issue = _check_media_type(operation, values)
        if issue is not None:
            yield issue
            return
        value, issues = decode_json(content)
        yield from issues
        if not issues:
            yield from self.check_body(operation.id, value)


def _check_server(servers: tuple[str, ...], parts: SplitResult) -> Iterator[Issue]:
    if not parts.netloc or not servers:
        return
    if _get_origin(parts) not in {_get_origin(urlsplit(server)) for server in servers}:
        origin = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        message = f"the server must be {', '.join(servers)} (server), got {origin}"
        yield Issue("server", "server", origin, message)
    if "@" in parts.netloc:
        yield Issue("server", "userinfo", None, "the URL contains a user name (userinfo)")


def _get_origin(parts: SplitResult) -> tuple[str, str]:
    port = _USUAL_PORTS.get(parts.scheme, "")
    return parts.scheme, parts.netloc.rpartition("@")[2].lower().removesuffix(port)


def _collect_headers(
    headers: Iterable[tuple[str, str]],
    into: dict[str, list[str]],
    secrets: Collection[tuple[str, str]],
) -> Iterator[Issue]:
    """Group header values by lower-case name; report those that are unsendable or repeated."""
    for name, value in headers:
        lower = name.lower()
        into.setdefault(lower, []).append(value)
        if not HEADER_NAME.fullmatch(name):
            message = f"{shorten(name)!r} is not a valid header name (wire)"
            yield Issue(name, "wire", shorten(name), message)
        if not _FIELD_VALUE.fullmatch(value):
            shown = None if ("header", lower) in secrets else shorten(value)
            got = "" if shown is None else f", got {describe_value(shown)}"
            message = f"header {shorten(name)} has characters that HTTP does not allow (wire){got}"
            yield Issue(name, "wire", shown, message)
    for lower in _SINGLE & into.keys():
        if len(into[lower]) > 1:
            name = lower.title()
            yield Issue(name, "repeated", None, f"header {name} is given twice (repeated)")


def _parse_cookies(values: _Values) -> _Values:
    """Cookies by name; see RFC 6265, 5.4."""
    cookies: dict[str, list[str]] = {}
    for header in values.get("cookie", []):
        for pair in header.split(";"):
            name, _, value = pair.strip().partition("=")
            cookies.setdefault(name, []).append(value)
    return cookies


def _parse_query(query: str) -> _Values:
    """Query parameters by name, decoded."""
    values: dict[str, list[str]] = {}
    for pair in query.split("&") if query else ():
        name, _, value = (unquote_plus(piece) for piece in pair.partition("="))
        values.setdefault(name, []).append(value)
    return values


def _report_operation(operation: Operation, expected: str) -> Issue:
    message = f"the request is meant for {expected} but hits {operation.id} (operation)"
    return Issue("path", "operation", operation.path, message)


def _check_framing(values: _Values, content: bytes) -> Iterator[Issue]:
    size = str(len(content))
    length = values.get("content-length", [size])[0]
    if length != size:
        actual = count_noun(len(content), "byte")
        message = f"header Content-Length is {describe_value(length)} for {actual} (framing)"
        yield Issue("Content-Length", "framing", length, message)
    encoding = values.get("content-encoding", ["identity"])[0]
    if encoding.lower() != "identity":
        message = (
            f"header Content-Encoding {describe_value(encoding)} is not in the contract (framing)"
        )
        yield Issue("Content-Encoding", "framing", encoding, message)


def _check_media_type(operation: Operation, values: _Values) -> Issue | None:
    value = values.get("content-type", [""])[0]
    essence, _, rest = value.partition(";")
    essence = essence.strip().lower()
    known = ", ".join(operation.content)
    charset = re.search(r"charset\s*=\s*\"?([^\s\";]+)", rest, re.IGNORECASE)
    is_documented = essence in {
        name.partition(";")[0].strip().lower() for name in operation.content
    }
    if (
        is_documented
        and is_json_media_type(essence)
        and (not charset or charset[1].lower() == "utf-8")
    ):
        return None
    message = f"header Content-Type must be {known} (content-type), got {describe_value(value)}"
    return Issue("Content-Type", "content-type", value, message)
