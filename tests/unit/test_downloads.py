"""Bringing outputs to disk, through both clients and on a real disk.

Jitter stands at its most, so pauses between tries are 0.5, 1, 2, 4 and then 8 s.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gzip
import hashlib
import json
import logging
import os
import shutil
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import define, evolve, field, frozen

from cometapi_runway import AsyncRunwayClient, RunwayClient
from cometapi_runway._core.partial_file import PartialFile
from cometapi_runway._core.task import Task
from cometapi_runway._flows import DownloadRequest, download
from cometapi_runway.errors import DownloadError, InvalidRequestError

from .support.both_clients import BASE, ID, KEY, ClientHarness
from .support.fault_table import HTML, HTML_HEADERS, family, page
from .support.flow_runner import POLL, FlowRunner
from .support.scripted_transport import Event, Failure, Interruption, Reply, json_reply
from .support.virtual_time import FixedJitter

HOST = "https://cdn.example"
URL = f"{HOST}/output.mp4?_jwt=old"
FRESH = f"{HOST}/output.mp4?_jwt=fresh"
DATA = bytes(range(256)) * 700
HALF = len(DATA) // 2
ONE = {"etag": '"one"'}
VIDEO = {"content-type": "video/mp4"}
GZIP = {**VIDEO, "content-encoding": "gzip"}
ZIPPED = gzip.compress(DATA)
LAST = len(zlib.decompressobj(31).decompress(ZIPPED[:-9]))
DEAD = Failure(httpx.ConnectError)
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
AGAIN = json_reply({"id": ID, "status": "SUCCEEDED", "output": [FRESH]})


class TornError(OSError):
    """What a transport of the caller's own lets through from the system."""

    def __init__(self, words: str, request: httpx.Request) -> None:
        super().__init__(errno.ECONNRESET, words)


def whole(**more: Any) -> Reply:
    return Reply(200, DATA, {**VIDEO, **more})


def broken(upto: int = HALF, **more: Any) -> Reply:
    """The file, until the connection breaks."""
    return Reply(200, DATA[:upto], {**VIDEO, **more}, breaks=httpx.ReadError, declared=len(DATA))


def rest(start: int = HALF, **more: Any) -> Reply:
    span = f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"
    return Reply(206, DATA[start:], {**VIDEO, "content-range": span, **more})


@pytest.fixture
def harness(harness: ClientHarness) -> ClientHarness:
    harness.client.session.rng = FixedJitter(1.0)
    return harness


def finished(*urls: str, task_id: str = ID) -> Task:
    return Task(task_id, "SUCCEEDED", output=urls or (URL,))


def fetch(
    harness: ClientHarness, folder: Path, task: Task | None = None, **options: Any
) -> list[Path]:
    bound = harness.client.bind(task or finished())
    paths: list[Path] = harness.run(bound.download(folder, **options))
    return paths


def ranges(harness: ClientHarness) -> list[str | None]:
    return [one.headers.get("range") for one in harness.network.sent]


@frozen
class Row:
    """One fault: what the network does, what is asked in turn, when it ends and how."""

    name: str
    events: tuple[Event, ...]
    asked: tuple[str | None, ...]
    time: float
    refuses: str | None = None


FROM_HALF = f"bytes={HALF}-"
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
        (None, POLLED) * 3 + (None,), 3.5, "fresh addresses"),
    Row("HTML under 200", (Reply(200, HTML, HTML_HEADERS), whole()), (None, None), 0.5),
    Row("HTML in the middle", (broken(), Reply(200, HTML, HTML_HEADERS), rest()),
        (None, FROM_HALF, FROM_HALF), 1.5),
    Row("JSON under 200", (JSON, AGAIN, whole()), (None, POLLED, None), 0.5),
    Row("XML under 200", (XML, AGAIN, whole()), (None, POLLED, None), 0.5),
    Row("text under 200", (TEXT, AGAIN, whole()), (None, POLLED, None), 0.5),
    Row("XML in the middle", (broken(), XML, AGAIN, rest()),
        (None, FROM_HALF, POLLED, FROM_HALF), 1.5),
    Row("JSON for ever", (*(JSON, AGAIN) * 3, JSON), (None, POLLED) * 3 + (None,), 3.5,
        r"fresh addresses.*HTTP 200 with application/json: {\"error\": {\"message\": \"expired"),
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
    Row("nobody ever listens", (DEAD,), (None,) * 19, 119.5, "no byte for 120 s"),
    Row("a host that hangs", (Failure(httpx.ReadTimeout, 1e9),), (None,) * 4, 123.5, "120 s"),
    Row("400", (page(400),), (None,), 0.0, "HTTP 400"),
    Row("451", (page(451),), (None,), 0.0, "HTTP 451"),
    # Neither may go on for ever, however many bytes come.
    Row("always broken off at the same place", (broken(),),
        (None,) + (FROM_HALF,) * 5, 15.5, "every answer breaks off"),
    Row("always longer than announced", (Reply(200, DATA, VIDEO, declared=9),),
        (None,) * 6, 15.5, "every answer breaks off"),
)  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
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


