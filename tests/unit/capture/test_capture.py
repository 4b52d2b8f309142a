"""Responses of unknown shape are written, once per shape, and nothing else is."""

from __future__ import annotations

import json
import logging
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import AsyncRunwayClient, ConfigurationError, RunwayClient
from cometapi_runway._capture import _recorder
from cometapi_runway._capture._corpus_file import CorpusFile
from cometapi_runway._capture._drift import find_drift
from cometapi_runway._capture._recorder import MAX_FILES, ResponseRecorder, compare_response
from cometapi_runway._capture._redact import EXAMPLE_ID, EXAMPLE_URL, redact_response
from cometapi_runway._capture._shapes import make_digest, read_shape
from cometapi_runway._core.raw_response import RawResponse
from cometapi_runway._core.secret import Secret
from cometapi_runway._flows.parse_task import parse_created_id, parse_task
from cometapi_runway._flows.read_response import parse_response
from cometapi_runway.errors import RunwayError

from ..support import corpus
from ..support.both_clients import ID, KEY, MODES, ClientHarness, Mode
from ..support.scripted_transport import json_reply

READ, FEED, CREATE = "runway_to_get_task_details", "feed_get_task", "control_a_character"
TASK = {"id": ID, "status": "RUNNING"}
NEW = {**TASK, "credits": 5}
OPERATIONS = {"task": (READ, FEED), "creation": (CREATE,), "error": (READ, CREATE)}
CASES = [
    (operation, shape)
    for shape in corpus.shapes("task", "creation", "error")
    for operation in OPERATIONS[shape.kind]
]
each = each_case(
    ("operation", "shape"), CASES, ids=[f"{shape.name}-{operation}" for operation, shape in CASES]
)
both = pytest.mark.parametrize("mode", MODES)


def reply(body: Any, status: int = 200) -> RawResponse:
    headers = {"content-type": "application/json"}
    return RawResponse("GET", "/", status, headers, json.dumps(body).encode())


def record(folder: Path, operation: str, *responses: RawResponse) -> list[Path]:
    recorder = ResponseRecorder(folder, Secret(KEY))
    for response in responses:
        if recorder.is_new(operation, response):
            recorder.record(operation, response)
    return sorted(folder.rglob("*.toml"))


@each_case("text", ["\N{GRINNING FACE}", "\x7f", "\\", "é\n'\""])
def test_any_text_of_a_file_is_read_as_it_was(text: str) -> None:
    expected = {"code": text, "names": (text,)}
    file = CorpusFile("error", text, READ, reply({}), expected, text)
    read = tomllib.loads(file.to_toml())
    assert (read["title"], read["note"]) == (text, text)
    assert read["expect"] == {"code": text, "names": [text]}


class TestCorpus:
    @each
    def test_one_file_where_the_contract_lacks_the_shape(
        self, operation: str, shape: corpus.Shape, tmp_path: Path
    ) -> None:
        response = shape.arrived()
        files = record(tmp_path, operation, response, response)
        assert len(files) == bool(compare_response(operation, response))

    @each
    def test_a_file_is_a_file_of_the_corpus(
        self, operation: str, shape: corpus.Shape, tmp_path: Path
    ) -> None:
        for file in record(tmp_path, operation, shape.arrived()):
            captured = corpus.load(file)
            assert captured.confidence == "observed"
            assert captured.name.startswith(f"{captured.kind}s/")
            assert captured.operation == operation
            self.check_expectations(captured)

    def check_expectations(self, captured: corpus.Shape) -> None:
        read = captured.expect.items()
        if captured.kind == "creation":
            assert parse_created_id(parse_response(captured.arrived())) == captured.expect["id"]
        elif captured.kind == "task":
            seen = parse_task(parse_response(captured.arrived()), captured.known)
            assert all(
                getattr(seen, name) == (tuple(value) if name == "output" else value)
                for name, value in read
                if name != "can_retry"
            )
        else:
            parse = parse_created_id if captured.operation == CREATE else parse_task
            with pytest.raises(RunwayError) as caught:
                parse(parse_response(captured.arrived()))
            assert type(caught.value).__name__ == captured.expect["error"]

    @each
    def test_a_file_keeps_the_shape_and_what_the_client_makes_of_it(
        self, operation: str, shape: corpus.Shape, tmp_path: Path
    ) -> None:
        for file in record(tmp_path / "first", operation, shape.arrived()):
            again = record(tmp_path / "again", operation, corpus.load(file).arrived())
            assert [one.name for one in again] == [file.name]
            before = compare_response(operation, shape.arrived())
            after = compare_response(operation, corpus.load(file).arrived())
            assert [one.rule for one in before] == [one.rule for one in after]
            assert "note" not in tomllib.loads(file.read_text("utf-8"))

    def test_all_at_once(self, tmp_path: Path) -> None:
        lacking = {
            (operation, shape.name)
            for operation, shape in CASES
            if compare_response(operation, shape.arrived())
        }
        first: list[Path] = []
        for operation in (READ, FEED, CREATE):
            responses = [shape.arrived() for one, shape in CASES if one == operation]
            first = record(tmp_path, operation, *responses)
        assert 40 < len(first) <= len(lacking)
        for operation, shape in CASES:
            assert record(tmp_path, operation, shape.arrived()) == first


