"""The stateless fixture: a respx router that has every operation of the contract."""

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
from cometapi_runway.testing import examples
from cometapi_runway.testing.carriers import (
    Carrier,
    headers_of,
    intercepting,
    overhearing,
    target_of,
)
from cometapi_runway.testing.clocks import skipping
from cometapi_runway.testing.connected import Connected
from cometapi_runway.testing.examples import Examples
from cometapi_runway.testing.judge import Judge
from cometapi_runway.validation import contract

if TYPE_CHECKING:
    from cometapi_runway.validation import Operation

DOWNLOAD: Final = "download"
_OFFICIAL: Final = "official"
_PARAMETER: Final = re.compile(r"\{[^{}/]+\}")
# A wait that ends badly has asked a hundred times.
_SHOWN: Final = 20
_REQUEST_ID: Final = "simulated"


class Mock(Connected, respx.Router):
    """A respx router with a route for every operation, answering as the contract documents.

    A route is found by its operation's id or resource, and is changed as respx has it::

        runway_mock["character_performance"].respond(503)
        runway_mock["tasks"].mock(side_effect=[httpx.ReadTimeout, runway_mock.answer("tasks")])
        assert runway_mock["tasks"].call_count == 2

    The route ``"download"`` serves the output files that the documented answers name. A request
    that breaks the contract is refused as the gateway would, whatever its route says, and fails
    the test; so does one that no route matches.

    Attributes:
        client: A blocking `RunwayClient` that talks to it.
        async_client: An `AsyncRunwayClient` that talks to it.
        base_url: The gateway's address, under which any httpx client of this process reaches it.
    """

    def __init__(self, base_url: str | None = None) -> None:
        judge = Judge(contract())
        address = base_url or judge.contract.servers[0]
        carrier = _MockCarrier(self)
        Connected.__init__(self, address, SimClock.manual(), judge, carrier, carrier)
        respx.Router.__init__(self, assert_all_called=False)
        self._examples = Examples(judge.contract)
        self._seen: list[str] = []
        for operation in judge.contract.operations:
            self._load(operation)
        self._files = self._documented_files()
        addresses = "|".join(map(re.escape, sorted(self._files)))
        self.get(url__regex=f"^({addresses})$", name=DOWNLOAD).mock(side_effect=_file)

    def __getitem__(self, name: str) -> respx.Route:
        """The route of an operation id or resource, or ``"download"``.

        Raises:
            KeyError: There is none; the message lists those there are.
        """
        if name in self.routes:
            return self.routes[name]
        return self.routes[self._operation(name).id]

    def answer(self, operation: str, example: str | None = None) -> httpx.Response:
        """A documented successful answer.

        Args:
            operation: Operation id or resource.
            example: Name of an example in the contract, such as ``"wrapped"``; None for the one
                that the route gives unless told otherwise.

        Raises:
            KeyError: There is no such operation.
            LookupError: There is no such example.
        """
        found = self._operation(operation)
        if example is None:
            return httpx.Response(200, json=self._examples.success(found))
        return httpx.Response(200, json=self._examples.named(found, 200, example))

    def wants(self, url: httpx.URL) -> bool:
        """Whether an address leads here: the gateway's, or that of a documented output file."""
        return str(url) in self._files or self.is_gateway(url)

    def judged(self, request: httpx.Request) -> httpx.Response | None:
        """Judges a request; what the gateway would answer to one that breaks the contract."""
        self._seen.append(f"{request.method} {request.url.path}")
        if str(request.url) in self._files:
            return None
        servers = {urlsplit(server).hostname for server in self.judge.contract.servers}
        is_named = request.url.host in servers
        url = str(request.url) if is_named else target_of(request, self.base_url)
        issues = self.judge.check(request.method, url, headers_of(request), request.content)
        return _response(refusals.refuse_invalid(issues)) if issues else None

    def history(self) -> str:
        """What was asked last, one line per request."""
        return "\n".join(self._seen[-_SHOWN:])

    def _load(self, operation: Operation) -> None:
        literal = _PARAMETER.split(operation.path)
        path = "([^/]+)".join(map(re.escape, literal))
        base = urlsplit(self.base_url)
        route = self.route(
            method=operation.method,
            host=base.hostname,
            path__regex=f"^{re.escape(base.path.rstrip('/'))}{path}$",
            name=operation.id,
        )
        example = self._examples.success(operation)
        if not operation.is_read:
            route.respond(200, json=example)
            return

        def tell(request: httpx.Request) -> httpx.Response:
            asked = self._asked(request)
            return httpx.Response(200, json=examples.about(example, asked))

        route.mock(side_effect=tell)

    def _asked(self, request: httpx.Request) -> str:
        """The task that a read asks about: in its path, or in its body for reads that are POSTs."""
        target = target_of(request, self.base_url).partition("?")[0]
        hit = self.judge.contract.match(request.method, target)
        if hit is not None and hit[1]:
            return next(iter(hit[1].values()))
        return as_text((as_object(parse_json(request.content)) or {}).get("task_id")) or ""

    def _operation(self, name: str) -> Operation:
        operations = self.judge.contract.operations
        # Official and compatibility routes share resource names; the official ones come first.
        ranked = sorted(operations, key=lambda one: (name != one.id, one.tag != _OFFICIAL))
        for operation in ranked:
            if name in (operation.id, operation.resource):
                return operation
        known = ", ".join((*(one.id for one in operations), DOWNLOAD))
        raise KeyError(f"there is no route {name!r}; there are: {known}")

    def _documented_files(self) -> frozenset[str]:
        reads = (one for one in self.judge.contract.operations if one.is_read)
        return examples.outputs(one for op in reads for one in self._examples.documented(op, 200))


@define(eq=False)
class _MockCarrier(Carrier):
    """Takes requests to the router, after the judge has seen them."""

    mock: Mock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        return self.mock.judged(request) or _unread(self.mock.handler(request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        return self.mock.judged(request) or _unread(await self.mock.async_handler(request))


def _unread(response: httpx.Response) -> httpx.Response:
    """An answer that can still be streamed: respx has read it, and a second time httpx refuses."""
    if not isinstance(response.stream, httpx.ByteStream):
        return response
    return httpx.Response(
        response.status_code,
        headers=response.headers,
        stream=response.stream,
        extensions=response.extensions,
    )


def _file(request: httpx.Request) -> httpx.Response:
    """A small real file, so that what is downloaded can be opened."""
    kind = "image" if request.url.path.endswith(".png") else "video"
    file = make_file("documented example", kind)
    return httpx.Response(200, headers={"Content-Type": file.content_type}, content=file.content)


def _response(problem: refusals.Refusal) -> httpx.Response:
    reply: Reply = refusals.write_platform_refusal(problem, _REQUEST_ID)
    return httpx.Response(reply.status, headers=list(reply.headers), content=reply.body)


@contextlib.contextmanager
def mock(base_url: str | None = None) -> Generator[Mock]:
    """Opens a mock.

    Args:
        base_url: The gateway's address; the contract's if None.
    """
    kit = Mock(base_url)
    carrier = _MockCarrier(kit)
    with (
        intercepting(kit.wants, carrier),
        overhearing(kit.is_gateway, kit.judged),
        skipping(kit.agenda),
        contextlib.closing(kit),
    ):
        yield kit
