"""Fixtures of every test: an environment without settings, and no network but loopback."""

from __future__ import annotations

import gc
import ipaddress
import socket
from typing import Any

import pytest
from tests import common_cause

_VARIABLES = ("COMETAPI_KEY", "COMETAPI_RUNWAY_BASE_URL", "COMETAPI_RUNWAY_VERSION")


def pytest_sessionstart(session: pytest.Session) -> None:
    common_cause.install(session)


def pytest_collection_finish() -> None:
    # Many tests collect garbage, and would each time visit all objects of 10,000 collected tests.
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _clear_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in _VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(autouse=True, scope="session")
def _block_network() -> Any:
    """Refuse every name lookup: connections that leave the machine begin with one."""
    real = socket.getaddrinfo

    def local(host: Any, *rest: Any, **more: Any) -> Any:
        if not _is_local(host):
            raise AssertionError(f"a test tried to reach {host!r}")
        return real(host, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", local)
        yield


def _is_local(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback or name == "0.0.0.0"  # noqa: S104 - compared
    except ValueError:
        return False