class TestOncePerShape:
    def test_values_do_not_count(self, tmp_path: Path) -> None:
        others = [{**NEW, "id": f"other-{i}", "credits": i, "progress": i / 9} for i in range(9)]
        assert len(record(tmp_path, READ, *map(reply, others))) == 1

    def test_a_status_word_counts(self, tmp_path: Path) -> None:
        words = ("RUNNING", "PENDING", "BREWING", "STEEPING")
        bodies = [{**TASK, "status": word} for word in words]
        assert len(record(tmp_path, READ, *map(reply, bodies))) == 2

    @pytest.mark.parametrize(("known", "new"), [("3", "7"), ("RUNNING", "BREWING"), ("", "9")])
    def test_a_word_is_not_taken_for_another(self, known: str, new: str, tmp_path: Path) -> None:
        bodies = [{"code": 200, "msg": "", "data": {"task_id": ID, "status": known}}]
        bodies.append({**bodies[0], "data": {"task_id": ID, "status": new}})
        (file,) = record(tmp_path, FEED, *map(reply, bodies))
        assert new in file.read_text("utf-8")

    def test_names_that_are_values_are_one_shape(self, tmp_path: Path) -> None:
        bodies = [{**TASK, f"{i:032x}": 1} for i in range(1, 50)]
        assert len(record(tmp_path, READ, *map(reply, bodies))) == 1

    def test_files_are_limited(self, tmp_path: Path) -> None:
        letters = "abcdefghijklmnopqrstuvwxyz"
        bodies = [{**TASK, a + b: 1} for a in letters for b in letters]
        assert len(record(tmp_path, READ, *map(reply, bodies))) == MAX_FILES

    def test_the_memory_of_shapes_is_limited(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_recorder, "MAX_SHAPES", 3)
        monkeypatch.setattr(_recorder, "MAX_OUTLINES", 0)
        bodies = [reply({**TASK, name: 1}) for name in ("w", "x", "y", "z")]
        recorder = ResponseRecorder(tmp_path, Secret(KEY))
        for number, expected in ((0, True), (1, True), (2, True), (2, False), (0, False),
                                 (3, True), (3, False), (0, True)):  # fmt: skip
            assert recorder.is_new(READ, bodies[number]) is expected
        monkeypatch.setattr(_recorder, "MAX_OUTLINES", 2)
        recorder = ResponseRecorder(tmp_path, Secret(KEY))
        for body in bodies:
            recorder.is_new(READ, body)
        assert len(recorder._outlines) == 2

    def test_equal_bodies_of_two_operations_are_two_shapes(self, tmp_path: Path) -> None:
        recorder = ResponseRecorder(tmp_path, Secret(KEY))
        assert [recorder.is_new(name, reply(TASK)) for name in ("a", "b", "a")] == [
            True,
            True,
            False,
        ]

    def test_equal_bodies_that_arrive_differently_are_two_shapes(self, tmp_path: Path) -> None:
        recorder = ResponseRecorder(tmp_path, Secret(KEY))
        body = json.dumps(TASK).encode()
        answers = (200, "application/json"), (202, "application/json"), (200, "text/plain")
        for status, content_type in answers:
            response = RawResponse("GET", "/", status, {"content-type": content_type}, body)
            assert [recorder.is_new(READ, response) for _ in range(2)] == [True, False]

    def test_another_process_writes_no_second_file(self, tmp_path: Path) -> None:
        (file,) = record(tmp_path, READ, reply(NEW))
        file.write_text("edited", "utf-8")
        assert record(tmp_path, READ, reply(NEW)) == [file]
        assert file.read_text("utf-8") == "edited"


