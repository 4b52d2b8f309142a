"""Known values restrict nothing: an unknown model is sent, after one warning."""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.cases import each_case

from cometapi_runway import InvalidRequestError
from cometapi_runway._core.secret import Secret
from cometapi_runway.resources import _unknown_models
from cometapi_runway.resources._argument_fields import list_argument_fields
from cometapi_runway.resources._client_resources import (
    ClientResource,
    get_client_resource,
    list_client_resources,
)
from cometapi_runway.resources._known_values import describe_known_values, read_known_values
from cometapi_runway.resources._signatures.from_contract import from_contract
from cometapi_runway.resources._unknown_models import warn_of_unknown_model
from cometapi_runway.validation import contract

from ..support.both_clients import KEY, ClientHarness
from ..support.operation_cases import ACCEPTED, CASES, OperationCase
from ..support.scripted_transport import json_reply

LOGGER = "cometapi_runway.models"
WITH_MODEL = [case for case in CASES if "model" in case.body]
each = pytest.mark.parametrize("case", WITH_MODEL, ids=lambda case: case.resource)


@pytest.fixture(autouse=True)
def _new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_unknown_models, "_warned", {})


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[logging.LogRecord]:
    """Every record of the logger."""
    records: list[logging.LogRecord] = []
    monkeypatch.setattr(_unknown_models.logger, "handle", records.append)
    return records


def get_resource(case: OperationCase) -> ClientResource:
    return get_client_resource(case.resource.replace(".", "__"))


def list_known(case: OperationCase, field: str) -> list[Any]:
    (found,) = (f for f in list_argument_fields(get_resource(case)) if f.field == field)
    return [value for group in read_known_values(found.schema) for value in group.values]


def send(harness: ClientHarness, case: OperationCase, **arguments: Any) -> Any:
    harness.respond_with(json_reply(ACCEPTED[case.route]))
    harness.run(case.on(harness.client).create(**{**case.least, **arguments}))
    return harness.network.sent[-1].json


def list_messages(records: list[logging.LogRecord]) -> list[str]:
    return [record.getMessage() for record in records]


def test_every_resource_with_a_model_knows_one() -> None:
    fields = {one.name: list_argument_fields(one) for one in list_client_resources()}
    taking = {name for name, found in fields.items() if "model" in {one.field for one in found}}
    assert taking == {case.resource for case in WITH_MODEL} != set()
    for case in WITH_MODEL:
        assert case.body["model"] in list_known(case, "model")


@each
def test_every_known_model_is_sent_without_a_warning(
    case: OperationCase, harness: ClientHarness, warnings: list[logging.LogRecord]
) -> None:
    for model in list_known(case, "model"):
        assert send(harness, case, model=model)["model"] == model

    assert list_messages(warnings) == []


@each
def test_an_unknown_model_is_sent_and_warned_of_once(
    case: OperationCase, harness: ClientHarness, warnings: list[logging.LogRecord]
) -> None:
    for model in ("gen9_x", "gen9_x", "gen9_y"):
        assert send(harness, case, model=model, validate=False)["model"] == model

    first, second = list_messages(warnings)
    known = describe_known_values(contract(), fields_of(case)["model"])
    assert first == (
        f"{case.resource}: the model gen9_x is not known; the gateway may not have it. "
        + known.removesuffix(".")
    )
    assert second == first.replace("gen9_x", "gen9_y")
    assert {(one.name, one.levelno) for one in warnings} == {(LOGGER, logging.WARNING)}


def fields_of(case: OperationCase) -> dict[str, Any]:
    return {field.field: field.schema for field in list_argument_fields(get_resource(case))}


@each
def test_nothing_else_of_a_request_is_shown(
    case: OperationCase, harness: ClientHarness, warnings: list[logging.LogRecord]
) -> None:
    extra = {"model": "gen9", "note": "SECRET-NOTE"}
    body = send(harness, case, extra_body=extra, validate=False)

    (message,) = list_messages(warnings)
    assert "gen9" in message
    for value in (KEY, *list_texts({**body, "model": ""})):
        assert value not in message


