"""A session of `requests` whose requests the server answers in the thread that sends them.

Through ASGI each request would take an event loop, a thread and a new session, for as much time as
all the calls of the client.
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from ..drivers.request_capture import SentRequest
from .app import ClientServer

BASE_URL = "http://client-as-server"


class _ServerAdapter(HTTPAdapter):
    def __init__(self, server: ClientServer) -> None:
        super().__init__()
        self._server = server

    def send(self, request: requests.PreparedRequest, *_: object, **__: Any) -> requests.Response:
        assert request.method is not None
        assert request.url is not None
        content = request.body or b""
        sent = SentRequest(
            request.method,
            request.url,
            tuple(request.headers.items()),
            content.encode() if isinstance(content, str) else content,
        )
        reply = self._server.respond(sent)
        raw = urllib3.HTTPResponse(
            BytesIO(json.dumps(reply.body).encode()),
            {"Content-Type": "application/json", **(reply.headers or {})},
            reply.status,
            preload_content=False,
        )
        return self.build_response(request, raw)


def make_session(server: ClientServer) -> requests.Session:
    """A session that reaches this server at `BASE_URL`."""
    session = requests.Session()
    # It would look for proxies and for a netrc file for each request.
    session.trust_env = False
    session.mount(BASE_URL, _ServerAdapter(server))
    return session
