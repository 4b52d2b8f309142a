"""JSON pointers and references."""

from __future__ import annotations

import pytest
from tests.cases import each_case

from cometapi_runway.validation import ContractError, follow_pointer, make_pointer

from .samples import CONTRACT, DOCUMENT


def test_references_are_resolved():
    schema = DOCUMENT["components"]["schemas"]["ClipRequest"]
    assert CONTRACT.resolve({"$ref": "#/components/schemas/ClipRequest"}) is schema
    assert CONTRACT.resolve(schema) is schema
    for place in ("#/components/schemas/Nothing", "other.yaml#/a"):
        with pytest.raises(ContractError, match=place.rpartition("/")[2]):
            CONTRACT.resolve({"$ref": place})


@each_case("path", [(), ("a",), ("a", "b/c~d"), ("a", "b/c~d", "~1"), ("",)])
def test_a_pointer_leads_back_to_its_path(path):
    document = {"": 1, "a": {"b/c~d": {"~1": 2}}}
    expected = document
    for key in path:
        expected = expected[key]
    assert follow_pointer(document, make_pointer(path)) == expected


@pytest.mark.parametrize("pointer", ["/b", "/a/b/c", "/a/0"])
def test_a_pointer_that_leads_nowhere_is_a_key_error(pointer):
    with pytest.raises(KeyError):
        follow_pointer({"a": {"b": "text"}}, pointer)
