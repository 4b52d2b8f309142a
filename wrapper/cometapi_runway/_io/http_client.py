"""Create the httpx clients: for the gateway with the key, for files without it."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

import httpx

from cometapi_runway import _settings
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.redaction import redact_text
from cometapi_runway._core.secret import Secret
from cometapi_runway._core.version import __version__
from cometapi_runway._settings import Settings, check_clear_text
from cometapi_runway.errors import ConfigurationError

# The first three describe the bytes on the wire, not the decoded body. Cookies are secrets.
_DROPPED_HEADERS = frozenset(
    {"content-encoding", "content-length", "transfer-encoding", "set-cookie"}
)


def gateway_client_options(
    settings: Settings,
    event_hooks: Mapping[str, Any],
    transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None,
    *,
    keep_alive: bool = True,
) -> dict[str, Any]:
    """The httpx options of the client for the gateway, but for the key.

    Args:
        settings: The client's settings.
        event_hooks: httpx event hooks.
        transport: Carries every request instead of the network, or None.
        keep_alive: Whether connections are used for more than one request.

    Raises:
        ConfigurationError: httpx cannot parse the base URL, it would send the key unencrypted, or
            the environment names certificates that cannot be loaded.
    """
    # A caller's own transport decides what requests are sent over; httpx's own use the network.
    if transport is None or isinstance(transport, httpx.HTTPTransport | httpx.AsyncHTTPTransport):
        check_clear_text(settings)
    try:
        httpx.URL(settings.base_url)
    except httpx.InvalidURL as error:
        raise ConfigurationError(
            f"base_url cannot be sent to: {error}", setting="base_url"
        ) from error
    return {
        "base_url": settings.base_url,
        "headers": {"User-Agent": f"cometapi-runway/{__version__}"},
        "timeout": httpx_timeout(settings.timeout),
        "follow_redirects": False,
        "verify": _create(lambda: _tls_verification(transport)),
        "transport": transport,
        "event_hooks": event_hooks,
        "limits": _make_limits(keep_alive=keep_alive),
    }


def write_key(headers: httpx.Headers, key: Secret) -> None:
    """Write the key where httpx sends it from."""
    headers["Authorization"] = f"Bearer {key.reveal()}"


class _NoCookies(httpx.Cookies):
    """Discards cookies; authentication is by header."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Do nothing. httpx's search for cookies takes a quarter of the CPU time of a request."""


C = TypeVar("C", httpx.Client, httpx.AsyncClient)
T = TypeVar("T")


def make_http_client(make: Callable[[], C]) -> C:
    """Create an httpx client that discards cookies.

    Raises:
        ConfigurationError: The environment names a proxy or certificates that httpx cannot use.
    """
    client = _create(make)
    # httpx's `cookies` setter would copy this object into an ordinary cookie jar.
    vars(client)["_cookies"] = _NoCookies()
    return client


def _create(make: Callable[[], T]) -> T:
    """Call a function of httpx that reads the environment.

    Raises:
        ConfigurationError: The environment names a proxy or certificates that cannot be used.
    """
    try:
        return make()
    except httpx.InvalidURL:
        # Its text quotes what follows the last colon, which may be a part of a password.
        names = "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY"
        problem = f"one of the environment variables {names} holds a malformed URL"
    except (ImportError, OSError, ValueError) as error:
        problem = redact_text(str(error)) or type(error).__name__
    # Not inside `except`: the original error shows the user of the proxy.
    raise ConfigurationError(f"cannot create an HTTP client: {problem}")


def check_transport(transport: object, expected: type) -> None:
    """Check that a transport is None or of the client's kind, blocking or asynchronous.

    Raises:
        ConfigurationError: It is neither.
    """
    if transport is not None and not isinstance(transport, expected):
        actual = type(transport).__name__
        raise ConfigurationError(
            f"transport must be an httpx.{expected.__name__}, got {actual}", setting="transport"
        )


def _make_limits(*, keep_alive: bool) -> httpx.Limits:
    limit = _settings.MAX_IN_FLIGHT
    return httpx.Limits(max_connections=limit, max_keepalive_connections=limit if keep_alive else 0)


def file_client_options(
    transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None,
) -> dict[str, Any]:
    """The httpx options of the client that downloads files; the key is not among them."""
    return {
        "transport": transport,
        "verify": _tls_verification(transport),
        "follow_redirects": True,
        "headers": {
            "User-Agent": f"cometapi-runway/{__version__}",
            # Sizes and ranges then count the bytes of the file.
            "Accept-Encoding": "identity",
        },
    }


def _tls_verification(
    transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None,
) -> ssl.SSLContext | bool:
    """The value of httpx's `verify`; True for a caller's own transport, which ignores it.

    Loading the CA certificates takes longer than the rest of creating a client.
    """
    if transport is not None:
        return True
    return _load_tls_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=4)
def _load_tls_context(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    # httpx reads both environment variables itself; the parameters are the cache key.
    return httpx.create_ssl_context()


@lru_cache(maxsize=64)
def httpx_timeout(seconds: float) -> httpx.Timeout:
    """An httpx timeout of these seconds, with the shorter limit for connecting."""
    return httpx.Timeout(seconds, connect=min(seconds, _settings.CONNECT_TIMEOUT))


def to_httpx_response(response: RawResponse) -> httpx.Response:
    """Build an httpx response without its connection and its request."""
    return httpx.Response(
        response.status,
        headers={k: v for k, v in response.headers.items() if k not in _DROPPED_HEADERS},
        content=response.body,
    )
