"""The generated parsers of errors: a body that is not of the first form is tried as the second."""

from __future__ import annotations

import asyncio
import importlib
import json
import pkgutil

import httpx
import pytest
from tests.cases import each_case

from cometapi_runway.validation import contract

PACKAGE = "cometapi_runway_api"
CLIENT = importlib.import_module(f"{PACKAGE}.client")
GatewayError = importlib.import_module(f"{PACKAGE}.models.gateway_error").GatewayError
MODULES = {
    name.rpartition(".")[2]: importlib.import_module(name)
    for group in ("official", "compat")
    for _, name, _ in pkgutil.iter_modules(
        importlib.import_module(f"{PACKAGE}.api.{group}").__path__, f"{PACKAGE}.api.{group}."
    )
}
STATUSES = [400, 401, 403, 404, 429, 500, 502, 503, 504, 418, 599]
FIRST = {"error": {"message": "m", "type": "t", "param": "", "code": "c"}}
# Why each of them is not of the first form; reading it as that raises another kind of error.
OTHERS = {
    "no error": {"code": "c", "message": "m"},
    "a number": {"code": "c", "message": "m", "error": 5},
    "a text": {"code": "c", "message": "m", "error": "x"},
    "nothing": {"code": 5, "message": "m", "error": None},
    "a list": {"code": "c", "message": "m", "error": [1]},
    "an object without a message": {"code": "c", "message": "m", "error": {}},
}


def parse(module, status, body):
    response = httpx.Response(status, content=json.dumps(body))
    return MODULES[module]._parse_response(client=CLIENT.Client(base_url="x"), response=response)


def test_every_operation_has_its_module():
    assert set(MODULES) == {one.id for one in contract().operations}


@each_case("status", STATUSES)
@each_case("module", MODULES)
def test_an_error_is_parsed_as_the_form_that_it_has(module, status):
    found = parse(module, status, FIRST)
    assert isinstance(found, GatewayError)
    assert found.to_dict() == FIRST
    for body in OTHERS.values():
        found = parse(module, status, body)
        assert not isinstance(found, GatewayError)
        assert found.to_dict() == body


@each_case("status", STATUSES)
@each_case("module", MODULES)
@each_case("body", ["text", 5, None, [1], True, [["a", 1]]])
def test_what_is_no_object_is_no_error_body(module, status, body):
    with pytest.raises(TypeError):
        parse(module, status, body)


class Recorder(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Notes that a client is entered and left."""

    def __init__(self):
        self.calls = []

    def __enter__(self):
        self.calls.append("enter")
        return self

    def __exit__(self, *_):
        self.calls.append("exit")

    async def __aenter__(self):
        self.calls.append("enter")
        return self

    async def __aexit__(self, *_):
        self.calls.append("exit")


@pytest.mark.parametrize("kind", ["Client", "AuthenticatedClient"])
def test_a_client_enters_and_leaves_its_transport(kind):
    def make(transport):
        key = {"token": "k"} if kind == "AuthenticatedClient" else {}
        return getattr(CLIENT, kind)(
            base_url="https://x", httpx_args={"transport": transport}, **key
        )

    transport = Recorder()
    with make(transport) as client:
        assert isinstance(client, getattr(CLIENT, kind))
        assert transport.calls == ["enter"]
    assert transport.calls == ["enter", "exit"]

    async def use():
        async with make(transport) as client:
            assert isinstance(client, getattr(CLIENT, kind))
            assert transport.calls == ["enter", "exit", "enter"]

    asyncio.run(use())
    assert transport.calls == ["enter", "exit"] * 2
