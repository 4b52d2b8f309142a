"""Refusals have the gateway's envelopes and codes."""

from __future__ import annotations

import json

import pytest
from tests.cases import each_case

from cometapi_runway.simulator import Gateway, Reply
from cometapi_runway.validation import Operation

from .helpers import (
    BODY,
    CONTRACT,
    CREATES,
    HEADERS,
    JSON_BODY,
    KEY,
    create,
    example_bodies,
    make_gateway,
    post,
    read,
)

PATH = "/runwayml/v1/character_performance"


def error(reply: Reply) -> dict[str, object]:
    return dict(json.loads(reply.body)["error"])


@each_case("authorization", [None, "", "Bearer", "Bearer ", "Basic abc", "abc", "Bearer a b"])
@each_case("operation", CONTRACT.operations, ids=lambda operation: operation.id)
def test_a_request_without_a_well_formed_key_is_refused(
    operation: Operation, authorization: str | None
) -> None:
    target = make_gateway()
    headers = [] if authorization is None else [("Authorization", authorization)]
    reply = target.handle(operation.method, operation.path.replace("{id}", "x"), headers)
    assert reply.status == 401
    assert error(reply)["type"] == "comet_api_error"
    assert CONTRACT.check_response(operation.id, 401, reply.json()) == ()
    assert not target.tasks


def test_a_request_with_two_keys_is_refused() -> None:
    for headers in ((*HEADERS, HEADERS[0]), (*HEADERS, ("authorization", "Bearer another"))):
        reply = make_gateway().handle("GET", "/runwayml/v1/tasks/x", headers)
        assert (reply.status, str(error(reply)["message"])[:13]) == (401, "invalid token")


def test_only_the_keys_of_the_settings_are_accepted() -> None:
    assert post(make_gateway(keys=[KEY]), PATH, dict(BODY)).status == 200
    assert post(make_gateway(keys=["another"]), PATH, dict(BODY)).status == 401
    assert post(make_gateway(keys="another"), PATH, dict(BODY)).status == 401


@each_case("operation", CREATES, ids=lambda operation: operation.id)
def test_a_body_that_breaks_the_contract_is_refused_and_not_charged(operation: Operation) -> None:
    target = make_gateway()
    reply = post(target, operation.path, {})
    assert reply.status == 400
    assert CONTRACT.check_response(operation.id, 400, reply.json()) == ()
    assert not target.tasks
    assert not target.charges


def test_a_refusal_names_the_field_and_the_request() -> None:
    reply = post(make_gateway(), PATH, {**BODY, "expressionIntensity": 9})
    detail = error(reply)
    assert (detail["param"], detail["code"]) == ("/expressionIntensity", "invalid_request")
    assert str(detail["message"]).endswith(")")
    assert "(request id: 20260501120000" in str(detail["message"])


def test_request_ids_differ() -> None:
    target = make_gateway()
    first, second = (error(post(target, PATH, {}))["message"] for _ in range(2))
    assert first != second


def test_the_version_header_is_required_where_the_contract_says_so() -> None:
    target = make_gateway()
    bare = [pair for pair in HEADERS + JSON_BODY if pair[0] != "X-Runway-Version"]
    reply = target.handle("POST", PATH, bare, json.dumps(BODY).encode())
    assert (reply.status, error(reply)["param"]) == (400, "X-Runway-Version")
    task_id = create(target)
    target.clock.advance(5)
    assert target.handle("GET", f"/runwayml/v1/tasks/{task_id}", bare).status == 200


@each_case(
    ("operation_id", "field", "code"),
    [
        ("generate", "callback_url", "callback_url_empty"),
        ("act_one_expression_migration", "callback_url", "callback_url_empty"),
        ("video_to_video_style_redraw", "callback_url", "callback_url_empty"),
        ("generate_an_image_from_text", "referenceImages", "reference_images_empty"),
    ],
)
def test_two_missing_fields_have_their_own_codes(operation_id: str, field: str, code: str) -> None:
    operation = CONTRACT.operation(operation_id)
    for body in example_bodies(operation):
        rest = {key: value for key, value in body.items() if key != field}
        for target in (make_gateway(), make_gateway(errors="task")):
            assert code in post(target, operation.path, rest).body.decode()
    empty = {**example_bodies(operation)[0], "referenceImages": []}
    if field == "referenceImages":
        assert error(post(make_gateway(), operation.path, empty))["code"] == code


def test_the_task_envelope() -> None:
    reply = post(make_gateway(errors="task"), PATH, {})
    assert reply.status == 400
    assert json.loads(reply.body).keys() == {"code", "message", "data"}


def test_the_compatibility_routes_of_2024_refuse_under_http_200() -> None:
    target = make_gateway(errors="compat")
    reply = post(target, "/runway/pro/act_one", {"video": "https://example.com/a.mp4"})
    assert reply.status == 200
    assert reply.json() == {"code": 400, "msg": "callback_url_empty"}
    assert CONTRACT.check_response("act_one_expression_migration", 200, reply.json()) == ()
    assert post(target, PATH, {}).status == 400
    assert not target.tasks


@pytest.mark.parametrize("balance", [0.5, 0.9])
def test_a_request_over_the_balance_is_refused(balance: float) -> None:
    target = make_gateway(balance=balance)
    assert post(target, PATH, dict(BODY)).status == 200
    reply = post(target, PATH, dict(BODY))
    assert (reply.status, reply.json()) == (
        403,
        {"code": "quota_not_enough", "message": "user quota is not enough", "data": None},
    )
    assert CONTRACT.check_response("control_a_character", 403, reply.json()) == ()
    assert len(target.tasks) == 1


@each_case(
    "path",
    ["/", "/v1/runwayml/v1/tasks/x", "/runwayml/v1/taskz/x", "//evil", "/runwayml/v1/tasks/"],
)
def test_an_unknown_path_returns_html(path: str) -> None:
    reply = make_gateway().handle("GET", path, HEADERS)
    assert reply.status == 404
    assert reply.body.startswith(b"<!DOCTYPE html>")
    assert "html" in str(reply.header("content-type"))


@pytest.mark.parametrize("path", ["/runwayml/v1/tasks/X/", "//runwayml/v1//tasks/X"])
def test_extra_slashes_redirect(path: str) -> None:
    reply = make_gateway().handle("GET", path, HEADERS)
    assert (reply.status, reply.header("Location")) == (301, "/runwayml/v1/tasks/X")
    assert reply.body.startswith(b"<!DOCTYPE html>")


def test_a_wrong_method_is_refused_with_the_allowed_one() -> None:
    for method, path, allowed in (
        ("GET", PATH, "POST"),
        ("DELETE", "/runway/feed", "POST"),
        ("POST", "/runwayml/v1/tasks/x", "GET"),
    ):
        reply = make_gateway().handle(method, path, HEADERS)
        assert (reply.status, reply.header("Allow")) == (405, allowed)


@each_case("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_an_object_is_refused(body: bytes) -> None:
    assert make_gateway().handle("POST", PATH, HEADERS + JSON_BODY, body).status == 400


def test_the_content_type_must_be_json() -> None:
    headers = (*HEADERS, ("Content-Type", "text/plain"))
    reply = make_gateway().handle("POST", PATH, headers, json.dumps(BODY).encode())
    assert (reply.status, error(reply)["param"]) == (400, "Content-Type")


def test_an_id_with_an_encoded_slash_is_refused() -> None:
    target: Gateway = make_gateway()
    assert read(target, "a%2Fb").status == 400
