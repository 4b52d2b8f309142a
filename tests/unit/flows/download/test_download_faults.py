"""The fault table of downloads, through both clients and on a real disk."""

from __future__ import annotations

import errno
import zlib
from pathlib import Path

import httpx
import pytest
from attrs import evolve, frozen
from tests.cases import each_case

from cometapi_runway.errors import DownloadError

from ...support.both_clients import BASE, ID, ClientHarness
from ...support.downloads import (
    AGAIN,
    DATA,
    DEAD,
    FROM_HALF,
    GZIP,
    HALF,
    HOST,
    VIDEO,
    ZIPPED,
    broken,
    fetch,
    rest,
    whole,
)
from ...support.fault_table import HTML, HTML_HEADERS, family, page
from ...support.scripted_transport import Event, Failure, Reply

LAST = len(zlib.decompressobj(31).decompress(ZIPPED[:-9]))
WORDS = (
    '{"error": {"message": "expired"}}',
    "<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    "link has expired",
)
JSON, XML, TEXT = (
    Reply(200, words.encode(), {"content-type": kind})
    for words, kind in zip(
        WORDS, ("application/json", "application/xml; charset=utf-8", "text/plain"), strict=True
    )
)


class TornError(OSError):
    """What a transport of the caller's own lets through from the system."""

    def __init__(self, words: str, request: httpx.Request) -> None:
        super().__init__(errno.ECONNRESET, words)


@frozen
class Row:
    """One fault: what the network does, what is asked in turn, when it ends and how."""

    name: str
    events: tuple[Event, ...]
    asked: tuple[str | None, ...]
    time: float
    refuses: str | None = None


