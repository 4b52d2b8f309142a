"""Output files: their own origin, signed URLs, ranges, and no key."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cases import each_case

from cometapi_runway.simulator import Gateway, Reply, Timings
from cometapi_runway.simulator._gateway.file_server import Signer
from cometapi_runway.validation import Operation

from .decoding import decode, png_chunks
from .helpers import BODY, CREATES, HEADERS, create, example_bodies, make_gateway, parse_task, read


@pytest.fixture(scope="module")
def done() -> tuple[Gateway, str]:
    target = make_gateway()
    task_id = create(target)
    target.clock.advance(60)
    return target, str(target.output_url(task_id))


def get(target: Gateway, url: str, *headers: tuple[str, str], method: str = "GET") -> Reply:
    return target.handle(method, url, headers)


@each_case("operation", CREATES, ids=lambda operation: operation.id)
def test_every_operation_makes_a_file_with_its_task_id(operation: Operation) -> None:
    target = make_gateway()
    task_id = create(target, operation.id)
    target.clock.advance(60)
    reply = get(target, str(target.output_url(task_id)))
    assert reply.status == 200
    if operation.resource == "text_to_image":
        assert reply.header("content-type") == "image/png"
        assert (b"tEXt", b"Comment\0" + task_id.encode()) in png_chunks(reply.body)
    else:
        assert reply.header("content-type") == "video/mp4"
        frames, tags = decode(reply.body)
        assert tags["comment"] == task_id
        asked = str(example_bodies(operation)[0].get("ratio", "16:9")).split(":")
        shape = len(frames[0][0]) / len(frames[0])
        assert shape == pytest.approx(int(asked[0]) / int(asked[1]))


def test_the_output_url_is_on_another_origin(done: tuple[Gateway, str]) -> None:
    target, url = done
    task_id = next(iter(target.tasks))
    assert parse_task(read(target, task_id))["output"] == [url]
    assert url.startswith("http://media.simulator.test/outputs/")


@pytest.mark.parametrize("origin", ["http://127.0.0.1:81", "http://FILES.BOX/", "http://X//"])
def test_a_slash_behind_the_origin_is_not_doubled(origin: str) -> None:
    target = make_gateway(media_url=origin)
    task_id = create(target)
    target.clock.advance(60)
    url = str(target.output_url(task_id))
    assert url.startswith(f"{origin.rstrip('/')}/outputs/{task_id}.mp4?")
    assert get(target, url).status == 200


def test_there_is_no_file_and_no_url_before_the_end() -> None:
    target = make_gateway()
    task_id = create(target)
    path = f"/outputs/{task_id}.mp4"
    token = Signer.from_seed(0).sign(path, 2_000_000_000)
    url = f"http://media.simulator.test{path}?_jwt={token}"
    assert target.output_url(task_id) is None
    assert get(target, url).status == 404
    target.clock.advance(60)
    assert get(target, url).status == 200


def test_a_url_expires_and_a_new_read_returns_a_new_one() -> None:
    target = make_gateway(timings=Timings(url_lifetime=100))
    task_id = create(target)
    target.clock.advance(60)
    old = str(target.output_url(task_id))
    assert get(target, old).status == 200
    target.clock.advance(99)
    assert get(target, old).status == 200
    target.clock.advance(1)
    assert (get(target, old).status, get(target, old).header("content-type")) == (
        403,
        "application/xml",
    )
    assert get(target, str(target.output_url(task_id))).status == 200


def test_a_token_is_a_jwt_for_one_path(done: tuple[Gateway, str]) -> None:
    target, url = done
    parts = urlsplit(url)
    token = parse_qs(parts.query)["_jwt"][0]
    head, claims, _ = (piece + "=" * (-len(piece) % 4) for piece in token.split("."))
    assert json.loads(base64.urlsafe_b64decode(head))["alg"] == "HS256"
    assert json.loads(base64.urlsafe_b64decode(claims)) == {
        "sub": parts.path,
        "exp": int(target.clock.now() + target.settings.timings.url_lifetime),
    }
    other = create(target)
    target.clock.advance(60)
    assert get(target, f"http://{parts.netloc}/outputs/{other}.mp4?_jwt={token}").status == 403


@pytest.mark.parametrize(
    "query", ["", "?_jwt=", "?_jwt=a", "?_jwt=a.b.c", "?_jwt=%00", "?x=1", "?_jwt=é"]
)
def test_a_url_without_a_valid_token_is_refused(done: tuple[Gateway, str], query: str) -> None:
    target, url = done
    assert get(target, url.partition("?")[0] + query).status == 403


def test_refusals_are_those_of_an_object_store(done: tuple[Gateway, str]) -> None:
    target, url = done
    path = "/outputs/nothing.mp4"
    unknown = Signer.from_seed(0).sign(path, 2_000_000_000)
    for reply, status, code in (
        (get(target, url, method="POST"), 405, "MethodNotAllowed"),
        (get(target, url.partition("?")[0]), 403, "AccessDenied"),
        (get(target, f"http://media.simulator.test{path}?_jwt={unknown}"), 404, "NoSuchKey"),
    ):
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>'
        assert (reply.status, reply.body.decode()) == (status, body)
        assert reply.header("content-type") == "application/xml"


def test_only_get_and_head_are_allowed(done: tuple[Gateway, str]) -> None:
    reply = get(*done, method="POST")
    assert (reply.status, reply.header("allow")) == (405, "GET, HEAD")


def test_head_and_if_none_match(done: tuple[Gateway, str]) -> None:
    whole, head = get(*done), get(*done, method="HEAD")
    assert head == whole
    etag = str(whole.header("etag"))
    unchanged = get(*done, ("If-None-Match", etag))
    assert (unchanged.status, unchanged.body) == (304, b"")
    assert get(*done, ("If-None-Match", '"other"')).status == 200


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=4-11", 4, 11),
        ("bytes=100-", 100, -1),
        ("bytes=-10", -10, -1),
        ("bytes=0-99999999", 0, -1),
        ("bytes=-99999999", 0, -1),
    ],
)
def test_a_range_is_served(done: tuple[Gateway, str], wanted: str, first: int, last: int) -> None:
    whole = get(*done).body
    start, stop = first % len(whole), last % len(whole) + 1
    part = get(*done, ("Range", wanted))
    assert part.status == 206
    assert part.body == whole[start:stop]
    assert part.header("content-range") == f"bytes {start}-{stop - 1}/{len(whole)}"


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=5-4", "bytes=-0"])
def test_an_unsatisfiable_range_is_refused(done: tuple[Gateway, str], wanted: str) -> None:
    part = get(*done, ("Range", wanted))
    size = len(get(*done).body)
    assert (part.status, part.header("content-range"), part.body) == (416, f"bytes */{size}", b"")


@pytest.mark.parametrize("wanted", ["bytes=0-1,3-4", "lines=1-2", "bytes=-", "bytes=a-b"])
def test_an_unsupported_range_is_ignored(done: tuple[Gateway, str], wanted: str) -> None:
    assert get(*done, ("Range", wanted)).status == 200


def test_if_range_of_another_version_returns_the_whole_file(done: tuple[Gateway, str]) -> None:
    etag = str(get(*done).header("etag"))
    assert get(*done, ("Range", "bytes=0-9"), ("If-Range", etag)).status == 206
    assert get(*done, ("Range", "bytes=0-9"), ("If-Range", '"old"')).status == 200


@given(st.integers(0, 120_000), st.integers(0, 120_000))
def test_any_two_halves_make_the_whole(a: int, b: int) -> None:
    target = make_gateway()
    task_id = create(target)
    target.clock.advance(60)
    url = str(target.output_url(task_id))
    whole = get(target, url).body
    cut = 1 + (a * 7 + b) % (len(whole) - 1)
    front, back = (
        get(target, url, ("Range", f"bytes=0-{cut - 1}")),
        get(target, url, ("Range", f"bytes={cut}-")),
    )
    assert front.body + back.body == whole


@pytest.mark.parametrize("header", [HEADERS[0], ("authorization", "Basic x"), ("X-Api-Key", "k")])
def test_a_key_sent_to_the_media_origin_is_recorded(header: tuple[str, str]) -> None:
    target = make_gateway()
    task_id = create(target)
    target.clock.advance(60)
    url = str(target.output_url(task_id))
    assert get(target, url).status == 200
    assert target.leaked_keys == ()
    assert get(target, url, header).status == 200
    (leak,) = target.leaked_keys
    assert (leak.header, leak.path) == (header[0].lower(), urlsplit(url).path)


@pytest.mark.parametrize(
    ("ratio", "size"),
    [("1280:720", (1280, 720)), ("720:1280", (720, 1280)), ("1:1", (960, 960))],
)
def test_the_frame_has_the_requested_ratio(ratio: str, size: tuple[int, int]) -> None:
    target = make_gateway()
    task_id = create(target, body={**BODY, "ratio": ratio})
    target.clock.advance(60)
    frames, _ = decode(get(target, str(target.output_url(task_id))).body)
    assert (len(frames[0][0]), len(frames[0])) == size


@pytest.mark.parametrize("operation", ["control_a_character", "generate_an_image_from_text"])
def test_two_tasks_of_the_same_request_have_different_files(operation: str) -> None:
    target = make_gateway()
    ids = [create(target, operation) for _ in range(2)]
    target.clock.advance(60)
    first, second = (get(target, str(target.output_url(task_id))) for task_id in ids)
    assert first.body != second.body
    assert first.header("etag") != second.header("etag")
