"""Bringing one output to disk: streamed, resumed where it broke, named only when complete.

Output addresses expire (Runway says within 24 to 48 hours, CometAPI names no figure), so a
refusal is answered by asking for the task again, which brings a fresh address.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from random import Random

from attrs import define, field, frozen

from cometapi_runway import _settings as settings
from cometapi_runway._core.file_identity import FileIdentity, strong_etag
from cometapi_runway._core.partial_file import PARTIAL_SUFFIX, PartialFile
from cometapi_runway._core.redaction import redact_url
from cometapi_runway._core.task import Task
from cometapi_runway._flows import media_types
from cometapi_runway._flows.backoff import TRANSIENT_STATUSES, Backoff, FlowClock
from cometapi_runway._flows.media_types import extension_from_url, is_text, quote_body
from cometapi_runway._flows.steps import (
    Exists,
    Fetch,
    Flow,
    OutputRequested,
    OutputSaved,
    PreparedRequest,
    Publish,
    Record,
    Sleep,
    Warn,
)
from cometapi_runway._flows.wait import retrieve
from cometapi_runway.errors import DownloadError, RunwayError

_MAX_REFRESHES = 3
_MAX_STALLED_ATTEMPTS = 5
"""Answers in a row that may break off before the byte that was reached already."""
_EXPIRED = frozenset({401, 403, 404, 410})
_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)", re.ASCII)


@frozen
class DownloadRequest:
    """One output to fetch.

    Attributes:
        task: The finished task.
        index: Which of its outputs, from 0.
        folder: Where the file goes; it exists.
        poll: The request that brings a fresh address.
        overwrite: Whether a file of the same name is replaced; else it is kept and taken as
            this output, since only a complete one ever has the name.
        request_timeout: Seconds for one poll.
    """

    task: Task
    index: int
    folder: Path
    poll: PreparedRequest
    overwrite: bool = False
    request_timeout: float = settings.REQUEST_TIMEOUT


@define
class _Progress:
    """How far a download has come.

    Attributes:
        url: Where the file is; a fresh address after a refusal.
        watch: The time.
        backoff: Pauses between tries.
        last_byte: When the last byte came.
        furthest: Most bytes that were on disk.
        resume: Whether what is on disk is worth keeping.
        failures: Tries since the file last grew.
        fruitless: Those among them that brought bytes all the same.
        refreshes: Fresh addresses asked for.
        trouble: What went wrong last.
    """

    url: str = field(repr=redact_url)
    watch: FlowClock
    backoff: Backoff
    last_byte: float
    furthest: int = 0
    resume: bool = True
    failures: int = 0
    fruitless: int = 0
    refreshes: int = 0
    trouble: str = ""

    def take_in(self, fetch: Fetch) -> None:
        """Note what a try brought."""
        self.watch.advance_to(fetch.at)
        if fetch.received:
            self.last_byte = self.watch.now
            self.fruitless += 1
        if fetch.size > self.furthest:
            self.furthest, self.failures, self.fruitless = fetch.size, 0, 0


def download(order: DownloadRequest, *, started: float, rng: Random) -> Flow[Path]:
    """Fetch one output and return where it is.

    Raises:
        DownloadError: It cannot be had, or the disk refuses it. What has arrived stays in a file
            that ends in ``.part``, and is continued by the next try if the server has told by a
            strong ETag which file it is of.
    """
    state = _Progress(
        order.task.output[order.index], FlowClock(started), Backoff(rng), last_byte=started
    )
    named = extension_from_url(state.url)
    if named and not order.overwrite:
        there = Exists(_final(order, named))
        yield there
        if there.found:
            return there.path
    # Whoever takes up this work later finds what is still to be saved. Trouble with the journal
    # is told when the file is.
    yield Record(OutputRequested(order.task.id, order.index, order.folder))
    # No step lets the file go: an abandoned flow could not take it, and the lock must go all the
    # same. It is held until then, or what is complete could be cut off before it has its name.
    with contextlib.closing(PartialFile(_final(order, PARTIAL_SUFFIX))) as part:
        fetched = yield from _complete(order, state, part)
        kind = named or media_types.extension_for(fetched.headers)
        return (yield from _publish(order, fetched, _final(order, kind)))


def write_offset(fetch: Fetch) -> int | None:
    """From which byte of the local file an answer's body is to be written; None for not at all.

    A server that ignores the range sends all of it again under 200; one that sends a different
    range than asked for, or a range of another file, is not trusted. Words are what somebody
    says instead of sending it.
    """
    status, headers, offset = fetch.status, fetch.headers, fetch.size
    if is_text(headers):
        return None
    if status == 200:
        return 0
    # A range of an encoded file counts other bytes than those on disk.
    if status == 206 and not _is_encoded(headers) and (offset == 0 or _is_of_part(fetch)):
        found = _RANGE.match(headers.get("content-range", ""))
        return offset if found and found[1] and int(found[1]) == offset else None
    return None


def identity_of(fetch: Fetch) -> FileIdentity:
    """What an answer tells of the file that it is of."""
    # The validator of an encoded answer is one of other bytes than those on disk.
    etag = "" if _is_encoded(fetch.headers) else fetch.headers.get("etag", "")
    return FileIdentity(strong_etag(etag), _told_size(fetch))


def is_refusal_text(status: int | None, headers: Mapping[str, str]) -> bool:
    """Whether an answer says in words, under a status of success, that there is no file.

    A page of HTML is another matter: whatever shows one stands in between, and knows nothing of
    the address.
    """
    is_page = media_types.content_type(headers) == media_types.HTML
    return status in {200, 206} and is_text(headers) and not is_page


def total_size(fetch: Fetch) -> int | None:
    """Bytes of the whole file, where the server says; at least its last byte, where it does not."""
    ranged = _RANGE.match(fetch.headers.get("content-range", ""))
    if ranged and ranged[3] == "*" and ranged[2]:
        return int(ranged[2]) + 1
    return _told_size(fetch)


def _complete(order: DownloadRequest, state: _Progress, part: PartialFile) -> Flow[Fetch]:
    """Fetch until every byte is there."""
    while True:
        fetch = Fetch(
            state.url,
            part,
            state.resume,
            settings.DOWNLOAD_TIMEOUT,
            order.index,
        )
        yield fetch
        state.take_in(fetch)
        if fetch.failed_write is not None:
            reason = f"cannot write {part.path}: {fetch.failed_write}"
            raise _error(order, state, reason) from fetch.failed_write
        if _is_complete(fetch):
            return fetch
        yield from _recover(order, state, fetch)


def _is_complete(fetch: Fetch) -> bool:
    if fetch.status == 416:
        # The rest was asked for, and there is none.
        return fetch.size > 0 and total_size(fetch) == fetch.size and _is_of_part(fetch)
    if fetch.error is not None or fetch.offset is None:
        return False
    return fetch.size > 0 and total_size(fetch) in {None, fetch.size}


def _is_of_part(fetch: Fetch) -> bool:
    """Whether an answer is of the file whose bytes are on disk."""
    origin = fetch.part.origin
    return origin is not None and origin.allows(identity_of(fetch), is_range=fetch.status == 206)


def _recover(order: DownloadRequest, state: _Progress, fetch: Fetch) -> Flow[None]:
    """Settle how to go on after an incomplete fetch, or give up."""
    status = fetch.status
    state.failures += 1
    state.trouble = _trouble(fetch)
    if status in _EXPIRED or is_refusal_text(status, fetch.headers):
        yield from _refresh(order, state)
    elif status is not None and 400 <= status < 499 and status not in TRANSIENT_STATUSES | {416}:
        raise _error(order, state, f"the server refuses it with HTTP {status}")
    _judge_part(state, fetch)
    if state.fruitless >= _MAX_STALLED_ATTEMPTS:
        raise _error(order, state, "every answer breaks off before its end")
    pause = max(state.backoff.pause(state.failures), _asked(fetch.headers))
    if state.watch.now + pause > state.last_byte + settings.DOWNLOAD_BUDGET:
        raise _error(order, state, f"no byte for {settings.DOWNLOAD_BUDGET:.0f} s")
    nap = Sleep(pause)
    yield nap
    state.watch.add_sleep(pause, nap.at)


def _trouble(fetch: Fetch) -> str:
    if fetch.status in {200, 206} and is_text(fetch.headers):
        said = quote_body(fetch.body_prefix)
        kind = media_types.content_type(fetch.headers)[:60]
        return f"HTTP {fetch.status} with {kind}" + (f": {said}" if said else "")
    return str(fetch.error) if fetch.error else f"HTTP {fetch.status}, {fetch.size} bytes"


def _judge_part(state: _Progress, fetch: Fetch) -> None:
    """Settle whether what is on disk is continued; where the answer left it alone, as before."""
    if fetch.offset is not None:
        # All that was announced came, and more: then it is not the file.
        state.resume = fetch.error is not None or fetch.size <= (total_size(fetch) or 0)
    elif fetch.status in {206, 416}:
        state.resume = False


def _asked(headers: Mapping[str, str]) -> float:
    text = headers.get("retry-after", "")
    return float(text) if text.isdecimal() else 0.0


def _refresh(order: DownloadRequest, state: _Progress) -> Flow[None]:
    """Ask for the task again, for a fresh address."""
    state.refreshes += 1
    if state.refreshes > _MAX_REFRESHES:
        raise _error(order, state, "fresh addresses are refused as well")
    try:
        again = yield from retrieve(order.poll, order.task, timeout=order.request_timeout)
    except RunwayError as error:
        state.trouble = str(error)
        return
    if order.index < len(again.output):
        state.url = again.output[order.index]


def _publish(order: DownloadRequest, fetch: Fetch, final: Path) -> Flow[Path]:
    publish = Publish(fetch.part, final, order.overwrite)
    yield publish
    if publish.error is not None and not isinstance(publish.error, FileExistsError):
        raise DownloadError(
            f"cannot name {final}: {publish.error}", task_id=order.task.id
        ) from publish.error
    record = Record(OutputSaved(order.task.id, order.index, final, fetch.size))
    yield record
    if record.error is not None:
        yield Warn(f"{final} is saved, but the journal cannot be written ({record.error})")
    return final


def _error(order: DownloadRequest, state: _Progress, reason: str) -> DownloadError:
    address = redact_url(state.url)
    last = f" (last: {state.trouble})" if state.trouble else ""
    return DownloadError(
        f"output {order.index + 1} of task {order.task.id} ({address}): {reason}{last}",
        url=address,
        task_id=order.task.id,
    )


def _stem(order: DownloadRequest) -> str:
    """A file name without extension, made of the task's id and nothing that a path could hold."""
    stem = re.sub(r"[^A-Za-z0-9_-]", "_", order.task.id)[:100]
    if stem != order.task.id:
        # Two tasks must not share a name: the one's file would be taken for the other's.
        stem += f"-{hashlib.sha256(order.task.id.encode()).hexdigest()[:8]}"
    return f"{stem}-{order.index + 1}" if len(order.task.output) > 1 else stem


def _final(order: DownloadRequest, extension: str) -> Path:
    return order.folder / f"{_stem(order)}{extension}"


def _told_size(fetch: Fetch) -> int | None:
    """Bytes of the whole file, if the server says."""
    ranged = _RANGE.match(fetch.headers.get("content-range", ""))
    if ranged and ranged[3] != "*":
        return int(ranged[3])
    length = "" if _is_encoded(fetch.headers) else fetch.headers.get("content-length", "")
    return int(length) if fetch.status == 200 and re.fullmatch("[0-9]{1,18}", length) else None


def _is_encoded(headers: Mapping[str, str]) -> bool:
    """Whether the bytes that travel are others than the file's, though they were not to be."""
    return headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}
