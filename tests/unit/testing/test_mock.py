"""The mock: a route for every operation, documented responses, and contract checks."""

from __future__ import annotations

import gzip
import json

import httpx
import pytest
import respx

from cometapi_runway import ServerError, SubmissionUnknownError, TaskNotFoundError
from cometapi_runway.testing import _mock
from cometapi_runway.testing._examples import ExampleResponses, replace_task_id
from cometapi_runway.validation import Contract, ContractError, contract

from ...end_to_end.example_calls import CALLS, FACE, HOOK, contract_resources, create

OPERATIONS = contract().operations
READS = [one for one in OPERATIONS if one.is_read]
HEADERS = {"Authorization": "Bearer own-key", "X-Runway-Version": "2024-11-06"}
ID = "a3f5cbe6-6be7-4b0e-9c3e-1d2f3a4b5c6d"


def test_it_is_a_respx_router(runway_mock):
    assert isinstance(runway_mock, respx.Router)
    assert {operation.id for operation in OPERATIONS} <= {
        route.name for route in runway_mock.routes
    }


@pytest.mark.parametrize("name", sorted(contract_resources()))
def test_every_operation_responds_as_documented(name, runway_mock, tmp_path):
    task = create(runway_mock.client, name)
    done = task.wait()
    assert (done.id, done.status) == (task.id, "SUCCEEDED")
    (file,) = done.download(tmp_path)
    assert file.read_bytes()[4:8] == b"ftyp"
    assert runway_mock["download"].call_count == 1


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_its_responses_are_valid(operation, runway_mock):
    body = runway_mock.answer(operation.id).json()
    assert contract().check_response(operation.id, 200, body) == ()


@pytest.mark.parametrize("operation", READS, ids=lambda one: one.id)
def test_every_documented_state_has_a_valid_example(operation):
    examples = ExampleResponses(contract()).find_all(operation, 200)
    assert len(examples) > 3
    for example in examples:
        assert contract().check_response(operation.id, 200, example) == ()


def test_every_documented_output_is_a_file_of_its_kind(monkeypatch):
    kinds = {"https://e.com/a.png": "image/png", "https://e.com/b.mp4": "video/mp4"}
    monkeypatch.setattr(_mock, "collect_outputs", lambda _: frozenset(kinds))
    with _mock.open_mock():
        found = {url: httpx.get(url).headers["content-type"] for url in kinds}
    assert found == kinds


def test_a_response_has_the_id_of_the_requested_task(runway_mock):
    url = f"https://api.cometapi.com/runwayml/v1/tasks/{ID}"
    assert httpx.get(url, headers=HEADERS).json()["id"] == ID
    runway_mock["tasks"].mock(return_value=runway_mock.answer("tasks"))
    planned = httpx.get(url, headers=HEADERS)
    assert (planned.status_code, planned.json()["id"]) == (200, ID)
    feed = httpx.post("https://api.cometapi.com/runway/feed", json={"task_id": ID}, headers=HEADERS)
    assert feed.json()["data"]["task_id"] == ID


def test_an_example_without_a_task_is_unchanged():
    assert replace_task_id({"code": "task_not_exist"}, ID) == {"code": "task_not_exist"}


def test_examples_are_answers_with_status_200(runway_mock):
    assert runway_mock.answer("tasks").status_code == 200
    create(runway_mock.client, "character_performance")
    assert [call.response.status_code for call in runway_mock.calls] == [200]


def test_a_response_can_be_streamed(runway_mock):
    runway_mock["tasks"].respond(200, json={"id": ID})
    url = f"https://api.cometapi.com/runwayml/v1/tasks/{ID}"
    with httpx.stream("GET", url, headers=HEADERS) as response:
        assert json.loads(b"".join(response.iter_raw())) == {"id": ID}


def test_a_route_can_be_changed_like_any_respx_route(runway_mock):
    runway_mock["character_performance"].respond(503)
    with pytest.raises(SubmissionUnknownError):
        create(runway_mock.client, "character_performance")
    assert runway_mock["control_a_character"].call_count == 1


def test_a_route_with_a_sequence_of_responses(runway_mock):
    runway_mock["tasks"].mock(side_effect=[
        httpx.ReadTimeout,
        runway_mock.answer("tasks", "unknown"),
        runway_mock.answer("tasks", "wrapped"),
        httpx.Response(502, html="<h1>Bad gateway</h1>"),
        runway_mock.answer("tasks"),
    ])  # fmt: skip
    seen = []
    task = create(runway_mock.client, "character_performance")
    assert task.wait(on_update=lambda task: seen.append(task.status)).output
    assert seen == ["PENDING", "SUCCEEDED"]
    assert runway_mock["tasks"].call_count == 5


def test_a_compressed_response_is_passed_on(runway_mock):
    packed = gzip.compress(b'{"id": "packed"}')
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    response = httpx.Response(200, headers=headers, content=packed)
    runway_mock["video_upscale"].mock(return_value=response)
    assert create(runway_mock.client, "video_upscale").id == "packed"


