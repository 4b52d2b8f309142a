"""Generator issues with responses and with the client classes, as strict expected failures."""

from __future__ import annotations

import copy
import http
import json

import httpx
import pytest

from .generator_issues import generator_issue
from .generator_issues.example_client import example, folder, package

__all__ = ["example", "folder", "package"]

# Responses.


@generator_issue("status-unknown-to-python", ValueError)
@pytest.mark.parametrize("status", [520, 524, 299])
def test_a_status_unknown_to_python_is_returned(example, status):
    assert status not in set(http.HTTPStatus)
    example.response = httpx.Response(status, html="<h1>no</h1>")
    assert example.call("retrieve").status_code == status


@generator_issue("html-instead-of-json", json.JSONDecodeError)
def test_html_instead_of_json_keeps_the_status(example):
    example.response = httpx.Response(429, html="<h1>slow down</h1>")
    assert example.call("retrieve").status_code == 429


@generator_issue("missing-field", AssertionError)
def test_a_missing_field_is_named_with_its_model(example):
    with pytest.raises(Exception, match=r"Mark.*id"):
        example.parse("retrieve", {})


@generator_issue("list-instead-of-object", AssertionError)
def test_a_list_instead_of_an_object_is_named(example):
    with pytest.raises(Exception, match="list"):
        example.parse("retrieve", [])


@generator_issue("wrong-scalar", pytest.fail.Exception)
def test_a_number_instead_of_text_is_rejected(example):
    with pytest.raises((TypeError, ValueError)):
        example.parse("retrieve", {"id": 7})


@generator_issue("null-instead-of-list", pytest.fail.Exception)
def test_null_instead_of_a_list_is_rejected(example):
    with pytest.raises((TypeError, ValueError)):
        example.parse("retrieve", {"id": "1", "output": None})


@generator_issue("undocumented-success", pytest.fail.Exception)
def test_an_undocumented_success_is_reported(example):
    with pytest.raises(Exception, match="202"):
        example.parse("retrieve", {"id": "1"}, status=202)


@generator_issue("union-error-of-last-branch", AssertionError)
def test_an_unknown_enum_value_is_named_in_the_error(example):
    with pytest.raises(Exception, match="THROTTLED"):
        example.parse("retrieve_union", {"id": "1", "status": "THROTTLED"})


@generator_issue("status-union-error", AssertionError)
def test_a_union_error_names_every_branch(example):
    with pytest.raises(ValueError, match="RUNNING"):
        example.parse("retrieve_by_status", {"status": "SUCCEEDED"})


@generator_issue("discriminator", AssertionError)
def test_the_discriminator_selects_the_branch(example):
    assert type(example.parse("retrieve_discriminated", {"type": "video"})).__name__ == "Clip"


@generator_issue("nullable-object", AssertionError)
def test_an_invalid_nullable_object_is_not_returned_as_a_dict(example):
    assert not isinstance(example.parse("retrieve_nullable", {"mark": {}}).mark, dict)


@generator_issue("untyped-response", AssertionError)
def test_an_untyped_response_is_returned(example):
    assert example.parse("retrieve_untyped", {"a": 1}) == {"a": 1}


@generator_issue("uuid-id", ValueError)
def test_an_id_that_is_not_a_uuid_is_kept(example):
    example.parse("retrieve_uuid", {"id": "task-1"})


@generator_issue("latin-1", UnicodeDecodeError)
def test_the_declared_encoding_is_used(example):
    example.response = httpx.Response(
        200,
        headers={"Content-Type": "application/json; charset=latin-1"},
        content='{"id": "caf\u00e9"}'.encode("latin-1"),
    )
    assert example.call("retrieve").parsed.id == "caf\u00e9"


# The client and its models.


@generator_issue("copied-model", TypeError)
def test_a_copied_model_can_be_serialized(example):
    body = copy.deepcopy(example.model("Mark")(id="1"))
    assert json.dumps(body.to_dict()) == '{"id": "1"}'


@generator_issue("no-timeout", AssertionError)
def test_a_client_has_a_read_timeout(example):
    with example.client() as client:
        assert client.get_httpx_client().timeout.read is not None


@generator_issue("key-in-headers", AssertionError)
def test_the_callers_headers_are_not_changed(example):
    mine = {"X-Note": "1"}
    with example.client(headers=mine):
        assert mine == {"X-Note": "1"}


@generator_issue("key-in-repr", AssertionError)
def test_the_key_is_not_in_the_repr(example):
    assert "a-key" not in repr(example.client())


@generator_issue("shared-headers", AssertionError)
def test_with_headers_does_not_change_the_original(example):
    with example.client() as client:
        client.get_httpx_client()
        client.with_headers({"X-Note": "1"})
        assert "X-Note" not in client.get_httpx_client().headers
