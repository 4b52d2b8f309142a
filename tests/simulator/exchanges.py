"""Records what the simulator replies to: `python -m tests.simulator.exchanges` writes the file.

The replies follow from the seed and the manual clock, so every one of them is the same each time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from cometapi_runway.simulator import Fault, Gateway, Outcome, Reply, SimClock, When
from cometapi_runway.simulator._lifecycle import CANCELLED, failed
from cometapi_runway.simulator._responses.refusals import Envelope, MissingForm
from cometapi_runway.simulator._responses.shapes import ShapeName
from cometapi_runway.simulator._rules.faults import Kind

from .helpers import (
    BODY,
    CONTRACT,
    CREATES,
    EXACT,
    HEADERS,
    JSON_BODY,
    example_bodies,
    make_gateway,
    read,
)
from .helpers import read_feed as feed

RECORD = Path(__file__).with_name("exchanges.json")
JSON_TYPE = "Content-Type: application/json"
PATH = "/runwayml/v1/character_performance"
COMPAT = "/runway/pro/generate"
TASK = "/runwayml/v1/tasks/nobodys"


def list_exchanges() -> dict[str, list[str]]:
    """Every reply as a line of text, by situation; equal ones in a row only once."""
    found: dict[str, list[str]] = {}
    for source in (_shapes, _refusals, _files, _faults, _drawn):
        for name, reply in source():
            lines, line = found.setdefault(name, []), _show(reply)
            if not lines or lines[-1].partition(" times ")[0] != line:
                lines.append(line)
            else:
                count = int(lines[-1].partition(" times ")[2] or 1) + 1
                lines[-1] = f"{line} times {count}"
    return found


def _show(reply: Reply) -> str:
    headers = "; ".join(f"{name}: {value}" for name, value in reply.headers)
    text = reply.body.decode("utf-8", "replace")
    if len(text) > 1500:
        text = f"{len(reply.body)} bytes, {hashlib.sha256(reply.body).hexdigest()[:16]}"
    how = (("delay", reply.delay), ("drip", reply.drip), ("drop", reply.drop))
    more = "".join(f" {name}={value}" for name, value in how if value not in {0.0, None})
    return f"{reply.status} [{headers.replace(JSON_TYPE, 'JSON')}] {text}{more}"


def _post(target: Gateway, path: str, body: object, headers: object = HEADERS) -> Reply:
    fields = (*headers, *JSON_BODY)  # type: ignore[misc] # pairs
    return target.handle("POST", path, fields, json.dumps(body).encode())


def _shapes() -> Iterator[tuple[str, Reply]]:
    endings = [Outcome(failed("SAFETY.INPUT.TEXT"), When(nth=2)), Outcome(CANCELLED, When(nth=3))]
    for shape in get_args(ShapeName):
        target = make_gateway(shape=shape, outcomes=endings)
        official = [_post(target, PATH, BODY) for _ in range(3)]
        compat = _post(target, COMPAT, example_bodies(CONTRACT.operation("generate"))[0])
        yield from ((f"create, {shape}", one) for one in (*official, compat))
        for moment, pause in (("hidden", 0), ("queued", 2), ("running", 2), ("ended", 12)):
            target.clock.advance(pause)
            for task_id in target.tasks:
                for poll in (read(target, task_id), feed(target, task_id), feed(target, task_id)):
                    yield f"{moment}, {shape}", poll
    for operation in CREATES:
        target = make_gateway()
        body = example_bodies(operation)[0]
        yield name_situation("create", operation.id), _post(target, operation.path, body)
        target.clock.advance(60)
        for task_id in target.tasks:
            yield name_situation("ended", operation.id), feed(target, task_id)


def name_situation(moment: str, operation: str) -> str:
    """The situation of one operation; a new one is not recorded."""
    return f"{moment}, {operation}"


def _refusals() -> Iterator[tuple[str, Reply]]:
    for errors in get_args(Envelope):
        for path in (PATH, COMPAT):
            target = make_gateway(errors=errors, balance="0.01")
            for headers in ((), HEADERS[1:], HEADERS):
                yield f"refused, {errors}", _post(target, path, {}, headers)
            yield f"refused, {errors}", target.handle("POST", path, HEADERS, b"{")
            yield f"refused, {errors}", _post(target, path, BODY)
    for missing in get_args(MissingForm):
        target = make_gateway(missing=missing)
        yield f"missing, {missing}", read(target, "nobodys")
        yield f"missing, {missing}", feed(target, "nobodys")
    target = make_gateway()
    for method, path in (
        ("GET", PATH), ("PUT", TASK), ("HEAD", TASK), ("OPTIONS", PATH), ("GET", "/"),
        ("GET", "/runwayml/v1"), ("POST", f"{PATH}/"), ("POST", f"/{PATH}"), ("GET", "/v1/models"),
        ("POST", f"{PATH}?x=1"),
    ):  # fmt: skip
        yield "no route", target.handle(method, path, HEADERS)


def _files() -> Iterator[tuple[str, Reply]]:
    target = make_gateway()
    for operation in CREATES[:2]:
        _post(target, operation.path, example_bodies(operation)[0])
    yield "too early", target.handle("GET", "http://media.simulator.test/outputs/x.mp4")
    target.clock.advance(60)
    for task_id in target.tasks:
        url = str(target.output_url(task_id))
        for method in ("GET", "HEAD", "POST"):
            yield "file", target.handle(method, url)
        etag = str(target.handle("HEAD", url).header("etag"))
        for headers in (
            [("Range", "bytes=0-9")], [("Range", "bytes=100-")], [("Range", "bytes=-5")],
            [("Range", "bytes=9999999-")], [("Range", "bytes=5-1")], [("Range", "lines=1-2")],
            [("Range", "bytes=0-1,3-4")], [("Range", "bytes=0-9"), ("If-Range", etag)],
            [("Range", "bytes=0-9"), ("If-Range", '"other"')], [("If-None-Match", etag)],
            [("If-Match", '"other"')], [("Authorization", "Bearer k")],
        ):  # fmt: skip
            yield "part of a file", target.handle("GET", url, headers)
        bare, _, query = url.partition("?")
        for changed in (bare, f"{bare}x?{query}", f"{url}0", url.replace("outputs", "inputs")):
            yield "wrong address", target.handle("GET", changed)
    target.clock.advance(90_000)
    yield "expired", target.handle("GET", url)


def _faults() -> Iterator[tuple[str, Reply]]:
    for kind in get_args(Kind):
        for more in ({}, {"status": 429, "code": "c", "seconds": 3.0, "retry_after": 7.0,
                          "as_date": True, "headers": {"A": "b"}, "body": "b"}):  # fmt: skip
            target = make_gateway()
            _post(target, PATH, BODY)
            target.clock.advance(6)
            (task_id,) = target.tasks
            read(target, task_id)
            target.clock.advance(2)
            target.faults.add(Fault(kind, when=When("*"), **more))  # type: ignore[arg-type] # JSON
            yield f"fault, {kind}", read(target, task_id)
            yield f"fault, {kind}", _post(target, PATH, BODY)
            target.clock.advance(60)
            yield f"fault, {kind}", target.handle("HEAD", str(target.output_url(task_id)))


def _drawn() -> Iterator[tuple[str, Reply]]:
    """Durations that are drawn from the seed, and tasks that wait for a free place."""
    for seed in (0, 1):
        target = Gateway(clock=SimClock.manual(), seed=seed)
        _post(target, PATH, BODY)
        for _ in range(16):
            target.clock.advance(1)
            yield f"seed {seed}", read(target, next(iter(target.tasks)))
    timings = {**{name: getattr(EXACT, name) for name in ("invisible", "pending", "running")}}
    target = Gateway(
        clock=SimClock.manual(), timings=type(EXACT)(**timings, spread=0, concurrency=1)
    )
    for _ in range(2):
        _post(target, PATH, BODY)
    for _ in range(10):
        target.clock.advance(3)
        for task_id in target.tasks:
            yield "one at a time", read(target, task_id)


def main() -> None:
    """Write the record."""
    text = json.dumps(list_exchanges(), indent=0, ensure_ascii=False)
    RECORD.write_text(f"{text}\n", "utf-8")


if __name__ == "__main__":
    main()
