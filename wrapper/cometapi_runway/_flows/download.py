"""Downloading one output: streamed, resumed after a broken connection, renamed when complete.

Output URLs expire (Runway says within 24 to 48 hours, CometAPI names no figure). When the server
refuses a URL, the flow polls the task again, whose response has a fresh one.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from attrs import define, field, frozen

from cometapi_runway import _settings as settings
from cometapi_runway._core.file_identity import FileIdentity, strong_etag
from cometapi_runway._core.file_names import make_stem
from cometapi_runway._core.naming import count_noun
from cometapi_runway._core.partial_file import PARTIAL_SUFFIX, PartialFile
from cometapi_runway._core.redaction import redact_url
from cometapi_runway._core.task import Task
from cometapi_runway._flows import media_types
from cometapi_runway._flows.backoff import TRANSIENT_STATUSES, Backoff, FlowClock
from cometapi_runway._flows.entries import OutputRequested, OutputSaved
from cometapi_runway._flows.media_types import extension_from_url, is_text, quote_body
from cometapi_runway._flows.observation import observable
from cometapi_runway._flows.prepared_request import PreparedRequest
from cometapi_runway._flows.retry_log import RetryLog, describe_cause
from cometapi_runway._flows.steps import Exists, Fetch, Flow, Publish, Record, Sleep, Warn
from cometapi_runway._flows.wait import retrieve
from cometapi_runway.errors import DownloadError, RunwayError

_MAX_REFRESHES = 3
_MAX_STALLED_ATTEMPTS = 5
"""Responses in a row that break off before the file has grown."""
_EXPIRED_STATUSES = frozenset({401, 403, 404, 410})
_CONTENT_RANGE = re.compile(r"bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)", re.ASCII)


@frozen
class DownloadRequest:
    """One output to download.

    Attributes:
        task: The finished task.
        index: Which of its outputs, from 0.
        folder: Where the file goes; it exists.
        poll: The request that returns a fresh URL.
        overwrite: Whether a file of the same name is replaced. If not, it is kept and taken as
            this output, because only complete files get the name.
        request_timeout: Seconds for one poll.
        stem: The file's name without extension; None for one from the task's id.
    """

    task: Task
    index: int
    folder: Path
    poll: PreparedRequest
    overwrite: bool = False
    request_timeout: float = settings.REQUEST_TIMEOUT
    stem: str | None = None


@define
class _DownloadProgress:
    """How far a download has come.

    Attributes:
        url: The file's URL, a fresh one after a refusal.
        clock: The time.
        backoff: Pauses between attempts.
        last_byte: When the last byte arrived.
        max_size: The largest size that the file has had on disk.
        resume: Whether the next attempt continues the bytes on disk.
        failures: Attempts since the file last grew.
        stalled: Those of them that brought bytes.
        refreshes: Fresh URLs requested.
        last_problem: What the last attempt failed with.
        log: What the log says about failed attempts.
    """

    url: str = field(repr=redact_url)
    clock: FlowClock
    backoff: Backoff
    last_byte: float
    max_size: int = 0
    resume: bool = True
    failures: int = 0
    stalled: int = 0
    refreshes: int = 0
    last_problem: str = ""
    log: RetryLog = field(factory=RetryLog)

    def update(self, fetch: Fetch) -> None:
        """Take over the time, bytes and size of an attempt."""
        self.clock.advance_to(fetch.at)
        if fetch.received:
            self.last_byte = self.clock.now
            self.stalled += 1
        if fetch.size > self.max_size:
            self.max_size, self.failures, self.stalled = fetch.size, 0, 0


@observable
def download(request: DownloadRequest, *, started: float, rng: Random) -> Flow[Path]:
    """Download one output and return its path.

    Raises:
        DownloadError: The output cannot be downloaded, or cannot be written to disk. The bytes so
            far stay in a file that ends in ``.part``; the next attempt continues it if the server
            sent a strong ETag to recognise the file by.
    """
    progress = _DownloadProgress(
        request.task.output[request.index], FlowClock(started), Backoff(rng), last_byte=started
    )
    url_extension = extension_from_url(progress.url)
    if url_extension and not request.overwrite:
        final, partial = _path_for(request, url_extension), _path_for(request, PARTIAL_SUFFIX)
        existing = Exists(final, partial)
        yield existing
        if existing.found:
            # The process that named it may have been killed before it recorded it.
            return (yield from _record_saved(request, existing.path, existing.size))
        if existing.error is not None:
            reason = f"cannot be saved: {existing.error}"
            raise _download_error(request, progress, reason) from existing.error
    # A process that resumes this work later finds in the journal what is still to be saved: every
    # output, because a kill may come before the others' downloads start. An error of the journal is
    # reported when the file is saved.
    outputs = len(request.task.output)
    yield Record(OutputRequested(request.task.id, 0, request.folder, outputs))
    # Closed here and not by a step, because an abandoned flow takes no further step. It stays
    # locked until then: another writer could truncate a complete file before it is renamed.
    with contextlib.closing(PartialFile(_path_for(request, PARTIAL_SUFFIX))) as part:
        fetch = yield from _fetch_all(request, progress, part)
        extension = url_extension or media_types.extension_for(fetch.headers)
        return (yield from _publish(request, fetch, _path_for(request, extension)))


def write_offset(fetch: Fetch) -> int | None:
    """The offset in the local file to write a response's body at; None to write none of it.

    A server that ignores the range sends the whole file with 200. A range that was not requested,
    or is of another file, is not written. Neither is text, which is an error message.
    """
    status, headers, offset = fetch.status, fetch.headers, fetch.size
    if is_text(headers):
        return None
    if status == 200:
        return 0
    # The range of an encoded response does not count the bytes on disk.
    if status == 206 and not _is_encoded(headers) and (offset == 0 or _matches_part(fetch)):
        match = _CONTENT_RANGE.match(headers.get("content-range", ""))
        return offset if match and match[1] and int(match[1]) == offset else None
    return None


def identity_of(fetch: Fetch) -> FileIdentity:
    """The identity of the file that a response is of."""
    # The ETag of an encoded response does not stand for the bytes on disk.
    etag = "" if _is_encoded(fetch.headers) else fetch.headers.get("etag", "")
    return FileIdentity(strong_etag(etag), _declared_size(fetch))


def has_valid_port(url: str) -> bool:
    """Whether a URL names no port, or one that exists.

    One network layer takes port 99999 for port 34463, another raises an ExceptionGroup.
    """
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def is_refusal_text(status: int | None, headers: Mapping[str, str]) -> bool:
    """Whether a successful response carries a text that says that there is no file.

    HTML does not count: it comes from a proxy in between, which knows nothing about the URL.
    """
    is_html = media_types.content_type(headers) == media_types.HTML
    return status in {200, 206} and is_text(headers) and not is_html


def total_size(fetch: Fetch) -> int | None:
    """Bytes of the whole file, or up to the range's end; None if the server sends neither."""
    match = _CONTENT_RANGE.match(fetch.headers.get("content-range", ""))
    if match and match[3] == "*" and match[2]:
        return int(match[2]) + 1
    return _declared_size(fetch)


