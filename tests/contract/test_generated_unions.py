"""The generated client chooses union branches by content and converts nothing into objects."""

from __future__ import annotations

import inspect
import typing

import attrs
import pytest

from cometapi_runway_api import AuthenticatedClient, Client, models

from .checks.generated_checks import find_unmodelled_properties
from .checks.harness import response_statuses, valid_requests
from .checks.unions import (
    check_foreign_field_response,
    check_invalid_response,
    json_responses,
    objects_as_pairs,
    objects_with_foreign_fields,
)
from .drivers.generated_driver import find_type_mismatches
from .json_diff import find_differences


def test_a_field_of_another_branch_does_not_change_the_value(harness, operation):
    tried = 0
    for response in json_responses(operation):
        for body in objects_with_foreign_fields(harness.contract, harness.source, response.schema):
            for status in response_statuses(operation, response):
                tried += 1
                found = check_foreign_field_response(harness.driver, operation, status, body)
                assert not found, f"{operation.id}: HTTP {status} with {body}: {found}"
    assert tried > 50


def test_a_list_of_pairs_is_not_parsed_as_an_object(harness, operation):
    """Python converts a list of pairs into a dict implicitly."""
    for response in json_responses(operation):
        bodies = [
            other
            for one in harness.source.minimal_cover(response.schema)
            for other in objects_as_pairs(harness.contract, response.schema, one.value)
        ]
        for status in response_statuses(operation, response):
            for body in bodies:
                found = check_invalid_response(harness.driver, operation, status, body)
                assert not found, f"{operation.id}: HTTP {status} with {body}: {found}"


def test_an_invalid_response_is_rejected_or_unchanged(harness, operation):
    for response in json_responses(operation):
        status = next(response_statuses(operation, response))
        for one in harness.source.invalid(response.schema):
            found = check_invalid_response(harness.driver, operation, status, one.value)
            assert not found, f"{operation.id}: HTTP {status} with {one.value}: {found}"


@pytest.mark.parametrize("model", [models.FeedTask, models.TaskRecord])
@pytest.mark.parametrize("value", ["text", 5, 0.5, True, [], [1], [["id", "t"]], {"id": []}])
def test_a_value_that_no_branch_reads_is_kept(model, value):
    """Whatever error the branches raise for it."""
    record = model.from_dict({"task_id": "t", "status": "SUCCESS", "data": value})
    assert record.to_dict()["data"] == value


def test_from_dict_equals_the_constructor(harness, posting):
    """The constructor and `from_dict` make equal request models."""
    hint = body_hint(harness, posting)
    for request in valid_requests(harness.source, posting):
        body = request.arguments["body"]
        built = harness.driver.build_value(hint, body)
        parsed = type(built).from_dict(body)
        found = [
            *find_differences(body, parsed.to_dict()),
            *find_unmodelled_properties(harness, parsed),
            *find_type_mismatches(harness.driver, hint, parsed),
        ]
        assert (parsed, found) == (built, []), f"{posting.id}: {body}"


def body_hint(harness, operation):
    return typing.get_type_hints(harness.driver.module(operation).sync)["body"]


def test_a_body_is_announced_as_json(harness, posting):
    """Also to a transport that, unlike httpx, does not add the header itself."""
    make = harness.driver.module(posting)._get_kwargs
    body = valid_requests(harness.source, posting)[0].arguments["body"]
    given = {"body": harness.driver.build_value(body_hint(harness, posting), body)}
    names = inspect.signature(make).parameters.keys() - given.keys()
    headers = make(**given, **dict.fromkeys(names, "v"))["headers"]
    assert headers["Content-Type"] == "application/json"


MODELS = [
    one
    for one in (getattr(models, name) for name in models.__all__)
    if attrs.has(one) and hasattr(attrs.fields(one), "additional_properties")
]


@pytest.mark.parametrize("model", MODELS, ids=lambda one: one.__name__)
def test_each_model_has_its_own_further_properties(model):
    needed = {
        one.alias: "v" for one in attrs.fields(model) if one.init and one.default is attrs.NOTHING
    }
    first, second = model(**needed), model(**needed)
    first.additional_properties["x"] = 1
    assert (first["x"], second.additional_properties) == (1, {})


@pytest.mark.parametrize("client", [Client, AuthenticatedClient])
def test_only_the_address_and_the_token_have_a_position(client):
    parameters = inspect.signature(client).parameters.values()
    positional = {one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD}
    assert positional <= {"base_url", "token", "prefix", "auth_header_name"}
    assert {one.default for one in parameters if one.name == "follow_redirects"} == {False}


@pytest.mark.parametrize("value", ["text", 5, {"a": 1}, True])
def test_a_value_of_no_branch_is_kept_as_it_came(value):
    task = models.Task.from_dict({"id": "a", "status": value, "output": value})
    assert (task.status, task.output) == (value, value)
