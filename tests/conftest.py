"""Every test runs without the settings of this machine and without a network beyond loopback."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

_VARIABLES = ("COMETAPI_KEY", "COMETAPI_RUNWAY_BASE_URL", "COMETAPI_RUNWAY_VERSION")


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in _VARIABLES:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Any:
    """Refuse name resolution, with which every connection to another machine begins."""
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