def _fetch_all(
    request: DownloadRequest, progress: _DownloadProgress, part: PartialFile
) -> Flow[Fetch]:
    """Fetch until the file is complete."""
    while True:
        if not has_valid_port(progress.url):
            raise _download_error(request, progress, "its port is not between 1 and 65535")
        fetch = Fetch(progress.url, part, progress.resume, settings.DOWNLOAD_TIMEOUT, request.index)
        yield fetch
        progress.update(fetch)
        if fetch.failed_write is not None:
            reason = f"cannot write {part.path}: {fetch.failed_write}"
            raise _download_error(request, progress, reason) from fetch.failed_write
        if _is_complete(fetch):
            return fetch
        yield from _prepare_retry(request, progress, fetch)


def _is_complete(fetch: Fetch) -> bool:
    if fetch.status == 416:
        # The request asked for what follows the last byte.
        return fetch.size > 0 and total_size(fetch) == fetch.size and _matches_part(fetch)
    if fetch.error is not None or fetch.offset is None:
        return False
    return fetch.size > 0 and total_size(fetch) in {None, fetch.size}


def _matches_part(fetch: Fetch) -> bool:
    """Whether a response is of the file whose bytes are on disk."""
    identity = fetch.part.origin
    is_range = fetch.status == 206
    return identity is not None and identity.allows(identity_of(fetch), is_range=is_range)


def _prepare_retry(
    request: DownloadRequest, progress: _DownloadProgress, fetch: Fetch
) -> Flow[None]:
    """After an incomplete attempt: refresh the URL, discard bad bytes and pause; or give up."""
    status = fetch.status
    progress.failures += 1
    progress.last_problem = _describe_problem(fetch)
    if status in _EXPIRED_STATUSES or is_refusal_text(status, fetch.headers):
        yield from _refresh_url(request, progress)
    elif status is not None and 400 <= status < 500 and status not in TRANSIENT_STATUSES | {416}:
        raise _download_error(request, progress, f"the server refuses it with HTTP {status}")
    if fetch.error is not None and fetch.error.is_permanent:
        raise _download_error(request, progress, "no later attempt can succeed")
    _decide_resume(progress, fetch)
    if progress.stalled >= _MAX_STALLED_ATTEMPTS:
        raise _download_error(request, progress, "every response breaks off before its end")
    pause = max(progress.backoff.pause(progress.failures), _requested_pause(fetch.headers))
    if progress.clock.now + pause > progress.last_byte + settings.DOWNLOAD_BUDGET:
        raise _download_error(request, progress, f"no byte for {settings.DOWNLOAD_BUDGET:.0f} s")
    remaining = progress.last_byte + settings.DOWNLOAD_BUDGET - progress.clock.now
    what = f"attempt {progress.failures} at output {request.index + 1} of task {request.task.id}"
    why = progress.log.explain(what, _describe_cause(fetch), remaining)
    sleep = Sleep(pause, why, urlsplit(progress.url).hostname or "")
    yield sleep
    progress.clock.add_sleep(pause, sleep.at)


