"""The media origin: output files behind signed URLs that expire."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from attrs import frozen

from cometapi_runway._core.json_values import as_object, as_text, parse_json
from cometapi_runway.simulator._media.media_file import SUFFIXES, MediaFile, make_file
from cometapi_runway.simulator._responses.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cometapi_runway.simulator._gateway.request import SimulatedRequest
    from cometapi_runway.simulator._gateway.tasks import SimulatedTask

_FOLDER: Final = "/outputs/"
_TOKEN: Final = "_jwt"  # noqa: S105 - the parameter's name in Runway's own URLs
_ONE_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@frozen
class Signer:
    """Signs URLs for a limited time with a JSON Web Token.

    Attributes:
        secret: The signing key.
    """

    secret: bytes

    @classmethod
    def from_seed(cls, seed: int) -> Signer:
        """Makes a signer; the same seed gives the same tokens."""
        return cls(hashlib.sha256(f"outputs:{seed}".encode()).digest())

    def sign(self, path: str, expires: int) -> str:
        """Makes a token for one path, valid until a moment in Unix seconds."""
        head = _encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        claims = _encode(json.dumps({"exp": expires, "sub": path}).encode())
        return f"{head}.{claims}.{self._mac(f'{head}.{claims}')}"

    def read_expiry(self, path: str, token: str) -> int | None:
        """Returns when a token for a path expires; None if its signature or path is wrong."""
        signed, _, mac = token.rpartition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(signed).encode()):
            return None
        part = signed.partition(".")[2]
        # More padding than is needed is ignored.
        claims = as_object(parse_json(base64.urlsafe_b64decode(f"{part}=="))) or {}
        expires = claims.get("exp")
        return expires if claims.get("sub") == path and isinstance(expires, int) else None

    def _mac(self, text: str) -> str:
        return _encode(hmac.digest(self.secret, text.encode(), "sha256"))


@frozen
class FileServer:
    """Serves the outputs of finished tasks.

    Attributes:
        origin: Scheme, host and port of the URLs.
        lifetime: Seconds that a URL is valid.
        signer: Makes and checks the tokens in the URLs.
        tasks: The tasks.
    """

    origin: str
    lifetime: float
    signer: Signer
    tasks: Mapping[str, SimulatedTask]

    def sign_url(self, task: SimulatedTask, now: float) -> str:
        """Makes a new URL of a task's output; every read returns a new one."""
        path = f"{_FOLDER}{task.id}{SUFFIXES[task.kind]}"
        token = self.signer.sign(path, int(now + self.lifetime))
        return f"{self.origin}{path}?{_TOKEN}={token}"

    def handle(self, request: SimulatedRequest, now: float) -> Reply:
        """Replies to a request for a file."""
        if request.method not in ("GET", "HEAD"):
            return _refuse(405, "MethodNotAllowed", (("Allow", "GET, HEAD"),))
        if not self._is_signed(request, now):
            return _refuse(403, "AccessDenied")
        task = self.find_task(request.path)
        if task is None or task.view(now).status != "SUCCEEDED":
            return _refuse(404, "NoSuchKey")
        return _deliver(_make_output(task), request)

    def find_task(self, path: str) -> SimulatedTask | None:
        """Returns the task whose output has a path, if any."""
        name, _, suffix = path.removeprefix(_FOLDER).rpartition(".")
        task = self.tasks.get(name)
        return task if task and SUFFIXES[task.kind] == f".{suffix}" else None

    def _is_signed(self, request: SimulatedRequest, now: float) -> bool:
        tokens = parse_qs(request.query).get(_TOKEN, [""])
        expires = self.signer.read_expiry(request.path, tokens[0])
        return expires is not None and now < expires


def _refuse(status: int, code: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    # Object stores reply in XML, whatever the API uses.
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'
    return Reply(status, (("Content-Type", "application/xml"), *headers), body.encode())


def _deliver(file: MediaFile, request: SimulatedRequest) -> Reply:
    headers = (
        ("Content-Type", file.content_type),
        ("Accept-Ranges", "bytes"),
        ("ETag", file.etag),
        ("Cache-Control", "private, max-age=3600"),
    )
    if request.header("if-none-match") == file.etag:
        return Reply(304, headers[1:])
    range_header = request.header("range")
    # A client must not append a range of a changed file to the part it has.
    if range_header is None or request.header("if-range") not in (None, file.etag):
        return Reply(200, headers, file.content)
    return _deliver_range(file, range_header, headers)


def _deliver_range(
    file: MediaFile, range_header: str, headers: tuple[tuple[str, str], ...]
) -> Reply:
    # RFC 9110 allows a server to ignore all but a single range in bytes.
    found = _ONE_RANGE.fullmatch(range_header.strip())
    size = len(file.content)
    if found is None or found.group(1, 2) == ("", ""):
        return Reply(200, headers, file.content)
    first, last = found.group(1, 2)
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    if stop <= start:
        return Reply(416, (("Content-Range", f"bytes */{size}"),))
    content_range = ("Content-Range", f"bytes {start}-{stop - 1}/{size}")
    return Reply(206, (*headers, content_range), file.content[start:stop])


def _make_output(task: SimulatedTask) -> MediaFile:
    return make_file(task.id, task.kind, as_text(task.body.get("ratio")))