WRITTEN = [
    (
        READ,
        429,
        {
            "content-type": "Application/JSON; charset=utf-8",
            "retry-after": "30",
            "x-other": "y",
            "location": "https://secret.example",
            "x-oneapi-request-id": "secret",
        },
        {"error": {"code": "slow", "message": "my quota 余额"}, "request_id": "secret"},
        """\
title = "field /request_id is not documented; field /error/type is missing, which is documented \
as required"
kind = "error"
source = "a response of the gateway, captured by cometapi-runway"
confidence = "observed"
operation = "runway_to_get_task_details"

[answer]
status = 429
headers = { content-type = "application/json", retry-after = "30", location = "URL" }
body = '''
{
  "error": {
    "code": "slow",
    "message": "[hidden] quota 余额"
  },
  "request_id": "[hidden]"
}'''

[expect]
error = "RateLimitError"
code = "slow"
retry_after = 30.0
""",
    ),
    (
        READ,
        200,
        {"content-type": "application/json"},
        {
            "id": "secret",
            "status": "FAILED",
            "failure": "secret",
            "failureCode": "INTERNAL.BAD",
            "createdAt": "2026-01-02T03:04:05Z",
            "progress": 0.5,
            "new": 77,
        },
        """\
title = "field /new is not documented"
kind = "task"
source = "a response of the gateway, captured by cometapi-runway"
confidence = "observed"
operation = "runway_to_get_task_details"

[answer]
status = 200
headers = { content-type = "application/json" }
body = '''
{
  "id": "ID",
  "status": "FAILED",
  "failure": "[hidden]",
  "failureCode": "INTERNAL.BAD",
  "createdAt": "2026-01-02T03:04:05Z",
  "progress": 0.5,
  "new": 0
}'''

[expect]
id = "ID"
status = "FAILED"
progress = 0.5
failure = "[hidden]"
failure_code = "INTERNAL.BAD"
created_at = 2026-01-02T03:04:05+00:00
can_retry = true
""",
    ),
    (
        READ,
        200,
        {"content-type": "secret, secret"},
        {"id": "secret", "status": "SUCCEEDED", "output": ["https://secret.example/a.mp4"]},
        """\
title = "content type [hidden] is not documented for this status"
kind = "task"
source = "a response of the gateway, captured by cometapi-runway"
confidence = "observed"
operation = "runway_to_get_task_details"

[answer]
status = 200
headers = { content-type = "[hidden]" }
body = '''
{
  "id": "ID",
  "status": "SUCCEEDED",
  "output": [
    "URL"
  ]
}'''

[expect]
id = "ID"
status = "SUCCEEDED"
output = ["URL"]
""",
    ),
    (
        CREATE,
        200,
        {},
        {"id": "secret", "\x7f": "secret"},
        """\
title = "content type none is not documented for this status; field /[hidden] is not documented"
kind = "creation"
source = "a response of the gateway, captured by cometapi-runway"
confidence = "observed"
operation = "control_a_character"

[answer]
status = 200
headers = {}
body = '''
{
  "id": "ID",
  "[hidden]": "[hidden]"
}'''

[expect]
id = "ID"
""",
    ),
]


@each_case(("operation", "status", "headers", "body", "text"), WRITTEN)
def test_a_file_word_by_word(
    operation: str, status: int, headers: Any, body: Any, text: str, tmp_path: Path
) -> None:
    response = RawResponse("GET", "/secret", status, headers, json.dumps(body).encode())
    (file,) = record(tmp_path, operation, response)
    expected = text.replace("URL", EXAMPLE_URL).replace("ID", EXAMPLE_ID)
    assert file.read_text("utf-8") == expected
    kind = tomllib.loads(expected)["kind"]
    digest = make_digest(read_shape(operation, redact_response(response)))
    assert file.relative_to(tmp_path).as_posix() == f"{kind}s/{operation}-{status}-{digest}.toml"
    assert len(digest) == 12


def test_a_title_has_three_differences_and_a_note_what_redaction_changed(tmp_path: Path) -> None:
    many = reply({**TASK, **dict.fromkeys(("a", "b", "c", "d"), 1)})
    (file,) = record(tmp_path / "many", READ, many)
    fields = tomllib.loads(file.read_text("utf-8"))
    assert fields["title"] == "; ".join(f"field /{name} is not documented" for name in "abc")
    # A number that is hidden is none of the gateway's codes.
    (file,) = record(tmp_path / "code", READ, reply({"code": 12345, "message": "x", "new": 1}))
    assert tomllib.loads(file.read_text("utf-8"))["note"] == (
        "The response before it was redacted: APIStatusError."
    )
    body = RawResponse("GET", "/", 418, {}, b"\xff Balance, callback_URL_empty")
    (file,) = record(tmp_path / "text", READ, body)
    answer = tomllib.loads(file.read_text("utf-8"))["answer"]
    assert answer["body"] == "[hidden] balance callback_url_empty"


