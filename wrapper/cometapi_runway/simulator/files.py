"""The second origin: output files behind signed addresses that expire."""

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
from cometapi_runway.simulator import media
from cometapi_runway.simulator.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cometapi_runway.simulator.requests import Request
    from cometapi_runway.simulator.tasks import SimulatedTask

_FOLDER: Final = "/outputs/"
_TOKEN: Final = "_jwt"  # noqa: S105 - the parameter's name, as in Runway's own addresses
_ONE_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@frozen
class Signer:
    """Signs addresses for a limited time, as a JSON Web Token.

    Attributes:
        secret: What only the signer knows.
    """

    secret: bytes

    @classmethod
    def seeded(cls, seed: int) -> Signer:
        """A signer whose tokens a run with the same seed repeats."""
        return cls(hashlib.sha256(f"outputs:{seed}".encode()).digest())

    def sign(self, path: str, expires: int) -> str:
        """A token for one path, good until a moment in Unix seconds."""
        head = _encoded(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        claims = _encoded(json.dumps({"exp": expires, "sub": path}).encode())
        return f"{head}.{claims}.{self._mac(f'{head}.{claims}')}"

    def expiry(self, path: str, token: str) -> int | None:
        """When a token for this path expires; None if it is not one of ours."""
        signed, _, mac = token.rpartition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(signed).encode()):
            return None
        part = signed.partition(".")[2]
        claims = (
            as_object(parse_json(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))) or {}
        )
        expires = claims.get("exp")
        return expires if claims.get("sub") == path and isinstance(expires, int) else None

    def _mac(self, text: str) -> str:
        return _encoded(hmac.digest(self.secret, text.encode(), "sha256"))


@frozen
class FileServer:
    """Serves what finished tasks have made.

    Attributes:
        origin: Scheme, host and port of the addresses it gives out.
        lifetime: Seconds that an address is good for.
        signer: Makes and checks the addresses' tokens.
        tasks: The tasks.
    """

    origin: str
    lifetime: float
    signer: Signer
    tasks: Mapping[str, SimulatedTask]

    def address(self, task: SimulatedTask, now: float) -> str:
        """A fresh address of a task's output, as every read gives one."""
        path = f"{_FOLDER}{task.id}{media.SUFFIXES[task.kind]}"
        token = self.signer.sign(path, int(now + self.lifetime))
        return f"{self.origin}{path}?{_TOKEN}={token}"

    def answer(self, request: Request, now: float) -> Reply:
        """Answers a request for a file."""
        if request.method not in ("GET", "HEAD"):
            return _refusal(405, "MethodNotAllowed", (("Allow", "GET, HEAD"),))
        if not self._is_signed(request, now):
            return _refusal(403, "AccessDenied")
        task = self.task(request.path)
        if task is None or task.view(now).status != "SUCCEEDED":
            return _refusal(404, "NoSuchKey")
        return _deliver(_make_file(task), request)

    def task(self, path: str) -> SimulatedTask | None:
        """The task whose output has this path."""
        name, _, suffix = path.removeprefix(_FOLDER).rpartition(".")
        task = self.tasks.get(name)
        return task if task and media.SUFFIXES[task.kind] == f".{suffix}" else None

    def _is_signed(self, request: Request, now: float) -> bool:
        tokens = parse_qs(request.query).get(_TOKEN, [""])
        expires = self.signer.expiry(request.path, tokens[0])
        return expires is not None and now < expires


def _refusal(status: int, code: str, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    # Object stores answer in XML, whatever the API in front of them speaks.
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'
    return Reply(status, (("Content-Type", "application/xml"), *headers), body.encode())


def _deliver(file: media.MediaFile, request: Request) -> Reply:
    headers = (
        ("Content-Type", file.content_type),
        ("Accept-Ranges", "bytes"),
        ("ETag", file.etag),
        ("Cache-Control", "private, max-age=3600"),
    )
    if request.header("if-none-match") == file.etag:
        return Reply(304, headers[1:])
    wanted = request.header("range")
    # A range of a file that has changed since would be spliced to the wrong one.
    if wanted is None or request.header("if-range") not in (None, file.etag):
        return Reply(200, headers, file.content)
    return _part(file, wanted, headers)


def _part(file: media.MediaFile, wanted: str, headers: tuple[tuple[str, str], ...]) -> Reply:
    """Answers a range; anything but one range in bytes may be ignored, and is."""
    found = _ONE_RANGE.fullmatch(wanted.strip())
    size = len(file.content)
    if found is None or found.group(1, 2) == ("", ""):
        return Reply(200, headers, file.content)
    first, last = found.group(1, 2)
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    if start >= size or stop <= start:
        return Reply(416, (("Content-Range", f"bytes */{size}"),))
    place = ("Content-Range", f"bytes {start}-{stop - 1}/{size}")
    return Reply(206, (*headers, place), file.content[start:stop])


def _make_file(task: SimulatedTask) -> media.MediaFile:
    return media.make_file(task.id, task.kind, as_text(task.body.get("ratio")))
