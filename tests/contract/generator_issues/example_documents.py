"""Small OpenAPI documents that show generator issues.

`EXCHANGES` is generated and called; `DROPPED_OPERATIONS` holds operations that the generator omits;
the others are rejected or generate code that is not Python.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]


def operation(schema: Schema | None = None, response: Schema | None = None, **more: Any) -> Schema:
    """An operation with a JSON body and a JSON response."""
    result: Schema = {"tags": ["odd"], "responses": {"200": json("done", response or {})}, **more}
    if schema is not None:
        result["requestBody"] = {"required": True, "content": content(schema)}
    return result


def content(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def json(words: str, schema: Schema) -> Schema:
    return {"description": words, "content": content(schema)}


def thing(*required: str, **properties: Schema) -> Schema:
    """An object schema."""
    return {"type": "object", "properties": properties, "required": list(required)}


def parameter(place: str, name: str, schema: Schema, **more: Any) -> Schema:
    return {"in": place, "name": name, "required": place == "path", "schema": schema, **more}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def document(
    operations: dict[str, Schema], schemas: dict[str, Schema] | None = None, **more: Any
) -> Schema:
    """A document of operations by id; ``x-path`` overrides the path of an operation."""
    paths: Schema = {}
    for name, one in operations.items():
        path, method = one.get("x-path", f"/{name}"), "get" if "requestBody" not in one else "post"
        kept = {key: value for key, value in one.items() if key != "x-path"}
        paths.setdefault(path, {})[method] = {"operationId": name, **kept}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Generator issues", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": schemas or {},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        **more,
    }


TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
KEY = [{"key": []}]
TEXTS = {"type": "array", "items": TEXT}

_REQUESTS = {
    "with_default": operation(thing(seed={**WHOLE, "default": 1})),
    "with_reference_default": operation(thing(mood={**ref("Mood"), "default": "calm"})),
    "with_object_default": operation(
        thing(limits={**thing(level=TEXT), "default": {"level": "auto"}})
    ),
    "with_list_default": operation(thing(names={**TEXTS, "default": ["a"]})),
    "with_union_default": operation(
        thing(limits={"oneOf": [thing(level=TEXT), TEXT], "default": {"level": "auto"}})
    ),
    "with_bounds": operation(thing("seed", seed={**WHOLE, "minimum": 0, "maximum": 9})),
    "with_pattern": operation(thing("ratio", ratio={**TEXT, "pattern": "^[0-9]+:[0-9]+$"})),
    "with_list": operation(thing("marks", marks={"type": "array", "items": ref("Mark")})),
    "with_const": operation(thing("model", model={"const": "act_two"})),
    "with_read_only": operation(thing("id", id={**TEXT, "readOnly": True})),
    "with_pattern_names": operation(ref("PatternNames")),
    "with_null_body": operation({"type": ["object", "null"], "properties": {"a": TEXT}}),
    "with_odd_names": operation(ref("OddNames")),
    "with_timestamp": operation(thing("at", at={**TEXT, "format": "date-time"})),
    "at_path": operation() | {
        "x-path": "/things/{id}", "parameters": [parameter("path", "id", TEXT)]},
    "at_boolean": operation() | {
        "x-path": "/booleans/{yes}", "parameters": [parameter("path", "yes", {"type": "boolean"})]},
    "by_joined_list": operation(
        parameters=[parameter("query", "names", TEXTS, explode=False)]),
    "by_piped_list": operation(
        parameters=[parameter("query", "names", TEXTS, style="pipeDelimited")]),
    "by_deep_object": operation(
        parameters=[parameter("query", "where", thing(a=TEXT), style="deepObject", explode=True)]),
    "by_content": operation(parameters=[
        {"in": "query", "name": "filter", "required": True, "content": content(thing(a=TEXT))}]),
    "by_header": operation(parameters=[parameter("header", "X-Note", TEXT)]),
    "by_type_header": operation(
        thing(a=TEXT), parameters=[parameter("header", "Content-Type", TEXT)]),
    "with_two_bodies": operation() | {"requestBody": {"required": True, "content": {
        **content(thing(a=TEXT)),
        "application/x-www-form-urlencoded": {"schema": thing(b=TEXT)}}}},
    "for_the_root_key": operation(),
    "twice": operation() | {"x-path": "/first"},
}  # fmt: skip

_ANSWERS = {
    "retrieve": operation(response=ref("Mark"), security=KEY)
    | {"responses": {"200": json("done", ref("Mark")), "429": json("slow", ref("Trouble"))}},
    "retrieve_union": operation(response={"anyOf": [ref("Closed"), ref("Trouble")]}),
    "retrieve_discriminated": operation(
        response={"oneOf": [ref("Still"), ref("Clip")], "discriminator": {"propertyName": "type"}}
    ),
    "retrieve_by_status": operation(response={"oneOf": [ref("Waits"), ref("Failed")]}),
    "retrieve_untyped": operation(response={}),
    "retrieve_nullable": operation(
        response=thing("mark", mark={"anyOf": [ref("Mark"), {"type": "null"}]})
    ),
    "retrieve_uuid": operation(response=thing("id", id={**TEXT, "format": "uuid"})),
    "retrieve_nullable_enum": operation(
        response=thing(state={"type": ["string", "null"], "enum": ["a", "b", None]})
    ),
    "retrieve_two_types": operation()
    | {
        "responses": {
            "200": {
                "description": "done",
                "content": {"text/html": {"schema": TEXT}, **content(ref("Mark"))},
            }
        }
    },
    "retrieve_any_type": operation()
    | {"responses": {"200": {"description": "done", "content": {"*/*": {"schema": ref("Mark")}}}}},
    "retrieve_without_schema": operation(response=ref("Mark"))
    | {"responses": {"200": json("done", ref("Mark")), "429": {"description": "slow"}}},
    "retrieve_null": operation() | {"responses": {"200": json("none", {"type": "null"})}},
}

EXCHANGES = document(
    _REQUESTS | _ANSWERS,
    {
        "Mood": {"type": "string", "enum": ["calm", "wild"]},
        "Mark": thing("id", id=TEXT, output=TEXTS, note=TEXT),
        "Trouble": thing("code", code=TEXT),
        "Closed": thing(
            "id", "status", id=TEXT, status={"type": "string", "enum": ["PENDING", "DONE"]}
        ),
        "Still": thing("type", type={"type": "string", "enum": ["image", "video"]}),
        "Clip": thing("type", type={"type": "string", "enum": ["video"]}),
        "Waits": thing("status", status={"const": "RUNNING"}),
        "Failed": thing("status", status={"const": "FAILED"}),
        "PatternNames": {
            "type": "object",
            "patternProperties": {"^x-": TEXT},
            "additionalProperties": False,
        },
        "OddNames": thing("to_dict", to_dict=TEXT),
    },
    security=KEY,
)
# The same operationId in another path: forbidden in OpenAPI, but a merge can produce it.
EXCHANGES["paths"]["/second"] = {
    "get": {**EXCHANGES["paths"]["/first"]["get"], "operationId": "twice", "summary": "the second"}
}

DROPPED_OPERATIONS = document(
    {
        "stays": operation(),
        "const_in_header": operation(parameters=[parameter("header", "V", {"const": "1"})]),
        "date_in_header": operation(
            parameters=[parameter("header", "V", {**TEXT, "format": "date"})]
        ),
        "mixed_enum": operation(thing(size={"enum": [1, "1"]})),
        "mismatched_default": operation(thing(size={**WHOLE, "default": "auto"})),
        "array_without_items": operation(thing(names={"type": "array"})),
        "text_body": operation()
        | {"requestBody": {"required": True, "content": {"text/plain": {"schema": TEXT}}}},
        "all_of_default": operation(
            thing(limits={"allOf": [ref("Limits")], "default": {"level": "auto"}})
        ),
        "deep_reference": operation(
            thing(limits={"$ref": "#/components/schemas/Limits/properties/inner"})
        ),
    },
    {"Limits": thing(level=TEXT, inner=thing(a=TEXT))},
)

TRUE_CONST = document({"agree": operation(thing(agreed={"const": True}))})
BOOLEAN_SCHEMA = document({"take": operation(thing(anything=True))})
CONST_OBJECT = document({"take": operation(thing(limits={"const": {"level": "auto"}}))})
