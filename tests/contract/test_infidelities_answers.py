"""Where the generated client is not true to its document about answers, and about itself.

Strict expected failures, like those in `test_infidelities`.
"""

from __future__ import annotations

import copy
import http
import json

import httpx
import pytest

from .infidelities import infidelity
from .infidelities.example import example, folder, package

__all__ = ["example", "folder", "package"]

# What comes back.


@infidelity("status-python-does-not-know", ValueError)
@pytest.mark.parametrize("status", [520, 524, 299])
def test_a_status_that_python_has_no_name_for_is_told(example, status):
    assert status not in set(http.HTTPStatus)
    example.answer = httpx.Response(status, html="<h1>no</h1>")
    assert example.call("tell").status_code == status


@infidelity("html-for-json", json.JSONDecodeError)
def test_a_page_in_a_failure_s_place_still_tells_the_status(example):
    example.answer = httpx.Response(429, html="<h1>slow down</h1>")
    assert example.call("tell").status_code == 429


@infidelity("missing-field", AssertionError)
def test_a_field_that_is_missing_is_told_with_its_place(example):
    with pytest.raises(Exception, match=r"Mark.*id"):
        example.parse("tell", {})


@infidelity("list-for-object", AssertionError)
def test_a_list_in_an_object_s_place_is_told(example):
    with pytest.raises(Exception, match="list"):
        example.parse("tell", [])


@infidelity("wrong-scalar", pytest.fail.Exception)
def test_a_number_in_a_text_s_place_is_noticed(example):
    with pytest.raises((TypeError, ValueError)):
        example.parse("tell", {"id": 7})


@infidelity("null-for-list", pytest.fail.Exception)
def test_null_in_a_list_s_place_is_noticed(example):
    with pytest.raises((TypeError, ValueError)):
        example.parse("tell", {"id": "1", "output": None})


@infidelity("undocumented-success", pytest.fail.Exception)
def test_a_success_that_is_not_documented_is_told(example):
    with pytest.raises(Exception, match="202"):
        example.parse("tell", {"id": "1"}, status=202)


@infidelity("union-blames-another", AssertionError)
def test_a_word_that_is_not_known_is_blamed_itself(example):
    with pytest.raises(Exception, match="THROTTLED"):
        example.parse("tell_union", {"id": "1", "status": "THROTTLED"})


@infidelity("ends-blame-another", AssertionError)
def test_a_failure_among_ends_is_not_blamed_on_the_last(example):
    with pytest.raises(ValueError, match="RUNNING"):
        example.parse("tell_ends", {"status": "SUCCEEDED"})


@infidelity("discriminator", AssertionError)
def test_the_discriminator_chooses(example):
    assert type(example.parse("tell_chosen", {"type": "video"})).__name__ == "Clip"


@infidelity("nullable-object", AssertionError)
def test_a_nullable_object_without_its_field_is_not_given_out_as_it_came(example):
    assert not isinstance(example.parse("tell_maybe", {"mark": {}}).mark, dict)


@infidelity("untyped-answer", AssertionError)
def test_an_answer_of_no_particular_type_is_given_out(example):
    assert example.parse("tell_anything", {"a": 1}) == {"a": 1}


@infidelity("uuid-id", ValueError)
def test_an_id_that_is_no_uuid_is_still_an_id(example):
    example.parse("tell_id", {"id": "task-1"})


@infidelity("latin-1", UnicodeDecodeError)
def test_a_body_in_its_declared_encoding_is_read(example):
    example.answer = httpx.Response(
        200,
        headers={"Content-Type": "application/json; charset=latin-1"},
        content='{"id": "caf\u00e9"}'.encode("latin-1"),
    )
    assert example.call("tell").parsed.id == "caf\u00e9"


# The client and its models.


@infidelity("copied-model", TypeError)
def test_a_copied_model_can_be_sent(example):
    body = copy.deepcopy(example.model("Mark")(id="1"))
    assert json.dumps(body.to_dict()) == '{"id": "1"}'


@infidelity("no-timeout", AssertionError)
def test_a_client_gives_up_some_time(example):
    with example.client() as client:
        assert client.get_httpx_client().timeout.read is not None


@infidelity("key-in-headers", AssertionError)
def test_the_caller_s_headers_stay_the_caller_s(example):
    mine = {"X-Note": "1"}
    with example.client(headers=mine):
        assert mine == {"X-Note": "1"}


@infidelity("key-in-repr", AssertionError)
def test_the_key_is_not_shown(example):
    assert "a-key" not in repr(example.client())


@infidelity("shared-headers", AssertionError)
def test_a_client_with_other_headers_leaves_the_first_as_it_was(example):
    with example.client() as client:
        client.get_httpx_client()
        client.with_headers({"X-Note": "1"})
        assert "X-Note" not in client.get_httpx_client().headers
