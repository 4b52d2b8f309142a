"""The steps of a download, of which the drivers load nothing before the first one."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from cometapi_runway._core.partial_file import has_file, remove_second_name
from cometapi_runway._flows.download import identity_of, is_refusal_text, total_size, write_offset
from cometapi_runway._flows.steps import Exists, Fetch
from cometapi_runway._io.file_client import FileClient
from cometapi_runway.errors import APIConnectionError

OnProgress: TypeAlias = Callable[[int, int, int | None], object]
"""Called with the output's index (from 0), the bytes on disk, and the total size or None."""

_callback_logger = logging.getLogger("cometapi_runway.callbacks")


def fetch(step: Fetch, files: FileClient, on_progress: OnProgress | None) -> None:
    """Carry out a `Fetch` step, blocking."""
    try:
        headers = range_headers(step, step.part.hold())
        with files.open(step.url, headers, step.timeout) as stream:
            offset = store_response(step, stream.status, stream.headers)
            if offset is not None:
                _write(step, offset, stream.chunks, on_progress)
            elif is_refusal_text(stream.status, stream.headers):
                step.body_prefix = next(stream.chunks, b"")
    except APIConnectionError as error:
        step.error = error
    except OSError as error:
        step.failed_write = error


def _write(
    step: Fetch, offset: int, chunks: Iterator[bytes], on_progress: OnProgress | None
) -> None:
    step.part.begin(offset, identity_of(step))
    try:
        for chunk in chunks:
            step.part.write(chunk)
            add_received(step, len(chunk))
            _report(step, on_progress)
    finally:
        step.failed_write = step.part.sync()


def _report(step: Fetch, on_progress: OnProgress | None) -> None:
    if on_progress is not None:
        try:
            on_progress(step.index, step.size, total_size(step))
        except Exception:
            log_progress_error()


def look_for_file(step: Exists) -> None:
    """Carry out an `Exists` step."""
    try:
        if not has_file(step.path):
            return
    except OSError as error:
        step.error = error
        return
    with contextlib.suppress(OSError):
        step.size = step.path.stat().st_size
        step.found = True
        remove_second_name(step.partial, step.path)


def range_headers(step: Fetch, bytes_on_disk: int) -> dict[str, str]:
    """The headers that request the missing bytes; sets `step.size` to where they begin."""
    step.size = bytes_on_disk if step.resume else 0
    if not step.size:
        return {}
    headers = {"Range": f"bytes={step.size}-"}
    origin = step.part.origin
    if origin is not None and origin.etag:
        # If the file has changed since, the server sends all of it.
        headers["If-Range"] = origin.etag
    return headers


def store_response(step: Fetch, status: int, headers: Mapping[str, str]) -> int | None:
    """Store status and headers in the step; return the offset to write the body at, or None."""
    step.status = status
    step.headers = headers
    step.offset = write_offset(step)
    if step.offset is not None:
        step.size = step.offset
    return step.offset


def add_received(step: Fetch, size: int) -> None:
    """Count bytes that are on disk."""
    step.received += size
    step.size += size


def log_progress_error() -> None:
    """Log the exception of an `on_progress`; to be called where it is handled."""
    _callback_logger.exception("on_progress failed; the download continues")