def _describe_cause(fetch: Fetch) -> str:
    """The kind of a failure, for the log."""
    if fetch.error is not None:
        return describe_cause(fetch.error)
    is_partial = fetch.offset is not None
    return f"HTTP {fetch.status}" + (" that breaks off before its end" if is_partial else "")


def _describe_problem(fetch: Fetch) -> str:
    if fetch.status in {200, 206} and is_text(fetch.headers):
        quote = quote_body(fetch.body_prefix)
        media_type = media_types.content_type(fetch.headers)[:60]
        return f"HTTP {fetch.status} with {media_type}" + (f": {quote}" if quote else "")
    if fetch.error:
        return str(fetch.error)
    return f"HTTP {fetch.status}, {count_noun(fetch.size, 'byte')}"


def _decide_resume(progress: _DownloadProgress, fetch: Fetch) -> None:
    """Decide whether the next attempt continues the bytes on disk."""
    if fetch.offset is not None:
        # A complete body that is larger than announced is not the file.
        progress.resume = fetch.error is not None or fetch.size <= (total_size(fetch) or 0)
    elif fetch.status in {206, 416}:
        progress.resume = False


def _requested_pause(headers: Mapping[str, str]) -> float:
    text = headers.get("retry-after", "")
    return float(text) if text.isdecimal() else 0.0


def _refresh_url(request: DownloadRequest, progress: _DownloadProgress) -> Flow[None]:
    """Poll the task for a fresh URL."""
    progress.refreshes += 1
    if progress.refreshes > _MAX_REFRESHES:
        raise _download_error(request, progress, "fresh URLs are refused as well")
    try:
        task = yield from retrieve(request.poll, request.task, timeout=request.request_timeout)
    except RunwayError as error:
        progress.last_problem = str(error)
        return
    if request.index < len(task.output):
        progress.url = task.output[request.index]


def _publish(request: DownloadRequest, fetch: Fetch, final: Path) -> Flow[Path]:
    publish = Publish(fetch.part, final, request.overwrite)
    yield publish
    if publish.error is not None and not isinstance(publish.error, FileExistsError):
        raise DownloadError(
            f"cannot rename the download to {final}: {publish.error}", task_id=request.task.id
        ) from publish.error
    return (yield from _record_saved(request, final, fetch.size))


def _record_saved(request: DownloadRequest, final: Path, size: int) -> Flow[Path]:
    record = Record(OutputSaved(request.task.id, request.index, final, size))
    yield record
    if record.error is not None:
        yield Warn(f"{final} is saved, but the journal cannot be written ({record.error})")
    return final


def _download_error(
    request: DownloadRequest, progress: _DownloadProgress, reason: str
) -> DownloadError:
    url = redact_url(progress.url)
    last = f" (last: {progress.last_problem})" if progress.last_problem else ""
    return DownloadError(
        f"output {request.index + 1} of task {request.task.id} ({url}): {reason}{last}",
        url=url,
        task_id=request.task.id,
    )


def _stem(request: DownloadRequest) -> str:
    """The output's file name without extension."""
    if request.stem is not None:
        return request.stem
    stem = make_stem(request.task.id)
    return f"{stem}-{request.index + 1}" if len(request.task.output) > 1 else stem


def _path_for(request: DownloadRequest, extension: str) -> Path:
    return request.folder / f"{_stem(request)}{extension}"


def _declared_size(fetch: Fetch) -> int | None:
    """Bytes of the whole file, if the server says so."""
    match = _CONTENT_RANGE.match(fetch.headers.get("content-range", ""))
    if match and match[3] != "*":
        return int(match[3])
    length = "" if _is_encoded(fetch.headers) else fetch.headers.get("content-length", "")
    return int(length) if fetch.status == 200 and re.fullmatch("[0-9]{1,18}", length) else None


def _is_encoded(headers: Mapping[str, str]) -> bool:
    """Whether the server encoded the body, though the request asks it not to."""
    return headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}