def list_texts(value: Any) -> Iterator[str]:
    """Every text in a body that a message could only have from there."""
    if isinstance(value, dict):
        for item in value.values():
            yield from list_texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from list_texts(item)
    elif isinstance(value, str) and len(value) > 5:
        yield value


@pytest.mark.parametrize(
    "model", ["a cat on the moon", "https://host/a?sig=1", "x" * 65, KEY, f"a{KEY}"]
)
def test_a_model_that_does_not_look_like_a_name_is_not_shown(
    model: str, harness: ClientHarness, warnings: list[logging.LogRecord]
) -> None:
    body = send(harness, WITH_MODEL[1], extra_body={"model": model}, validate=False)

    assert body["model"] == model
    (message,) = list_messages(warnings)
    assert model not in message
    assert KEY not in message
    assert "(not shown: it does not look like a model's name)" in message


@pytest.mark.parametrize("model", [None, 7, ["gen4"], {"a": 1}])
def test_a_model_that_is_no_text_is_left_to_validation(
    model: object, warnings: list[logging.LogRecord]
) -> None:
    warn_of_unknown_model("video_upscale", "upscale_a_video", {"model": model}, Secret(KEY))

    assert list_messages(warnings) == []


def test_other_unknown_values_cause_no_warning(
    harness: ClientHarness, warnings: list[logging.LogRecord]
) -> None:
    (case,) = (case for case in CASES if case.resource == "image_to_video")
    body = send(harness, case, ratio="3:4", duration=99)

    assert body["ratio"] not in list_known(case, "ratio")
    assert body["duration"] not in list_known(case, "duration")
    assert list_messages(warnings) == []


def test_a_refused_request_causes_no_warning(
    harness: ClientHarness, warnings: list[logging.LogRecord]
) -> None:
    (case,) = (case for case in CASES if case.resource == "image_to_video")
    with pytest.raises(InvalidRequestError, match="duration"):
        harness.run(case.on(harness.client).create(**case.least | {"model": "g"}, duration=0))

    assert list_messages(warnings) == []


def test_threads_warn_once_together(warnings: list[logging.LogRecord]) -> None:
    def warn(_: int) -> None:
        warn_of_unknown_model("video_upscale", "upscale_a_video", {"model": "new"}, Secret(KEY))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(warn, range(200)))

    assert len(list_messages(warnings)) == 1


def test_the_number_of_warnings_is_bounded(warnings: list[logging.LogRecord]) -> None:
    for number in range(1200):
        body = {"model": f"new{number}"}
        warn_of_unknown_model("video_upscale", "upscale_a_video", body, Secret(KEY))

    assert len(list_messages(warnings)) == 1000


def test_an_operation_by_its_id_knows_the_models_of_every_resource_that_shares_it(
    warnings: list[logging.LogRecord],
) -> None:
    for model in ("gen4", "gen4_turbo", "new"):
        warn_of_unknown_model("generate", "generate", {"model": model}, Secret(KEY))
    warn_of_unknown_model("later", "an_operation_of_a_later_contract", {"model": "x"}, Secret(KEY))

    (message,) = list_messages(warnings)
    assert message.startswith("generate: the model new is not known")
    assert message.count("gen4_turbo") == 1


@each_case("resource", list_client_resources(), ids=lambda one: one.name)
def test_docstrings_name_the_known_values(resource: ClientResource) -> None:
    documented = inspect.getdoc(resource.signature.build) or ""
    for found in list_argument_fields(resource):
        known = describe_known_values(resource.contract, found.schema)
        paragraph = re.search(
            rf"^    {found.argument.name}: (.*(?:\n     .*)*)", documented, re.MULTILINE
        )
        text = " ".join(paragraph[1].split()) if paragraph else ""
        assert known in text, f"the docstring of {found.argument.name} must hold: {known}"
        assert known or "Known" not in text


@each_case("resource", list_client_resources(), ids=lambda one: one.name)
def test_a_docstring_from_the_contract_names_the_known_values(resource: ClientResource) -> None:
    documented = inspect.getdoc(from_contract(resource.operation.id).build) or ""
    for found in list_argument_fields(resource):
        known = describe_known_values(resource.contract, found.schema)
        assert not known or f"\n{found.argument.name}: {known}" in documented