@each_case(
    ("body", "expected"),
    [
        (b'{"status": "RUNNING", "n": 1}', True),
        # Other words have the same outline: only the shape tells them apart.
        (b'{"status": "r0"}', False),
        (b'{"state" : "fade"}', False),
        (b'{"status": "%s"}' % (b"x" * (4096 - 14)), True),
        (b'{"status": "%s"}' % (b"x" * (4096 - 13)), False),
    ],
)
def test_only_short_bodies_with_clear_words_are_known_by_their_outline(
    body: bytes, expected: bool, tmp_path: Path
) -> None:
    recorder = ResponseRecorder(tmp_path, Secret(KEY))
    assert recorder.is_new(READ, RawResponse("GET", "/", 200, {}, body))
    assert bool(recorder._outlines) is expected


def shape_of(body: Any) -> Any:
    return read_shape(READ, reply(body))


def test_a_shape_is_everything_but_values_apart_from_words() -> None:
    first = {"a": [1, "x", {"b": None}], "c": {"d": True}, "status": "RUNNING", "state": "x"}
    same = {"a": ["y", {"b": None}, 2, 3], "c": {"d": False}, "status": "RUNNING", "state": "x"}
    assert shape_of(first) == shape_of(same)
    assert shape_of({"status": 1, "state": [1]}) == shape_of({"status": 2, "state": [2]})
    others: list[Any] = [
        {**first, "status": "x"},
        {**first, "state": "y"},
        {**first, "status": 1},
        {**first, "state": None},
        {**first, "a": [1, "x"]},
        {**first, "a": [[1, "x", {"b": None}]]},
        {**first, "a": {"0": 1}},
        {**first, "c": {"d": 1}},
        {**first, "c": None},
        [first],
        [],
        "text",
        None,
    ]
    shapes = [shape_of(one) for one in (first, *others)]
    assert len(set(shapes)) == len(shapes)
    # The name of a file is the same in every process, where the order of sets is another one.
    body = ["x", 1, None, 1.5, True, {"b": [2, "y"]}, {"c": 1}, []]
    assert make_digest(shape_of(body)) == "52d5b2b04658"
    for content, expected in ((b"", False), (b" \n", False), (b"<p>", True), (b"[" * 10**5, True)):
        assert read_shape(READ, RawResponse("", "", 200, {}, content))[1:] == (200, "", expected)


def test_a_shape_of_any_depth_is_read() -> None:
    """The parser may reach deeper than what compares its values; how deep depends on Python."""
    for depth in (100, 400, 500, 600, 700, 800, 900, 10**4, 10**5):
        content = b"[" * depth + b"]" * depth
        assert read_shape(READ, RawResponse("", "", 200, {}, content))[1:3] == (200, "")


