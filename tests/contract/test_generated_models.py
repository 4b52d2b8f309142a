"""The generated package has exactly the operations and models that the contract declares."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import typing
from typing import Literal

import attrs
import pytest

from cometapi_runway.validation import contract

from .drivers.generated_driver import FLAVOURS, normalize_name, union_members

CONTRACT = contract()
SCHEMAS = CONTRACT.document["components"]["schemas"]
OBJECTS = {name: schema for name, schema in SCHEMAS.items() if "properties" in schema}
PACKAGE = "cometapi_runway_api"


def test_modules_and_operations_match():
    api = importlib.import_module(f"{PACKAGE}.api")
    found = {
        (tag.name, module.name)
        for tag in pkgutil.iter_modules(api.__path__)
        for module in pkgutil.iter_modules([f"{api.__path__[0]}/{tag.name}"])
    }
    assert found == {(operation.tag, operation.id) for operation in CONTRACT.operations}


def test_every_flavour_takes_the_declared_parameters(harness, operation):
    wanted = {
        normalize_name(parameter.name): parameter.required for parameter in operation.parameters
    }
    if operation.body_schema is not None:
        wanted["body"] = operation.body_required
    for flavour in FLAVOURS:
        function = getattr(harness.driver.module(operation), flavour)
        parameters = dict(inspect.signature(function).parameters)
        del parameters["client"]
        parameters_required = {
            normalize_name(name): one.default is inspect.Parameter.empty
            for name, one in parameters.items()
        }
        assert parameters_required == wanted, f"{operation.id}.{flavour}"
        for name, one in parameters.items():
            given = one.default in {inspect.Parameter.empty, harness.driver.unset}
            assert given, f"{operation.id}.{flavour} has an additional default for {name}"


@pytest.mark.parametrize("name", OBJECTS)
def test_models_have_the_declared_and_required_properties(harness, name):
    model = getattr(harness.driver.models, name)
    fields = {normalize_name(one.name): one for one in attrs.fields(model) if one.init}
    declared = {normalize_name(key): key for key in OBJECTS[name]["properties"]}
    assert fields.keys() == declared.keys(), f"{name}: properties"
    required = {key for key, one in fields.items() if one.default is attrs.NOTHING}
    assert required == {normalize_name(key) for key in OBJECTS[name].get("required", [])}, name
    for key, one in fields.items():
        assert one.default in {attrs.NOTHING, harness.driver.unset}, f"{name}.{key} has a default"


@pytest.mark.parametrize("name", [name for name in OBJECTS if OBJECTS[name].get("required")])
def test_a_missing_required_property_is_a_key_error(harness, name):
    """The constructor requires it as well."""
    model = getattr(harness.driver.models, name)
    for drawn in harness.source.minimal_cover({"$ref": f"#/components/schemas/{name}"}):
        for key in OBJECTS[name]["required"]:
            with pytest.raises(KeyError, match=key):
                model.from_dict({one: drawn.value[one] for one in drawn.value if one != key})


@pytest.mark.parametrize("name", OBJECTS)
def test_enums_match_the_contract(harness, name):
    hints = harness.driver.type_hints(getattr(harness.driver.models, name))
    attributes = {normalize_name(attribute): hint for attribute, hint in hints.items()}
    for key, schema in OBJECTS[name]["properties"].items():
        modelled = literal_values(attributes[normalize_name(key)])
        assert modelled == enum_values(schema), f"{name}/{key}"


@pytest.mark.parametrize("name", OBJECTS)
def test_a_model_is_a_mapping_of_its_unknown_fields(harness, name):
    model = object.__new__(getattr(harness.driver.models, name))
    model.additional_properties = {"old": 0}
    model["new"] = 1
    assert model.additional_properties == {"old": 0, "new": 1}
    assert model.additional_keys == ["old", "new"]
    assert (model["new"], "new" in model, "other" in model) == (1, True, False)
    del model["new"]
    assert model.additional_properties == {"old": 0}


def test_enum_checks_accept_only_listed_values(harness):
    checks = 0
    for found in pkgutil.iter_modules(harness.driver.models.__path__):
        module = vars(importlib.import_module(f"{PACKAGE}.models.{found.name}"))
        check = module.get(f"check_{found.name}")
        if check is None:
            continue
        (words,) = (one for one in module.values() if typing.get_origin(one) is Literal)
        (allowed,) = (one for one in module.values() if isinstance(one, set))
        assert allowed == set(typing.get_args(words)), found.name
        for word in typing.get_args(words):
            assert check(word) is word
            with pytest.raises(TypeError, match=f"{word}X"):
                check(f"{word}X")
        checks += 1
    assert checks == json.dumps(SCHEMAS).count('"enum": [')


def literal_values(hint):
    """The values of every `Literal` in a type hint."""
    found = set()
    for choice in union_members(hint):
        if typing.get_origin(choice) is Literal:
            found |= set(typing.get_args(choice))
        elif typing.get_origin(choice) is list:
            found |= literal_values(typing.get_args(choice)[0])
    return found


def enum_values(schema):
    """The values of every enum of a schema, without those of nested objects."""
    schema = SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    found = {value for value in schema.get("enum", []) if value is not None}
    found |= {schema["const"]} if "const" in schema else set()
    for branch in (*schema.get("anyOf", []), *schema.get("oneOf", [])):
        found |= enum_values(branch)
    if isinstance(schema.get("items"), dict):
        found |= enum_values(schema["items"])
    return found