@pytest.mark.anyio
async def test_a_route_with_a_coroutine(runway_mock):
    async def respond(_: httpx.Request) -> httpx.Response:
        return httpx.Response(404, json={"code": "task_not_exist", "message": "task_not_exist"})

    runway_mock["tasks"].mock(side_effect=respond)
    with pytest.raises(TaskNotFoundError):
        await runway_mock.async_client.tasks.retrieve(ID)


def test_official_routes_take_precedence_for_a_shared_name(runway_mock):
    assert runway_mock["image_to_video"].name == "runway_images_raw_video"
    assert runway_mock["act_one"].name == "act_one_expression_migration"


def test_resources_that_share_a_route(runway_mock):
    runway_mock["generate"].respond(500)
    with pytest.raises(SubmissionUnknownError):
        runway_mock.client.compat.image_to_video.create(image=FACE, prompt="a", callback_url=HOOK)


def test_an_unknown_name_lists_the_known_names(runway_mock):
    with pytest.raises(KeyError, match="control_a_character"):
        runway_mock["character"]
    with pytest.raises(LookupError, match="wrapped"):
        runway_mock.answer("tasks", "wrappd")


def test_a_request_that_breaks_the_contract_never_reaches_its_route(runway_mock):
    with runway_mock.expect_violation("/videoUri"):
        response = httpx.post("https://api.cometapi.com/runwayml/v1/video_upscale", headers=HEADERS,
                              json={"model": "upscale_v1", "videoUri": "ftp://e.com"})  # fmt: skip
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/json"
    assert response.json()["error"]["param"] == "/videoUri"
    assert runway_mock["video_upscale"].call_count == 0


def test_a_request_without_a_route_is_a_violation(runway_mock):
    with runway_mock.expect_violation("path"):
        assert httpx.get("https://api.cometapi.com/v1/models").status_code == 400


def test_a_removed_route(runway_mock):
    runway_mock.pop("upscale_a_video")
    with pytest.raises(AssertionError, match="not mocked"):
        create(runway_mock.client, "video_upscale")


def test_an_operation_without_an_example_is_reported():
    document = {
        "openapi": "3.1.0",
        "paths": {"/x": {"post": {
            "operationId": "make_x",
            "responses": {"200": {"description": "", "content": {"application/json": {
                "schema": {"type": "object"}}}}},
        }}},
    }  # fmt: skip
    bare = Contract(document)
    with pytest.raises(LookupError, match="no example of a successful response of make_x"):
        ExampleResponses(bare).find_success(bare.operation("make_x"))


def _operation(name, schema, **examples):
    media = {"schema": schema, "examples": {key: {"value": one} for key, one in examples.items()}}
    responses = {"200": {"description": "", "content": {"application/json": media}}}
    return {"post": {"operationId": name, "responses": responses}}


def test_examples_are_found_wherever_the_contract_shows_them():
    new = {"$ref": "#/components/schemas/New"}
    document = {
        "openapi": "3.1.0",
        "components": {"schemas": {
            "New": {"type": "object", "required": ["id"]},
            "Tree": {
                "example": 1,
                "oneOf": [{"$ref": "#/components/schemas/Tree"}, {"example": 2}],
                "anyOf": [{"anyOf": [{"example": 3}]}, new],
            },
        }},
        "paths": {
            # Its first example has no id, its second one is of another form than its responses.
            "/a": _operation("make_a", new, first={"note": 1}, second={"data": {"task_id": "a"}}),
            "/b": _operation("make_b", new, only={"id": "b"}),
            "/c": _operation("make_c", {"$ref": "#/components/schemas/Tree"}, named=0),
            "/d": _operation("make_d", {"enum": [None]}),
            # Its own example cannot be read.
            "/e": _operation("make_e", {}, only={"error": "no"}),
        },
    }  # fmt: skip
    bare = Contract(document)
    examples = ExampleResponses(bare)
    assert examples.find_success(bare.operation("make_a")) == {"id": "b"}
    assert examples.find_success(bare.operation("make_e")) == {"data": {"task_id": "a"}}
    assert examples.find_all(bare.operation("make_c"), 200) == (0, 1, 3, 2)
    assert examples.find_by_name(bare.operation("make_a"), 200, "first") == {"note": 1}
    with pytest.raises(LookupError, match=r"make_a has no example 'third'; it has: first, second$"):
        examples.find_by_name(bare.operation("make_a"), 200, "third")
    with pytest.raises(LookupError, match="no example of a successful response of make_d"):
        examples.find_success(bare.operation("make_d"))
    with pytest.raises(ContractError, match="make_a documents no response for 404"):
        examples.find_all(bare.operation("make_a"), 404)


def test_the_call_table_covers_every_operation():
    assert CALLS.keys() == contract_resources()


def test_a_failing_read_is_retried_and_raised(runway_mock):
    runway_mock["tasks"].respond(500)
    with pytest.raises(ServerError):
        runway_mock.client.tasks.retrieve(ID)


def test_the_history_is_limited(runway_mock):
    for number in range(30):
        runway_mock.client.tasks.retrieve(f"task-{number}")
    lines = runway_mock.history().splitlines()
    assert lines == [f"GET /runwayml/v1/tasks/task-{number}" for number in range(10, 30)]
    assert lines[-1].endswith("task-29")
