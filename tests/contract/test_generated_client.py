"""The generated `Client` classes send the settings that they are given."""

from __future__ import annotations

import asyncio
import importlib

import httpx
import pytest

PACKAGE = "cometapi_runway_api"
MODULE = importlib.import_module(f"{PACKAGE}.client")
URL = "https://gateway.example"
MAKES = {
    "open": lambda **more: MODULE.Client(base_url=URL, **more),
    "with a key": lambda **more: MODULE.AuthenticatedClient(base_url=URL, token="sk-1", **more),
}


def echo(request):
    """Respond with the parts of the request that the tests compare."""
    if request.url.path == "/moved":
        return httpx.Response(307, headers={"Location": "/there"})
    found = {"url": str(request.url), "headers": dict(request.headers.items())}
    return httpx.Response(200, json=found | {"timeout": request.extensions["timeout"]})


def get(client, path="/here"):
    """Send a request with both httpx clients, which must send the same."""
    blocking = client.get_httpx_client().get(path)

    async def ask():
        return await client.get_async_httpx_client().get(path)

    awaiting = asyncio.run(ask())
    if blocking.is_redirect:
        assert awaiting.is_redirect
        return None
    assert blocking.json() == awaiting.json()
    return blocking.json()


@pytest.fixture(params=MAKES)
def make(request):
    return lambda **more: MAKES[request.param](
        **{"httpx_args": {"transport": httpx.MockTransport(echo)}} | more
    )


def test_configured_headers_cookies_and_timeout_are_sent(make):
    sent = get(make(headers={"A": "1"}, cookies={"b": "2"}, timeout=httpx.Timeout(7)))
    assert sent["url"] == f"{URL}/here"
    assert (sent["headers"]["a"], sent["headers"]["cookie"]) == ("1", "b=2")
    assert set(sent["timeout"].values()) == {7}


def test_defaults_add_no_headers_cookies_or_timeout(make):
    sent = get(make())
    assert not {"a", "cookie"} & sent["headers"].keys()
    assert set(sent["timeout"].values()) == {None}
    assert make().raise_on_unexpected_status is False


@pytest.mark.parametrize("follows", [False, True])
def test_redirects_are_followed_only_on_request(make, follows):
    client = make(**({"follow_redirects": True} if follows else {}))
    assert (get(client, "/moved") is not None) is follows


def test_certificates_are_verified_unless_disabled(make, monkeypatch):
    seen = []
    for name in ("Client", "AsyncClient"):
        monkeypatch.setattr(MODULE.httpx, name, lambda **given: seen.append(given["verify"]))
    for client in (make(), make(verify_ssl=False)):
        client.get_httpx_client()
        client.get_async_httpx_client()
    assert seen == [True, True, False, False]


def test_the_key_is_sent_as_a_bearer_token():
    transport = {"httpx_args": {"transport": httpx.MockTransport(echo)}}
    assert get(MAKES["with a key"](**transport))["headers"]["authorization"] == "Bearer sk-1"
    other = MAKES["with a key"](prefix="", auth_header_name="X-Key", **transport)
    assert get(other)["headers"]["x-key"] == "sk-1"
    assert "authorization" not in get(MAKES["open"](**transport))["headers"]


WITH = {
    "headers": ({"A": "1"}, {"B": "2"}),
    "cookies": ({"a": "1"}, {"b": "2"}),
}


@pytest.mark.parametrize("what", WITH)
@pytest.mark.parametrize("is_used", [False, True])
def test_headers_and_cookies_can_be_added(make, what, is_used):
    """Before and after the first use, which creates the httpx clients."""
    first, second = WITH[what]
    client = make(**{what: first})
    if is_used:
        get(client)
    more = getattr(client, f"with_{what}")(second)
    for one in (more, client) if is_used else (more,):
        headers = get(one)["headers"]
        seen = headers if what == "headers" else headers["cookie"]
        assert all(word in seen for word in ("a", "b"))


@pytest.mark.parametrize("is_used", [False, True])
def test_the_timeout_can_be_changed(make, is_used):
    client = make(timeout=httpx.Timeout(7))
    if is_used:
        get(client)
    more = client.with_timeout(httpx.Timeout(9))
    for one in (more, client) if is_used else (more,):
        assert set(get(one)["timeout"].values()) == {9}


def test_custom_httpx_clients_are_used(make):
    client = make()
    blocking, awaiting = httpx.Client(), httpx.AsyncClient()
    assert client.set_httpx_client(blocking) is client
    assert client.set_async_httpx_client(awaiting) is client
    assert client.get_httpx_client() is blocking
    assert client.get_async_httpx_client() is awaiting


def test_the_httpx_client_is_created_once_and_closed(make):
    client = make()
    with client as entered:
        assert entered is client
        inner = client.get_httpx_client()
        assert inner.get("/here").status_code == 200
        assert client.get_httpx_client() is inner
    assert inner.is_closed


def test_the_async_httpx_client_is_created_once_and_closed(make):
    async def use():
        client = make()
        async with client as entered:
            assert entered is client
            inner = client.get_async_httpx_client()
            assert (await inner.get("/here")).status_code == 200
            assert client.get_async_httpx_client() is inner
        return inner

    assert asyncio.run(use()).is_closed


def test_unset_is_falsy():
    types = importlib.import_module(f"{PACKAGE}.types")
    assert not types.UNSET
    assert isinstance(types.UNSET, types.Unset)


def test_a_file_becomes_an_httpx_tuple():
    types = importlib.import_module(f"{PACKAGE}.types")
    assert types.File("payload").to_tuple() == (None, "payload", None)
    assert types.File("p", "name", "a/b").to_tuple() == ("name", "p", "a/b")


def test_unexpected_status_errors_carry_status_and_body():
    errors = importlib.import_module(f"{PACKAGE}.errors")
    error = errors.UnexpectedStatus(418, b"short and stout")
    assert (error.status_code, error.content) == (418, b"short and stout")
    assert "418" in str(error)
    assert "short and stout" in str(error)