class TestClients:
    def captured(self, harness: ClientHarness, folder: Path) -> list[Path]:
        # Closing waits for the thread that writes.
        harness.close()
        return sorted(folder.rglob("*.toml"))

    @both
    def test_a_response_of_unknown_shape_is_written(self, mode: Mode, tmp_path: Path) -> None:
        harness = ClientHarness(mode, capture=tmp_path / "new")
        done = {**NEW, "status": "SUCCEEDED", "output": ["https://example.com/a.mp4"]}
        harness.respond_with(json_reply({"id": ID}), json_reply(NEW), json_reply(done))
        task = harness.create()
        assert harness.run(task.wait()).status == "SUCCEEDED"
        assert len(self.captured(harness, tmp_path)) == 2

    @both
    def test_ordinary_responses_write_nothing(self, mode: Mode, tmp_path: Path) -> None:
        folder = tmp_path / "new"
        harness = ClientHarness(mode, capture=folder)
        harness.respond_with(json_reply(TASK))
        for _ in range(20):
            harness.run(harness.client.tasks.retrieve(ID))
        assert self.captured(harness, tmp_path) == []
        assert not folder.exists()

    @both
    def test_the_environment_names_the_folder(
        self, mode: Mode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COMETAPI_RUNWAY_CAPTURE", str(tmp_path / "environment"))
        for option in ({}, {"capture": tmp_path / "argument"}):
            harness = ClientHarness(mode, **option)
            harness.respond_with(json_reply(NEW))
            harness.run(harness.client.tasks.retrieve(ID))
            harness.close()
        assert {path.name for path in tmp_path.iterdir()} == {"environment", "argument"}

    @both
    def test_without_a_folder_nothing_is_watched(self, mode: Mode) -> None:
        harness = ClientHarness(mode)
        assert harness.client.session.driver.watcher is None
        harness.close()

    @both
    def test_a_folder_that_cannot_be_written_is_logged_once(
        self, mode: Mode, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (tmp_path / "file").write_text("", "utf-8")
        harness = ClientHarness(mode, capture=tmp_path / "file" / "folder")
        harness.respond_with(json_reply(NEW), json_reply({**NEW, "more": 1}))
        with caplog.at_level(logging.WARNING, "cometapi_runway.capture"):
            for _ in range(3):
                assert harness.run(harness.client.tasks.retrieve(ID)).status == "RUNNING"
            harness.close()
        (record,) = caplog.records
        assert record.name == "cometapi_runway.capture"
        problem = "Not a directory"
        folder = tmp_path / "file" / "folder"
        assert record.getMessage() == f"cannot capture responses in {folder}: {problem}"

    @each_case("kind", [RunwayClient, AsyncRunwayClient])
    @each_case("value", ["", "  ", 5, "a\0b", f"folder/{KEY}"])
    def test_what_is_no_folder_is_refused(self, kind: Any, value: Any) -> None:
        with pytest.raises(ConfigurationError) as caught:
            kind(KEY, capture=value)
        assert caught.value.setting == "capture"
        assert str(caught.value).startswith("capture ")
        assert KEY not in str(caught.value)

    def test_what_another_client_has_written_is_left_as_it_is(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        (file,) = record(tmp_path, READ, reply(NEW))
        file.write_text("written earlier", "utf-8")
        assert record(tmp_path, READ, reply(NEW)) == [file]
        assert file.read_text("utf-8") == "written earlier"
        assert caplog.records == []


class TestDrift:
    def test_files_are_grouped_by_what_the_contract_lacks(self, tmp_path: Path) -> None:
        bodies = [{**NEW, "status": word} for word in ("RUNNING", "PENDING", "BREWING")]
        record(tmp_path, READ, *map(reply, bodies))
        drifts, unreadable = find_drift(tmp_path)
        assert [(len(one.files), one.difference.rule) for one in drifts] == [
            (3, "field"),
            (1, "word"),
        ]
        assert "$.components.schemas.Task" in drifts[0].remedy
        assert "credits" in drifts[0].remedy
        assert "BREWING" in drifts[1].remedy
        assert unreadable == []

    def test_what_most_files_show_comes_first_and_then_the_order_of_the_contract(
        self, tmp_path: Path
    ) -> None:
        known = {"id": ID}
        record(tmp_path, READ, reply({"x": 1}, 418), reply({"a": 1}, 400))
        words = "RUNNING", "PENDING", "FAILED"
        record(tmp_path, READ, *(reply({**TASK, "status": word, "z": 1}) for word in words))
        record(tmp_path, READ, reply({**TASK, "y": 1}))
        record(tmp_path, CREATE, reply({**known, "z": 1}), reply({**known, "z": "1"}))
        record(tmp_path, CREATE, reply({}, 418))
        drifts, _ = find_drift(tmp_path)
        shown = [(-len(one.files), one.operation, one.status) for one in drifts]
        assert shown == sorted(shown)
        assert len(set(shown)) >= 5
        # The operation with the most comes last in the contract.
        assert shown[0][1] == READ == max(operation for _, operation, _ in shown)

    def test_other_files_are_listed(self, tmp_path: Path) -> None:
        texts = (
            "x = ",
            "[answer]\nstatus = 1",
            "",
            "operation = 'o'\nanswer = 'text'",
            "operation = 'o'\nanswer = {status = 200, body = 5}",
            "operation = 'o'\nanswer = {status = 'x', body = ''}",
            "operation = 'o'\nanswer = {status = [], body = ''}",
            "operation = 'o'\nanswer = {status = 200, body = '{}'}",
        )
        for number, text in enumerate(texts):
            (tmp_path / f"{number}.toml").write_text(text, "utf-8")
        drifts, unreadable = find_drift(tmp_path)
        assert drifts == []
        assert [file.stem for file in unreadable] == list(map(str, range(len(texts))))