def test_a_fresh_address_is_used(harness: ClientHarness, tmp_path: Path) -> None:
    harness.respond_with(page(403), AGAIN, whole())
    fetch(harness, tmp_path)
    assert [str(one.url) for one in harness.network.sent] == [
        URL,
        f"{BASE}/runwayml/v1/tasks/{ID}",
        FRESH,
    ]


@pytest.mark.parametrize(
    "event",
    [
        Reply(302, b"", {"location": f"{HOST}/elsewhere.mp4"}),
        Reply(307, b"", {"location": "https://other.example/file.mp4"}),
        Reply(308, b"", {"location": f"{BASE}/runwayml/v1/tasks/{ID}"}),
        page(403),
        DEAD,
        broken(),
    ],
)
def test_the_key_goes_to_the_gateway_alone(
    event: Event, harness: ClientHarness, tmp_path: Path
) -> None:
    """Also not to a file that the gateway's own host serves, nor to where that redirects."""

    def network(request: httpx.Request) -> Event:
        if request.url.path == f"/runwayml/v1/tasks/{ID}" and "authorization" in request.headers:
            return AGAIN
        return event if len(harness.network.sent) == 1 else rest(_start(request))

    harness.network.respond_by(network)
    (path,) = fetch(harness, tmp_path, finished(f"{BASE}/files/a.mp4?_jwt=1"))
    assert path.read_bytes() == DATA
    files = [one for one in harness.network.sent if "accept-encoding" in one.headers]
    polls = [one for one in harness.network.sent if "authorization" in one.headers]
    assert len(polls) == (event == page(403))
    for one in files:
        if one not in polls:
            assert KEY not in str(one.headers.raw)
            assert KEY not in str(one.url)
            assert "cookie" not in one.headers


def _start(request: httpx.Request) -> int:
    asked = request.headers.get("range", "bytes=0-")
    return int(asked.removeprefix("bytes=").removesuffix("-"))


def test_cookies_of_the_gateway_stay_there(harness: ClientHarness, tmp_path: Path) -> None:
    done = json_reply(
        {"id": ID, "status": "SUCCEEDED", "output": [f"{BASE}/files/a.mp4"]},
        headers={"set-cookie": "session=1; Path=/"},
    )
    harness.respond_with(done, whole())
    task = harness.run(harness.client.tasks.retrieve(ID))
    harness.run(task.download(tmp_path))
    assert "cookie" not in harness.network.sent[1].headers


def test_every_range_counts_the_bytes_of_the_file(harness: ClientHarness, tmp_path: Path) -> None:
    """An encoding would make other bytes of them."""
    harness.respond_with(broken(), rest())
    fetch(harness, tmp_path)
    assert {one.headers["accept-encoding"] for one in harness.network.sent} == {"identity"}


def leave(folder: Path, content: bytes, **more: Any) -> None:
    """What a process leaves that was killed."""
    (folder / f"{ID}.part").write_bytes(content)
    (folder / f"{ID}.part.json").write_text(json.dumps({**ONE, "size": len(DATA), **more}))


