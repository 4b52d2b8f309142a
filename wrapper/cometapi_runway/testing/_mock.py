"""The stateless fixture: a respx router with a route for every operation of the contract."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Generator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx
import respx
from attrs import define

from cometapi_runway._core.json_values import as_object, as_text, parse_json
from cometapi_runway.simulator import Reply, SimClock
from cometapi_runway.simulator._media.media_file import make_file
from cometapi_runway.simulator._responses import refusals
from cometapi_runway.testing._contract_checker import ContractChecker
from cometapi_runway.testing._examples import (
    ExampleResponses,
    collect_outputs,
    replace_task_id,
)
from cometapi_runway.testing._kit import GatewayKit
from cometapi_runway.testing._transports import (
    InProcessTransport,
    decode_headers,
    get_target,
    intercept_requests,
    observe_mock_requests,
)
from cometapi_runway.testing._virtual_time import use_virtual_time
from cometapi_runway.validation import contract

if TYPE_CHECKING:
    from cometapi_runway.validation import Operation

DOWNLOAD: Final = "download"
_OFFICIAL: Final = "official"
_PARAMETER: Final = re.compile(r"\{[^{}/]+\}")
# A failed wait may have polled a hundred times.
_MAX_LINES: Final = 20
_REQUEST_ID: Final = "simulated"


_IS_EXAMPLE: Final = "cometapi_runway_example"


class Mock(GatewayKit, respx.Router):
    """A respx router with a documented response for every operation.

    Routes are found by operation id or resource, and are ordinary respx routes::

        runway_mock["character_performance"].respond(503)
        runway_mock["tasks"].mock(side_effect=[httpx.ReadTimeout, runway_mock.answer("tasks")])
        assert runway_mock["tasks"].call_count == 2

    The route ``"download"`` serves the output files that the documented responses name. A request
    that breaks the contract, or matches no route, never reaches a route: it gets the gateway's
    error response and fails the test.

    Attributes:
        client: A `RunwayClient` connected to it.
        async_client: An `AsyncRunwayClient` connected to it.
        base_url: The gateway's address; every httpx client in this process reaches it there.
    """

    def __init__(self, base_url: str | None = None) -> None:
        checker = ContractChecker(contract())
        address = base_url or checker.contract.servers[0]
        transport = _RouterTransport(self)
        GatewayKit.__init__(self, address, SimClock.manual(), checker, transport, transport)
        respx.Router.__init__(self, assert_all_called=False)
        self._examples = ExampleResponses(checker.contract)
        self._requests: list[str] = []
        for operation in checker.contract.operations:
            self._add_route(operation)
        self._files = self._find_output_files()
        urls = "|".join(map(re.escape, sorted(self._files)))
        self.get(url__regex=f"^({urls})$", name=DOWNLOAD).mock(side_effect=_send_file)

    def __getitem__(self, name: str) -> respx.Route:
        """Return the route of an operation id or resource, or ``"download"``.

        Raises:
            KeyError: There is no such route; the message lists the known ones.
        """
        if name in self.routes:
            return self.routes[name]
        return self.routes[self._find_operation(name).id]

    def answer(self, operation: str, example: str | None = None) -> httpx.Response:
        """Return a documented response of success.

        Args:
            operation: Operation id or resource.
            example: Name of an example in the contract, such as ``"wrapped"``; None for the
                route's default response.

        Raises:
            KeyError: There is no such operation.
            LookupError: There is no such example.
        """
        found = self._find_operation(operation)
        body = (
            self._examples.find_success(found)
            if example is None
            else self._examples.find_by_name(found, 200, example)
        )
        return httpx.Response(200, json=body, extensions={_IS_EXAMPLE: found.is_read})

    def adapt(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        """Let an example of `answer` be about the task that is polled.

        The client ignores a response about another task, and `answer` cannot know the id.
        """
        if not response.extensions.get(_IS_EXAMPLE):
            return _restore_stream(response)
        example = parse_json(response.content)
        return httpx.Response(200, json=replace_task_id(example, self._find_task_id(request)))

    def handles(self, url: httpx.URL) -> bool:
        """Whether a URL belongs to the gateway or a documented output file."""
        return str(url) in self._files or self.is_gateway(url)

    def check_request(self, request: httpx.Request) -> httpx.Response | None:
        """Check a request; return the gateway's error response if it breaks the contract."""
        self._requests.append(f"{request.method} {request.url.path}")
        if str(request.url) in self._files:
            return None
        servers = {urlsplit(server).hostname for server in self.checker.contract.servers}
        is_documented = request.url.host in servers
        url = str(request.url) if is_documented else get_target(request, self.base_url)
        issues = self.checker.check(request.method, url, decode_headers(request), request.content)
        return _make_error(refusals.refuse_invalid(issues)) if issues else None

    def history(self) -> str:
        """Return the last requests, one line each."""
        return "\n".join(self._requests[-_MAX_LINES:])

    def _add_route(self, operation: Operation) -> None:
        literal = _PARAMETER.split(operation.path)
        path = "([^/]+)".join(map(re.escape, literal))
        base = urlsplit(self.base_url)
        route = self.route(
            method=operation.method,
            host=base.hostname,
            path__regex=f"^{re.escape(base.path.rstrip('/'))}{path}$",
            name=operation.id,
        )
        example = self._examples.find_success(operation)
        if not operation.is_read:
            route.respond(200, json=example)
            return

        def respond(request: httpx.Request) -> httpx.Response:
            task_id = self._find_task_id(request)
            return httpx.Response(200, json=replace_task_id(example, task_id))

        route.mock(side_effect=respond)

    def _find_task_id(self, request: httpx.Request) -> str:
        """Return the task id of a read: from the path, or from the body if the read is a POST."""
        target = get_target(request, self.base_url).partition("?")[0]
        match = self.checker.contract.match(request.method, target)
        if match is not None and match[1]:
            return next(iter(match[1].values()))
        return as_text((as_object(parse_json(request.content)) or {}).get("task_id")) or ""

    def _find_operation(self, name: str) -> Operation:
        operations = self.checker.contract.operations
        # Official and compatibility routes share resource names; official ones take precedence.
        ranked = sorted(operations, key=lambda one: (name != one.id, one.tag != _OFFICIAL))
        for operation in ranked:
            if name in (operation.id, operation.resource):
                return operation
        known = ", ".join((*(one.id for one in operations), DOWNLOAD))
        raise KeyError(f"no route {name!r}; the mock has: {known}")

    def _find_output_files(self) -> frozenset[str]:
        reads = (one for one in self.checker.contract.operations if one.is_read)
        return collect_outputs(one for read in reads for one in self._examples.find_all(read, 200))