POLLED = "poll"
ROWS = (
    Row("nothing", (whole(),), (None,), 0.0),
    Row("no length told", (Reply(200, DATA, VIDEO, declared=-1),), (None,), 0.0),
    Row("broken off", (broken(), rest()), (None, FROM_HALF), 0.5),
    Row("broken off by a timeout",
        (Reply(200, DATA[:HALF], VIDEO, breaks=httpx.ReadTimeout, declared=len(DATA)), rest()),
        (None, FROM_HALF), 0.5),
    Row("broken off twice", (broken(100), Reply(206, DATA[100:HALF], {
        **VIDEO, "content-range": f"bytes 100-{len(DATA) - 1}/{len(DATA)}"},
        breaks=httpx.ReadError, declared=len(DATA) - 100), rest()),
        (None, "bytes=100-", FROM_HALF), 1.0),
    Row("shorter than announced", (Reply(200, DATA[:HALF], VIDEO, declared=len(DATA)), rest()),
        (None, FROM_HALF), 0.5),
    Row("a server that ignores ranges", (broken(), whole()), (None, FROM_HALF), 0.5),
    Row("a part of the rest", (broken(100), Reply(206, DATA[100:HALF], {
        **VIDEO, "content-range": f"bytes 100-{HALF - 1}/{len(DATA)}"}), rest()),
        (None, "bytes=100-", FROM_HALF), 1.0),
    Row("total not told", (broken(), Reply(206, DATA[HALF:], {
        **VIDEO, "content-range": f"bytes {HALF}-{len(DATA) - 1}/*"})), (None, FROM_HALF), 0.5),
    Row("another range than asked for", (broken(), Reply(206, DATA[5:], {
        **VIDEO, "content-range": f"bytes 5-{len(DATA) - 1}/{len(DATA)}"}), whole()),
        (None, FROM_HALF, None), 1.5),
    Row("a range that is not told", (broken(), Reply(206, DATA[HALF:], VIDEO), whole()),
        (None, FROM_HALF, None), 1.5),
    Row("a range told absurdly", (broken(), Reply(206, DATA[HALF:], {
        **VIDEO, "content-range": "bytes " + "9" * 5000 + "-1/2"}), whole()),
        (None, FROM_HALF, None), 1.5),
    Row("416 without a size", (broken(), Reply(416), whole()), (None, FROM_HALF, None), 1.5),
    Row("416, then nobody listens", (broken(), Reply(416), DEAD, whole()),
        (None, FROM_HALF, None, None), 3.5),
    Row("another size than before", (broken(), Reply(206, DATA[HALF:], {
        **VIDEO, "content-range": f"bytes {HALF}-{len(DATA) - 2}/{len(DATA) - 1}"}), whole()),
        (None, FROM_HALF, None), 1.5),
    Row("expired", (page(403), AGAIN, whole()), (None, POLLED, None), 0.5),
    Row("gone", (Reply(410), AGAIN, whole()), (None, POLLED, None), 0.5),
    Row("expired in the middle", (broken(), page(403), AGAIN, rest()),
        (None, FROM_HALF, POLLED, FROM_HALF), 1.5),
    Row("expired, and the gateway ails", (page(403), page(502), page(403), AGAIN, whole()),
        (None, POLLED, None, POLLED, None), 1.5),
    Row("expired, and the task is not found", (page(403), family(400, "task_not_exist"),
        page(403), AGAIN, whole()), (None, POLLED, None, POLLED, None), 1.5),
    Row("expired for ever", (*(page(403), AGAIN) * 3, page(403)),
        (None, POLLED) * 3 + (None,), 3.5, "fresh URLs"),
    Row("HTML under 200", (Reply(200, HTML, HTML_HEADERS), whole()), (None, None), 0.5),
    Row("HTML in the middle", (broken(), Reply(200, HTML, HTML_HEADERS), rest()),
        (None, FROM_HALF, FROM_HALF), 1.5),
    Row("JSON under 200", (JSON, AGAIN, whole()), (None, POLLED, None), 0.5),
    Row("XML under 200", (XML, AGAIN, whole()), (None, POLLED, None), 0.5),
    Row("text under 200", (TEXT, AGAIN, whole()), (None, POLLED, None), 0.5),
    Row("XML in the middle", (broken(), XML, AGAIN, rest()),
        (None, FROM_HALF, POLLED, FROM_HALF), 1.5),
    Row("JSON for ever", (*(JSON, AGAIN) * 3, JSON), (None, POLLED) * 3 + (None,), 3.5,
        r"fresh URLs.*HTTP 200 with application/json: {\"error\": {\"message\": \"expired"),
    Row("JSON that breaks off", (evolve(JSON, content=b"", breaks=httpx.ReadError, declared=9),
        AGAIN, whole()), (None, POLLED, None), 0.5),
    Row("416 in XML", (broken(), Reply(416, WORDS[1].encode(), XML.headers), whole()),
        (None, FROM_HALF, None), 1.5),
    Row("torn by the system", (Reply(200, DATA[:HALF], VIDEO, breaks=TornError, declared=len(DATA)),
        rest()), (None, FROM_HALF), 0.5),
    Row("encoded all the same", (Reply(200, ZIPPED, GZIP),), (None,), 0.0),
    Row("encoded, and broken off", (Reply(200, ZIPPED[:-9], GZIP, breaks=httpx.ReadError,
        declared=len(ZIPPED)), Reply(206, ZIPPED[99:], {**GZIP, "content-range":
        f"bytes {LAST}-{len(ZIPPED) - 1}/{len(ZIPPED)}"}), whole()),
        (None, f"bytes={LAST}-", None), 1.5),
    Row("empty", (Reply(200, b"", VIDEO), whole()), (None, None), 0.5),
    *(Row(f"{status}", (page(status), whole()), (None, None), 0.5)
      for status in (408, 425, 429, 499, 500, 502, 503, 504, 520, 524, 599)),
    Row("503, come in 9 s", (Reply(503, b"", {"retry-after": "9"}), whole()), (None, None), 9.0),
    Row("503, come in an hour", (Reply(503, b"", {"retry-after": "3600"}),), (None,), 0.0, "120 s"),
    Row("nobody listens at first", (DEAD, DEAD, whole()), (None, None, None), 1.5),
    Row("nobody ever listens", (DEAD,), (None,) * 19, 119.5,
        r"no byte for 120 s \(last: GET https"),
    Row("a host that hangs", (Failure(httpx.ReadTimeout, 1e9),), (None,) * 4, 123.5, "120 s"),
    Row("400", (page(400),), (None,), 0.0, "HTTP 400"),
    Row("451", (page(451),), (None,), 0.0, "HTTP 451"),
    # Neither may go on for ever, however many bytes come.
    Row("always broken off at the same place", (broken(),),
        (None,) + (FROM_HALF,) * 5, 15.5, "every response breaks off"),
    Row("always longer than announced", (Reply(200, DATA, VIDEO, declared=9),),
        (None,) * 6, 15.5, "every response breaks off"),
)  # fmt: skip


@each_case("row", ROWS, ids=lambda row: row.name)
def test_a_fault(row: Row, harness: ClientHarness, tmp_path: Path) -> None:
    harness.respond_with(*row.events)
    if row.refuses is None:
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert list(tmp_path.iterdir()) == [path]
    else:
        with pytest.raises(DownloadError, match=row.refuses) as caught:
            fetch(harness, tmp_path)
        assert caught.value.task_id == ID
        assert caught.value.url == f"{HOST}/output.mp4?[hidden]"
        # What has the final name is whole: here nothing has.
        assert [path.suffix for path in tmp_path.iterdir()] in ([], [".part"])
    asked = [
        POLLED if str(one.url).startswith(BASE) else one.headers.get("range")
        for one in harness.network.sent
    ]
    assert (tuple(asked), harness.time) == (row.asked, row.time)