class TestResuming:
    def test_goes_on_where_another_process_was_killed(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        leave(tmp_path, DATA[:HALF])
        harness.respond_with(rest(**ONE))
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness) == [FROM_HALF]
        assert harness.network.sent[0].headers["if-range"] == ONE["etag"]
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("etag", [None, '"one"', '"two"'])
    def test_begins_anew_what_another_process_left_without_a_word(
        self, etag: str | None, harness: ClientHarness, tmp_path: Path
    ) -> None:
        """Nobody can know which file it is of, and a mixture would be published as complete."""
        (tmp_path / f"{ID}.part").write_bytes(b"of another file")
        told = {"etag": etag} if etag else {}
        harness.network.respond_by(
            lambda r: rest(_start(r), **told) if "range" in r.headers else whole(**told)
        )
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness) == [None]
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize("left", ["by this process", "by another"])
    @pytest.mark.parametrize("told", [{"etag": '"two"'}, {"etag": 'W/"one"'}, {}])
    def test_adds_no_range_of_another_file(
        self, told: dict[str, str], left: str, harness: ClientHarness, tmp_path: Path
    ) -> None:
        """As a server would have it that does not know If-Range."""
        if left == "by another":
            leave(tmp_path, b"x" * HALF)
        else:
            harness.respond_with(
                Reply(200, b"x" * HALF, {**VIDEO, **ONE}, breaks=httpx.ReadError,
                      declared=len(DATA)), DEAD, page(400),
            )  # fmt: skip
            with pytest.raises(DownloadError):
                fetch(harness, tmp_path)
            harness.network.sent.clear()
        harness.respond_with(rest(**told), whole(**told))
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness) == [FROM_HALF, None]
        assert list(tmp_path.iterdir()) == [path]

    def test_adds_no_range_of_another_file_in_one_call(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        other = evolve(broken(**ONE), content=b"x" * HALF)
        harness.respond_with(other, rest(etag='"two"'), whole(etag='"two"'))
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness) == [None, FROM_HALF, None]

    def test_a_range_does_not_vouch_for_what_came_before_it(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        """The first half is of nobody knows which file, whatever the second is of."""
        tail = evolve(rest(**ONE), breaks=httpx.ReadError, content=DATA[HALF:-9])
        harness.respond_with(broken(), tail, page(400), whole(**ONE))
        with pytest.raises(DownloadError):
            fetch(harness, tmp_path)
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness)[-1] is None

    def test_finds_that_everything_was_there(self, harness: ClientHarness, tmp_path: Path) -> None:
        leave(tmp_path, DATA)
        harness.respond_with(Reply(416, b"", {"content-range": f"bytes */{len(DATA)}"}))
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA

    def test_discards_what_is_too_long(self, harness: ClientHarness, tmp_path: Path) -> None:
        leave(tmp_path, DATA + b"more")
        harness.respond_with(Reply(416, b"", {"content-range": f"bytes */{len(DATA)}"}), whole())
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA

    @pytest.mark.parametrize("first", [page(502), DEAD, page(403)])
    def test_holds_the_server_to_the_same_file(
        self, first: Event, harness: ClientHarness, tmp_path: Path
    ) -> None:
        """The validator outlives failures in between, and a file that changed comes anew."""
        between = (first, AGAIN) if first == page(403) else (first,)
        harness.respond_with(broken(100, etag='"one"'), *between, whole(etag='"two"'))
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        files = [one for one in harness.network.sent if "range" in one.headers]
        assert {one.headers.get("if-range") for one in files} == {'"one"'}

    def test_does_not_hold_it_to_a_weak_promise(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        harness.respond_with(broken(etag='W/"one"'), rest())
        fetch(harness, tmp_path)
        assert "if-range" not in harness.network.sent[1].headers

    def test_keeps_what_came_for_the_next_call(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        harness.respond_with(broken(**ONE), page(400), rest(**ONE))
        with pytest.raises(DownloadError):
            fetch(harness, tmp_path)
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness) == [None, FROM_HALF, FROM_HALF]

    def test_keeps_what_came_before_an_interruption(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        harness.respond_with(broken(**ONE), Interruption(), rest(**ONE))
        with pytest.raises(harness.interrupt):
            fetch(harness, tmp_path)
        assert (tmp_path / f"{ID}.part").read_bytes() == DATA[:HALF]
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness)[-1] == FROM_HALF


class TestNames:
    def test_the_name_is_there_only_when_the_file_is_whole(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        seen: list[list[str]] = []

        def look(*_: object) -> None:
            seen.append(sorted(path.name for path in tmp_path.iterdir()))

        harness.respond_with(broken(), rest())
        (path,) = fetch(harness, tmp_path, on_progress=look)
        assert {name for names in seen for name in names} == {f"{ID}.part"}
        assert path.name == f"{ID}.mp4"

    @pytest.mark.parametrize(
        "strange",
        ["../../etc/passwd", "/etc/passwd", "..", "a/b\\c:d\0e", "x" * 500, "é 한\n", "~"],
    )
    def test_no_id_leads_out_of_the_folder(
        self, strange: str, harness: ClientHarness, tmp_path: Path
    ) -> None:
        order = DownloadRequest(finished(task_id=strange), 0, tmp_path, POLL)
        harness.respond_with(whole())
        path = harness.run(
            harness.client.session.driver.run(download(order, started=0.0, rng=FixedJitter(1.0)))
        )
        assert path.parent == tmp_path
        assert path.read_bytes() == DATA
        assert len(path.name.encode()) < 200

    def test_two_tasks_never_share_a_name(self, harness: ClientHarness, tmp_path: Path) -> None:
        """Ids may hold what names may not, and the one's file would be taken for the other's."""
        harness.respond_with(whole(), whole(), whole(), whole())
        ids = ("task.1", "task:1", "task~1", "task_1")
        paths = [fetch(harness, tmp_path, finished(task_id=task_id))[0] for task_id in ids]
        assert len(set(paths)) == 4
        assert len(harness.network.sent) == 4

    @pytest.mark.parametrize(
        ("url", "headers", "suffix"),
        [
            (f"{HOST}/a.MP4?x=.png", VIDEO, ".mp4"),
            (f"{HOST}/a.webm#f.gif", VIDEO, ".webm"),
            (f"{HOST}/a", VIDEO, ".mp4"),
            (f"{HOST}/a", {"content-type": "image/png; q=1"}, ".png"),
            (f"{HOST}/a", {"content-type": "application/octet-stream"}, ".bin"),
            (f"{HOST}/a.part", VIDEO, ".mp4"),
            (f"{HOST}/a%2Fb%00.sh%2F..%2Fx", VIDEO, ".mp4"),
            (f"{HOST}/a.averylongone", VIDEO, ".mp4"),
            (f"{HOST}/get.php?file=a.mov", VIDEO, ".mp4"),
            (HOST.replace("example", "com"), {"content-type": "image/webp"}, ".webp"),
            (f"{HOST}/cdn.example.com", {"content-type": "audio/x-wav"}, ".wav"),
            (f"{HOST}/a.exe", {"content-type": "video/unheard-of"}, ".bin"),
            (f"{HOST}/a.php", {"content-type": ""}, ".bin"),
            *((f"{HOST}/a{known}", {"content-type": "binary/octet-stream"}, known)
              for known in (".mp4", ".mov", ".webm", ".mkv", ".avi", ".gif", ".png", ".jpg",
                            ".jpeg", ".webp", ".mp3", ".wav", ".m4a")),
            (f"{HOST}/a.m p", VIDEO, ".mp4"),
        ],
    )  # fmt: skip
    def test_the_extension_is_a_plain_one(
        self, url: str, headers: dict[str, str], suffix: str, harness: ClientHarness, tmp_path: Path
    ) -> None:
        harness.respond_with(Reply(200, DATA, headers))
        (path,) = fetch(harness, tmp_path, finished(url))
        assert path == tmp_path / f"{ID}{suffix}"

    def test_an_address_that_is_none_is_an_error_of_the_tree(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        harness.respond_with(DEAD)
        with pytest.raises(DownloadError):
            fetch(harness, tmp_path, finished("https://[not-an-address/x.mp4"))

    def test_a_file_that_is_there_is_kept_and_nothing_sent(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        (tmp_path / f"{ID}.mp4").write_bytes(b"mine")
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == b"mine"
        assert harness.network.sent == []

    def test_it_is_replaced_where_that_is_asked_for(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        (tmp_path / f"{ID}.mp4").write_bytes(b"mine")
        harness.respond_with(whole())
        (path,) = fetch(harness, tmp_path, overwrite=True)
        assert path.read_bytes() == DATA

    def test_it_is_kept_also_where_only_the_answer_tells_its_name(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        (tmp_path / f"{ID}.png").write_bytes(b"mine")
        harness.respond_with(Reply(200, DATA, {"content-type": "image/png"}))
        (path,) = fetch(harness, tmp_path, finished(f"{HOST}/a.php"))
        assert path.read_bytes() == b"mine"
        assert list(tmp_path.iterdir()) == [path]

    def test_a_file_that_appears_meanwhile_is_kept(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        def appear(*_: object) -> None:
            (tmp_path / f"{ID}.mp4").write_bytes(b"another's")

        harness.respond_with(whole())
        (path,) = fetch(harness, tmp_path, on_progress=appear)
        assert path.read_bytes() == b"another's"
        assert list(tmp_path.iterdir()) == [path]

    def test_the_folder_is_made(self, harness: ClientHarness, tmp_path: Path) -> None:
        harness.respond_with(whole())
        (path,) = fetch(harness, tmp_path / "a" / "b")
        assert path.parent == tmp_path / "a" / "b"

    def test_a_folder_that_is_a_file_is_an_error(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        (tmp_path / "taken").write_bytes(b"")
        with pytest.raises(DownloadError, match="cannot create the folder") as caught:
            fetch(harness, tmp_path / "taken")
        assert caught.value.task_id == ID

    @pytest.mark.parametrize(
        "folder",
        [
            *(5, None, b"out", "\0", "out/\0/x"),
            # Windows takes halves of characters in names.
            *(["\ud800"] if sys.platform != "win32" else []),
        ],
    )
    def test_what_is_no_folder_is_refused(self, folder: Any, harness: ClientHarness) -> None:
        with pytest.raises(InvalidRequestError, match="folder: is ") as caught:
            fetch(harness, folder)
        assert str(caught.value).encode()
        assert harness.network.sent == []


class TestDisk:
    def test_a_full_disk_is_told_and_leaves_no_name(
        self, harness: ClientHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        harness.respond_with(whole())
        with pytest.raises(DownloadError, match="No space left") as caught:
            fetch(harness, tmp_path)
        assert isinstance(caught.value.__cause__, OSError)
        assert [path.name for path in tmp_path.iterdir()] == [f"{ID}.part"]
        assert len(harness.network.sent) == 1

    def test_a_place_that_cannot_be_written_is_told(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        (tmp_path / f"{ID}.part").mkdir()
        harness.respond_with(whole())
        with pytest.raises(DownloadError, match="cannot write"):
            fetch(harness, tmp_path)

    def test_a_name_that_cannot_be_given_is_told(
        self, harness: ClientHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object, **__: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(PartialFile, "publish", refuse)
        harness.respond_with(whole())
        with pytest.raises(DownloadError, match="cannot name"):
            fetch(harness, tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [f"{ID}.part"]

    @pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX")
    def test_a_disk_that_fills_up_ends_it_at_once_and_keeps_what_it_took(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        import resource

        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        harness.respond_with(whole(**ONE), rest(HALF, **ONE))
        resource.setrlimit(resource.RLIMIT_FSIZE, (HALF, before[1]))
        try:
            with pytest.raises(DownloadError, match=r"cannot write .*File too large"):
                fetch(harness, tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert (tmp_path / f"{ID}.part").read_bytes() == DATA[:HALF]
        assert (len(harness.network.sent), harness.time) == (1, 0.0)
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA
        assert ranges(harness) == [None, FROM_HALF]

    def test_a_folder_that_cannot_be_written_to_is_told(
        self, harness: ClientHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> int:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        monkeypatch.setattr(os, "open", refuse)
        with pytest.raises(DownloadError, match=r"cannot write .*Read-only"):
            fetch(harness, tmp_path)
        assert harness.network.sent == []

    @pytest.mark.skipif(sys.platform == "win32", reason="there it cannot go: a file in it is open")
    @pytest.mark.parametrize(
        ("event", "told"), [(broken(), "cannot write"), (whole(), "cannot name")]
    )
    def test_a_folder_that_vanishes_is_told_and_not_made_again(
        self, event: Reply, told: str, harness: ClientHarness, tmp_path: Path
    ) -> None:
        """It may have been a disk that is no longer there."""
        folder = tmp_path / "out"

        def vanish(_: httpx.Request) -> Event:
            shutil.rmtree(folder)
            return event

        harness.network.respond_by(vanish)
        with pytest.raises(DownloadError, match=told) as caught:
            fetch(harness, folder)
        assert isinstance(caught.value.__cause__, FileNotFoundError)
        assert len(harness.network.sent) == 1
        assert not folder.exists()

    def test_an_interruption_is_not_lost_in_a_failure_of_the_disk(
        self, harness: ClientHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def interrupt(*_: object) -> None:
            raise harness.interrupt

        monkeypatch.setattr(os, "fsync", full)
        harness.respond_with(whole())
        with pytest.raises(harness.interrupt):
            fetch(harness, tmp_path, on_progress=interrupt)
        assert (tmp_path / f"{ID}.part").stat().st_size > 0


def test_the_loop_goes_on_while_the_disk_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, goes_on = threading.Event(), threading.Event()
    waited: list[bool] = []

    def slow(_: int) -> None:
        began.set()
        waited.append(goes_on.wait(10))

    async def release() -> None:
        await asyncio.to_thread(began.wait, 10)
        goes_on.set()

    async def both() -> list[Path]:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, headers=VIDEO, content=DATA))
        async with AsyncRunwayClient(KEY, transport=transport) as client:
            paths, _ = await asyncio.gather(client.bind(finished()).download(tmp_path), release())
            return paths

    monkeypatch.setattr(os, "fsync", slow)
    (path,) = asyncio.run(both())
    assert path.read_bytes() == DATA
    # The file's bytes, then its folder's entry.
    assert waited == [True, True]


class TestWords:
    """What somebody says instead of sending the file."""

    @pytest.mark.parametrize(
        "kind",
        ["application/json", "Application/Problem+JSON; a=b", "application/xml", "text/xml",
         "application/atom+xml", "text/plain", "text/csv", "application/xhtml+xml"],
    )  # fmt: skip
    def test_are_never_saved(self, kind: str, harness: ClientHarness, tmp_path: Path) -> None:
        harness.respond_with(*(Reply(200, DATA, {"content-type": kind}), AGAIN) * 9)
        with pytest.raises(DownloadError, match="HTTP 200 with") as caught:
            fetch(harness, tmp_path)
        assert kind.partition(";")[0].lower() in str(caught.value)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        "kind",
        ["", "application/octet-stream", "binary/octet-stream", "video/mp4", "video/x-anything",
         "image/png", "image/svg+xml", "audio/mpeg", "application/mp4", "application/x-json5z"],
    )  # fmt: skip
    def test_are_told_from_files(self, kind: str, harness: ClientHarness, tmp_path: Path) -> None:
        harness.respond_with(Reply(200, DATA, {"content-type": kind}))
        (path,) = fetch(harness, tmp_path)
        assert path.read_bytes() == DATA

    @pytest.mark.parametrize(
        ("said", "told"),
        [
            ("<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code>\n<Message>Request has expired"
             "</Message></Error>", "AccessDenied Request has expired)"),
            ("<Error><Code>SignatureDoesNotMatch</Code><Key>AKIAIOSFODNN7EXAMPLE</Key><Req>GET\n"
             "/a.mp4\nX-Amz-Security-Token=FwoGZXIvYXdzEJr1&amp;b</Req", "SignatureDoesNotMatch "
             "[hidden] GET /a.mp4 [hidden]&amp;b)"),
            ("no such page: /a.mp4?_jwt=abc", "no such page: /a.mp4[hidden])"),
            ("see https://u:p@h.example/x?sig=abc", "see https://h.example/x[hidden])"),
            ("red \x1b[31malert\x07\n\n", "red [31malert)"),
            ("word " * 90, f"{('word ' * 40).rstrip()} …)"),
            ("", "with text/plain)"),
        ],
    )  # fmt: skip
    def test_are_told_briefly_and_without_secrets(
        self, said: str, told: str, harness: ClientHarness, tmp_path: Path
    ) -> None:
        reply = Reply(200, said.encode(), {"content-type": "text/plain"})
        harness.respond_with(*(reply, AGAIN) * 9)
        with pytest.raises(DownloadError) as caught:
            fetch(harness, tmp_path)
        assert str(caught.value).endswith(told)

    def test_may_be_said_by_bytes_that_are_no_text(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        harness.respond_with(
            *(Reply(200, b"\xff\xfe no", {"content-type": "text/plain"}), AGAIN) * 9
        )
        with pytest.raises(DownloadError, match=r"no\)$"):
            fetch(harness, tmp_path)


@define
class Meter:
    """A progress callback that keeps what it was told."""

    told: list[tuple[int, int, int | None]] = field(factory=list)

    def __call__(self, *told: Any) -> None:
        self.told.append(told)


class TestProgress:
    def test_counts_over_a_break(self, harness: ClientHarness, tmp_path: Path) -> None:
        meter = Meter()
        harness.respond_with(broken(), rest())
        fetch(harness, tmp_path, on_progress=meter)
        assert {index for index, _, _ in meter.told} == {0}
        assert {size for _, _, size in meter.told} == {len(DATA)}
        counts = [count for _, count, _ in meter.told]
        assert counts == sorted(counts)
        assert HALF in counts
        assert counts[-1] == len(DATA)

    def test_says_when_the_size_is_not_told(self, harness: ClientHarness, tmp_path: Path) -> None:
        meter = Meter()
        harness.respond_with(Reply(200, DATA, VIDEO, declared=-1))
        fetch(harness, tmp_path, on_progress=meter)
        harness.respond_with(Reply(200, ZIPPED, GZIP))
        fetch(harness, tmp_path, on_progress=meter, overwrite=True)
        assert {size for _, _, size in meter.told} == {None}

    def test_that_fails_neither_ends_it_nor_goes_unseen(
        self, harness: ClientHarness, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError("broken pipe")

        harness.respond_with(whole())
        (path,) = fetch(harness, tmp_path, on_progress=fail)
        assert path.read_bytes() == DATA
        assert "broken pipe" in caplog.text

    def test_is_awaited_where_somebody_can_and_refused_elsewhere(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        meter = Meter()

        async def told(*words: Any) -> None:
            await asyncio.sleep(0)
            meter(*words)

        class Telling:
            async def __call__(self, *words: Any) -> None:
                await told(*words)

        for callback in (told, Telling(), partial(told)):
            harness.respond_with(whole())
            if harness.is_async:
                meter.told.clear()
                fetch(harness, tmp_path, on_progress=callback, overwrite=True)
                assert meter.told[-1] == (0, len(DATA), len(DATA))
            else:
                with pytest.raises(InvalidRequestError, match="on_progress: is a coroutine"):
                    fetch(harness, tmp_path / "out", on_progress=callback)
        assert not (tmp_path / "out").exists()

    def test_that_fails_while_it_is_awaited(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def fail(*_: object) -> None:
            raise OSError("broken pipe")

        harness = ClientHarness("awaiting")
        harness.respond_with(whole())
        (path,) = fetch(harness, tmp_path, on_progress=fail)
        harness.close()
        assert path.read_bytes() == DATA
        assert "broken pipe" in caplog.text

    def test_needs_something_that_can_be_called(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        with pytest.raises(InvalidRequestError, match="on_progress: is 5, not callable"):
            fetch(harness, tmp_path, on_progress=5)
        assert harness.network.sent == []


class TestSeveral:
    URLS = tuple(f"{HOST}/{n}.mp4" for n in range(6))

    def network(self, handlers: dict[int, Event]) -> Callable[[httpx.Request], Event]:
        def by_path(request: httpx.Request) -> Event:
            number = int(request.url.path.removeprefix("/").removesuffix(".mp4"))
            content = hashlib.sha256(str(number).encode()).digest()
            return handlers.get(number, Reply(200, content, VIDEO))

        return by_path

    def test_each_gets_its_own_name_in_the_tasks_order(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        harness.network.respond_by(self.network({}))
        paths = fetch(harness, tmp_path, finished(*self.URLS))
        assert [path.name for path in paths] == [f"{ID}-{n}.mp4" for n in range(1, 7)]
        for number, path in enumerate(paths):
            assert path.read_bytes() == hashlib.sha256(str(number).encode()).digest()
        assert len(harness.network.sent) == 6

    def test_the_progress_of_each_is_told(self, harness: ClientHarness, tmp_path: Path) -> None:
        meter = Meter()
        harness.network.respond_by(self.network({}))
        fetch(harness, tmp_path, finished(*self.URLS), on_progress=meter)
        ends = {index: count for index, count, total in meter.told if count == total}
        assert ends == dict.fromkeys(range(6), 32)

    def test_one_that_fails_does_not_take_the_others_along(
        self, harness: ClientHarness, tmp_path: Path
    ) -> None:
        """And it is raised as itself, not in a group."""
        harness.network.respond_by(self.network({1: page(400), 4: page(451)}))
        with pytest.raises(DownloadError, match="output 2 of task"):
            fetch(harness, tmp_path, finished(*self.URLS))
        names = sorted(path.name for path in tmp_path.iterdir())
        assert names == [f"{ID}-{n}.mp4" for n in (1, 3, 4, 6)]

    def test_no_more_than_four_at_once(self, tmp_path: Path) -> None:
        harness = ClientHarness("awaiting")
        busy, most = 0, 0
        transport = harness.client.session.driver.transport

        @contextlib.asynccontextmanager
        async def counted(*arguments: Any) -> Any:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            try:
                async with transport.files.open(*arguments) as stream:
                    yield stream
            finally:
                busy -= 1

        class Counting:
            @property
            def files(self) -> Counting:
                return self

            open = staticmethod(counted)

        harness.client.session.driver = evolve(harness.client.session.driver, transport=Counting())
        harness.network.respond_by(lambda _: Reply(200, DATA, VIDEO, takes=1.0))
        fetch(harness, tmp_path, finished(*self.URLS))
        harness.close()
        assert most == 4


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "FAILED", "CANCELLED", "Warming_up"])
def test_a_task_without_output_has_nothing_to_fetch(
    status: str, harness: ClientHarness, tmp_path: Path
) -> None:
    task = harness.client.bind(Task(ID, status))
    with pytest.raises(DownloadError, match=status) as caught:
        harness.run(task.download(tmp_path / "out"))
    assert caught.value.task_id == ID
    assert not (tmp_path / "out").exists()


def test_a_saved_file_is_in_the_journal(harness: ClientHarness, tmp_path: Path) -> None:
    client = harness.new(journal=tmp_path / "journal.db")
    harness.respond_with(json_reply({"id": ID}), whole())
    harness.run(
        client.character_performance.create(
            character="https://a.example/a.mp4", reference="https://a.example/b.mp4"
        )
    )
    (path,) = harness.run(client.bind(finished()).download(tmp_path / "out"))
    record = client.journal.find(ID)
    assert record is not None
    assert record.files == (path,)


def test_a_journal_that_fails_takes_no_file_away(
    tmp_path: Path, harness: ClientHarness, caplog: pytest.LogCaptureFixture
) -> None:
    class Full:
        def write(self, entry: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    harness.client.session.driver = evolve(harness.client.session.driver, journal=Full())
    harness.respond_with(whole())
    with caplog.at_level(logging.WARNING, "cometapi_runway"):
        (path,) = fetch(harness, tmp_path)
    assert path.read_bytes() == DATA
    assert "is saved, but the journal cannot be written" in caplog.text


class Endless(httpx.SyncByteStream):
    """A file that never ends; a piece comes whenever somebody lets one through."""

    def __init__(self) -> None:
        self.began, self.goes_on, self.closed = (threading.Event() for _ in range(3))

    def __iter__(self) -> Iterator[bytes]:
        yield b"first"
        self.began.set()
        while self.goes_on.wait(30):
            yield b"more"

    def close(self) -> None:
        self.closed.set()


def test_files_under_way_end_with_the_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that went on reading would hold the process for as long as the files are."""
    files = {f"/{number}.mp4": Endless() for number in range(2)}

    def interrupted(_fetched: object) -> None:
        for file in files.values():
            assert file.began.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr("cometapi_runway.resources._bound_task.futures.wait", interrupted)
    transport = httpx.MockTransport(
        lambda request: httpx.Response(200, headers=VIDEO, stream=files[request.url.path])
    )
    with RunwayClient(KEY, transport=transport) as client:
        task = client.bind(finished(*(HOST + path for path in files)))
        with pytest.raises(KeyboardInterrupt):
            task.download(tmp_path)
        for file in files.values():
            file.goes_on.set()
        assert all(file.closed.wait(10) for file in files.values())
    assert len(list(tmp_path.glob("*.part"))) == 2


def test_a_file_that_is_there_is_kept_unless_it_is_said_otherwise(tmp_path: Path) -> None:
    """As an order to a flow says it by itself, before any client has."""
    runner = FlowRunner(exists=True)
    order = DownloadRequest(finished(), 0, tmp_path, POLL)
    path = runner.run(download(order, started=0.0, rng=FixedJitter(0.0)))
    assert (path, runner.fetched) == (tmp_path / f"{ID}.mp4", [])