@define(eq=False)
class _RouterTransport(InProcessTransport):
    """Passes requests to the router after the contract checker."""

    mock: Mock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        refusal = self.mock.check_request(request)
        return refusal or self.mock.adapt(request, self.mock.handler(request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        refusal = self.mock.check_request(request)
        return refusal or self.mock.adapt(request, await self.mock.async_handler(request))


def _restore_stream(response: httpx.Response) -> httpx.Response:
    """Return a response that can be streamed: respx reads it, and httpx allows one read only."""
    if not isinstance(response.stream, httpx.ByteStream):
        return response
    return httpx.Response(
        response.status_code,
        headers=response.headers,
        stream=response.stream,
        extensions=response.extensions,
    )


def _send_file(request: httpx.Request) -> httpx.Response:
    """Respond with a small real file, so that the download can be opened."""
    kind = "image" if request.url.path.endswith(".png") else "video"
    file = make_file("documented example", kind)
    return httpx.Response(200, headers={"Content-Type": file.content_type}, content=file.content)


def _make_error(problem: refusals.Refusal) -> httpx.Response:
    reply: Reply = refusals.write_platform_refusal(problem, _REQUEST_ID)
    return httpx.Response(reply.status, headers=list(reply.headers), content=reply.body)


@contextlib.contextmanager
def open_mock(base_url: str | None = None) -> Generator[Mock]:
    """Open a mock and redirect httpx requests to it.

    Args:
        base_url: The gateway's address; the contract's if None.
    """
    kit = Mock(base_url)
    transport = _RouterTransport(kit)
    with (
        intercept_requests(kit.handles, transport),
        observe_mock_requests(kit.is_gateway, kit.check_request),
        use_virtual_time(kit.shared_clock),
        contextlib.closing(kit),
    ):
        yield kit
