"""Every word in a table of the tools decides what the table is for, and no other word does."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema_rs
import pytest
from tests.cases import each_case

from contract_tools._common import json_values, portable_yaml
from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import Json, JsonObject, members
from contract_tools._common.openapi import json_media, operations
from contract_tools._common.workspace import Workspace
from contract_tools.build import join_operations, lint, merge, overlays
from contract_tools.diff import (
    judge,
    operation_rules,
    page_report,
    python_names,
    renames,
    schema_edits,
    witness,
)
from contract_tools.diff.changes import COMPATIBLE, Judgement
from contract_tools.diff.compare import compare
from contract_tools.diff.inline import inline
from contract_tools.diff.json_differences import Difference, differences
from contract_tools.diff.schema_edits import Edit, find_edits
from contract_tools.generate import generator, operations_table, regenerate
from contract_tools.operation import (
    fields,
    names,
    new_operation,
    overlay,
    prose,
    samples,
    signature,
)
from contract_tools.pages import confidence, register, variants

STRING: Json = {"type": "string"}
NUMBER: Json = {"type": "number"}
# Keywords that restrict a value, without those that hold other schemas.
RULES = (
    "type", "enum", "const", "format", "pattern", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems",
    "uniqueItems", "minProperties", "maxProperties",
)  # fmt: skip
DATA = ("enum", "const", "example", "examples", "default")


def test_an_update_replaces_no_rule_of_a_page() -> None:
    for rule in (*RULES, "title", "x-known-values"):
        row: JsonObject = {"target": "$.a", "description": "why", "x-evidence": "where"}
        action = overlays._action({**row, "update": {rule: "new"}}, "fix.yaml")
        document: JsonObject = {"a": {rule: "old"}}
        if rule not in RULES:
            overlays.apply_overlay(overlays.Overlay("fix.yaml", (action,)), document)
            assert document == {"a": {rule: "new"}}
            continue
        with pytest.raises(ContractError, match=f"/a/{rule} is .old. already"):
            overlays.apply_overlay(overlays.Overlay("fix.yaml", (action,)), document)


def test_wording_is_no_rule() -> None:
    wording = ("description", "title", "example", "examples", "externalDocs", "default",
               "deprecated", renames.OWNER)  # fmt: skip
    for key in (*wording, *RULES, "$comment"):
        one, other = ({"items": {key: value}} for value in ("one", "two"))
        assert renames.have_same_rules(one, other) is (key in wording), key
        assert (not list(find_edits(one, other))) is (key in wording), key
    for key in ("enum", "const", "not"):
        # Data may have members of these names, and a property may be called so.
        one, other = ({key: [{"title": text}]} for text in ("one", "two"))
        assert renames.have_same_rules(one, other) is (key == "not"), key
    assert not renames.have_same_rules({"properties": {"title": STRING}}, {"properties": {}})


def test_a_renamed_object_may_differ_in_what_is_nested_in_it() -> None:
    part: JsonObject = {"properties": {"x": STRING}}
    changed: JsonObject = {"properties": {"x": NUMBER}}
    for key, old, new in [
        ("properties", part["properties"], changed["properties"]),
        ("required", ["x"], ["x", "y"]),
        ("items", part, changed),
        ("additionalProperties", False, True),
        *((union, [part], [changed]) for union in ("anyOf", "oneOf", "allOf")),
        ("minProperties", 1, 2),
        ("not", part, changed),
    ]:
        before, after = {**part, key: old}, {**part, key: new}
        found = renames.find_renames({"old": before}, {"new": after})
        assert found == ({} if key in {"minProperties", "not"} else {"old": "new"}), key


def test_a_field_that_stays_is_the_new_name_of_none() -> None:
    for stays in (False, True):
        before: JsonObject = {"old": STRING, **({"other": STRING} if stays else {})}
        found = renames.find_renames(before, {"other": STRING})
        assert found == ({} if stays else {"old": "other"})


def test_what_is_inside_a_value_has_its_path() -> None:
    value: Json = {"a": ["x", ["y", {"b": "z"}]], "c": 1}
    found = [(".".join(map(str, path)), one) for path, one in json_values.walk(value)]
    assert found == [
        ("", value),
        ("a", ["x", ["y", {"b": "z"}]]),
        ("a.0", "x"),
        ("a.1", ["y", {"b": "z"}]),
        ("a.1.0", "y"),
        ("a.1.1", {"b": "z"}),
        ("a.1.1.b", "z"),
        ("c", 1),
    ]


def test_a_pointer_escapes_what_separates_its_steps() -> None:
    document: JsonObject = {"a~b/c": [{"~1": "x"}]}
    assert json_values.pointer(("a~b/c", 0, "~1")) == "/a~0b~1c/0/~01"
    assert json_values.at_pointer(document, "/a~0b~1c/0/~01") == "x"


def test_branches_are_paired_by_rules_then_by_component_then_as_the_last_ones() -> None:
    def branch(rule: str, owner: str = "") -> JsonObject:
        return {"type": rule, **({schema_edits.OWNER: owner} if owner else {})}

    pair = schema_edits._pair_branches
    assert pair([branch("a"), branch("b")], [branch("b"), branch("a")]) == {0: 1, 1: 0}
    for owners, wanted in (("A", "B"), {0: 1, 1: 0}), (("", ""), {}), (("A", ""), {0: 1, 1: 0}):
        before = [branch(f"old {owner}", owner) for owner in owners]
        after = [branch(f"new {owner}", owner) for owner in reversed(owners)]
        assert pair(before, after) == wanted, owners


def test_a_resource_is_named_like_the_end_of_its_path() -> None:
    for path, name in ("/v1/_X-rayX_/{id}", "x_rayx"), ("/runway/Text To.Image", "text_to_image"):
        page: Any = SimpleNamespace(path=path)
        assert names._derive_resource(page) == name


def test_a_package_without_a_list_of_names_exports_none(tmp_path: Path) -> None:
    module = tmp_path / "__init__.py"
    for text, exported in ("x = 1", set()), ('x = 1\n__all__ = ("A", "B")', {"A", "B"}):
        module.write_text(text, "utf-8")
        assert generator._exported(module) == exported


def test_a_field_that_is_new_hits_only_if_it_is_required() -> None:
    for is_required in (False, True):
        edit = Edit("/a", "what", "added", (), "A", "a", is_required=is_required)
        (effect,) = python_names.effects_of_edit(edit, {}, is_body=False)
        assert (effect.name, effect.breaking) == ("models.A.a", is_required)
        assert effect.what == ("is new, and required" if is_required else "is new")


def test_a_difference_that_no_value_shows_is_breaking_where_it_is_sure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(witness.WitnessSearch, "find", lambda *_: None)
    for covered, verdict in ("NO", "breaking"), ("UNKNOWN", "undecided"):
        compared = SimpleNamespace(
            covers=lambda _, covered=covered: getattr(judge.Containment, covered),
            subtract=lambda _: SimpleNamespace(
                satisfiability=lambda: judge.Satisfiability.YES, to_json_schema=dict
            ),
        )
        library = SimpleNamespace(
            canonicalize=lambda _, compared=compared: compared,
            Draft202012Validator=jsonschema_rs.Draft202012Validator,
        )
        monkeypatch.setattr(judge, "jsonschema_rs", library)
        assert judge.judge({}, {"type": "string"}, "request").verdict == verdict


def test_a_type_annotation_depends_on_some_keywords() -> None:
    annotated = ("type", "enum", "const", "format", "items", "additionalProperties", "anyOf",
                 "oneOf", "allOf")  # fmt: skip
    for key in (*annotated, "minimum", "pattern", "maxLength"):
        edit = Edit("/a", "what", "changed", (), "A", "a", keywords=frozenset({key}))
        effects = python_names.effects_of_edit(edit, {}, is_body=False)
        assert [one.name for one in effects] == (["models.A.a"] if key in annotated else []), key
        for found in find_edits({key: ["a"]}, {key: ["b"]}) if not key.endswith("Of") else ():
            assert found.narrows_type is (key in annotated), key
    whole = Edit("", "what", "changed", (), "A", keywords=frozenset({"type"}))
    assert [one.name for one in python_names.effects_of_edit(whole, {}, is_body=True)] == [
        "models.A"
    ]
    for name in ("", "a"):
        inline_schema = Edit("", "what", "changed", (), "", name, keywords=frozenset({"type"}))
        assert python_names.effects_of_edit(inline_schema, {}, is_body=True) == []


def test_names_that_a_generated_model_cannot_have_end_with_an_underscore() -> None:
    for name in ("self", "true", "false", "datetime", "type", "class", "None", "id", "cls"):
        wanted = name if name in {"id", "cls", "None"} else f"{name}_"
        assert python_names.snake_case(name) == wanted.lower(), name
    assert python_names.module({"operationId": "a"}) == "cometapi_runway_api.api.default.a"


def test_reading_tasks_is_no_resource_of_its_own() -> None:
    for name in ("tasks", "feed", "still"):
        raw: JsonObject = {"operationId": "a", "x-resource": name}
        assert python_names.resources(raw) == (["client.still"] if name == "still" else [])
        assert bool(python_names.calls(raw)) is (name == "still")


def test_data_in_a_schema_contains_no_references() -> None:
    document: JsonObject = {"components": {"schemas": {"A": STRING}}}
    for key in (*DATA, "items", "value"):
        schema: JsonObject = {key: {"$ref": "#/components/schemas/A"}}
        kept = inline(document, schema) == schema
        assert kept is (key in DATA), key


def test_a_branch_that_contradicts_its_schema_is_kept() -> None:
    agreed: JsonObject = {"type": "string", "maxLength": 5}
    other: JsonObject = {"type": "integer"}
    assert inline({}, {"type": "string", "allOf": [agreed, other]}) == {**agreed, "allOf": [other]}


def test_data_in_the_contract_is_not_checked() -> None:
    for key in (*DATA, "value", "items"):
        found = list(lint._repeated_values({"schema": {key: {"enum": [1, 1]}}}))
        assert bool(found) is (key == "items"), key
    # A property may be called so.
    assert not list(lint._defaults_below({}, [{"properties": {"default": STRING}}]))
    assert list(lint._defaults_below({}, [{"items": {"default": 1}}]))
    assert not list(lint._lonely_references({"properties": {"$ref": STRING, "a": STRING}}))
    assert list(lint._lonely_references({"items": {"$ref": "#/a", "type": "string"}}))


def test_a_header_has_no_date() -> None:
    for name in ("date", "date-time", "uri"):
        parameter: JsonObject = {"in": "header", "schema": {"format": name}}
        found = [problem for _, problem in lint._headers({"a": parameter})]
        wanted = [f"a header must not have the format {name}"] if name != "uri" else []
        assert found == wanted
        assert not list(lint._headers({"a": {**parameter, "in": "query"}}))


def test_every_page_states_what_pages_share() -> None:
    page: JsonObject = {name: name for name in ("openapi", "servers", "security")}
    merged: JsonObject = {}
    merge._take_shared(merged, {**page, "info": 1, "paths": 2, "components": 3, "tags": 4}, "a")
    own: JsonObject = {"info": 5, "paths": 6, "components": 7}
    merge._take_shared(merged, {**page, **own}, "b")
    assert merged.keys() == {*page, "tags", "info"}
    assert merged["info"] == {"title": "Runway API behind CometAPI", "version": "1.0.0"}
    for name in page:
        with pytest.raises(ContractError, match=f"^c: {name} is missing or empty"):
            merge._take_shared({}, {**page, name: ""}, "c")
    for name in (*page, "tags"):
        with pytest.raises(ContractError, match=f"^c: {name} is 'other', the other pages have"):
            merge._take_shared(merged, {**page, name: "other"}, "c")


def test_a_path_holds_operations_and_more() -> None:
    methods = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
    item: JsonObject = {name: {} for name in (*methods, "parameters", "summary", "query", "GET")}
    found = [one.method for one in operations({"paths": {"/a": item}})]
    assert found == [method.upper() for method in methods]


def test_a_register_entry_states_everything(empty_workspace: Workspace) -> None:
    texts = ("source", "method", "path", "sha256", "obtained")
    row: JsonObject = {**dict.fromkeys(texts, "x"), "obtained": "page"}
    assert register._entry(row, "page 1").obtained == "page"
    for name in texts:
        with pytest.raises(ContractError, match=f"^page 1: {name}: expected a non-empty"):
            register._entry({**row, name: None}, "page 1")
    levels: JsonObject = {
        level: level for level in ("documented", "observed", "upstream", "inferred")
    }
    entry = register._entry({**row, "obtained": "transcribed", "confidence": levels}, "page 1")
    assert entry.confidence == levels


def test_a_confidence_table_names_the_fields_of_every_part() -> None:
    media: JsonObject = {"content": {"application/json": {"schema": {
        "properties": {"a": {}}, "additionalProperties": {"properties": {"b": {}}},
        "items": {"properties": {"c": {}}}, "allOf": [{"properties": {"d": {}}}],
        "anyOf": [{"properties": {"e": {}}}], "oneOf": [{"properties": {"f": {}}}],
        "not": {"properties": {"g": {}}}}}}}  # fmt: skip
    operation: JsonObject = {"requestBody": media, "responses": {"200": media}}
    item: JsonObject = {"parameters": [{"name": "p"}], "post": operation}
    page: JsonObject = {"paths": {"/a": item}}
    parts = ["a", "{*}", "{*}.b", "[].c", "<oneOf 1>.f", "<anyOf 1>.e", "<allOf 1>.d"]
    wanted = [f"{name}.{part}" for name in ("body", "responses.200") for part in parts]
    assert list(confidence._parts(page)) == ["parameters.p", *wanted]
    known = dict.fromkeys(["parameters.p", *wanted], "inferred")
    for part in ("parameters.q", "body.q", "responses.q", "operation"):
        entry = register.Entry("a", "POST", "/a", "0", "transcribed", "", {**known, part: "x"})
        if part == "operation":
            confidence.check_confidence(page, entry, "a.yaml")
            continue
        with pytest.raises(ContractError, match=f"names {part}, which does not exist"):
            confidence.check_confidence(page, entry, "a.yaml")


def test_the_table_counts_the_levels_of_fields() -> None:
    levels: JsonObject = {
        "body.a": "inferred", "responses.200.a": "upstream", "parameters.a": "observed",
        "body.b": "documented", "body.c": "inferred",
    }  # fmt: skip
    text = operations_table._count_levels(levels)
    assert text == "1 documented, 1 observed, 1 upstream, 2 inferred"
    assert operations_table._count_levels({"operation": "inferred"}) == "all documented"


def test_a_curl_command_sends_data_by_several_options() -> None:
    for option in ("-d", "--data", "--data-raw", "--data-binary", "--json", "--form"):
        found, headers = samples._parse_curl(f"curl u {option} '{{\"a\": 1}}' -H 'A: b'")
        assert (found, headers) == ({} if option == "--form" else {"a": 1}, {}), option


def test_a_docstring_has_plain_characters() -> None:
    assert signature._plain('a\\b """') == "a/b '''"
    text = "\u2018a\u2019 \u201cb\u201d 1\u20132\u20143 4\u00d75\u2026\u00a0\u00e9"
    assert signature._plain(text) == "'a' \"b\" 1-2-3 4x5... \u00e9"


def test_a_description_says_what_an_argument_takes() -> None:
    for annotation, text in {
        "AssetInput": "An address or a file, or an object with ``uri``.",
        "RatioInput": '``"W:H"`` or ``(W, H)``.',
        "ReferencesInput": "Each is an address or a file, or an object with ``uri``.",
        "UriInput": "An https URL, a data URI, or a local file as a `pathlib.Path`.",
        "str": "",
    }.items():
        found = fields.Resolved(frozenset(), {"description": "A thing."})
        described = fields._describe("x", found, annotation, None)
        assert described == " ".join(filter(None, ("A thing.", text))), annotation


@each_case(
    ("words", "component"),
    [
        ("image picture photo still portrait", "ImageUri"),
        ("video clip footage", "VideoUri"),
        ("callback webhook", "WebUrl"),
        ("sound", ""),
    ],
)
def test_a_word_tells_what_an_address_leads_to(words: str, component: str) -> None:
    for word in words.split():
        for text in (word, word.upper()):
            assert prose.media_component("uri", {"description": text}) == component, text


def test_a_format_or_a_name_makes_an_address() -> None:
    for name in ("uri", "url", "date"):
        assert prose.is_address("x", {"type": "string", "format": name}) is (name != "date")
    for name in ("uri", "url", "a_uri", "a_url", "aUri", "aUrl", "aURI", "aURL", "curry", "urls"):
        assert prose.is_address(name, {"type": "string"}) is (name not in {"curry", "urls"}), name
    for key in ("enum", "pattern", "maxLength"):
        schema: JsonObject = {"type": "string", "format": "uri", key: 1}
        assert prose.is_address("x", schema) is (key == "maxLength"), key


def test_some_keywords_close_a_field() -> None:
    for key in ("enum", "const", "pattern", "type"):
        assert overlay._is_closed({key: 1}) is (key != "type"), key


def overlay_of(tag: str, properties: JsonObject) -> overlay.OverlayWriter:
    schema: Json = {"properties": properties}
    operation: JsonObject = {
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": {"201": {}},
    }
    page: Any = SimpleNamespace(document={}, path="/a", method="POST", route="POST /a", source="a")
    return overlay.OverlayWriter(page, names.Names(tag, "thing"), operation, [], set())


def test_a_value_that_must_be_is_known() -> None:
    schema: JsonObject = {"type": "string", "description": "Must be gen5_mini."}
    writer = overlay_of("official", {"model": schema})
    writer.write()
    updates = [members(members(one).get("update")) for one in writer.actions]
    (found,) = [one["x-known-values"] for one in updates if "x-known-values" in one]
    assert "gen5_mini" in str(found)


def test_known_values_are_written_for_some_fields() -> None:
    is_open: JsonObject = {"type": "string", "default": "1:1"}
    for name in ("model", "ratio", "duration", "style"):
        for schema, listed in (
            (is_open, ("model", "ratio", "duration")),
            ({**is_open, "enum": ["1:1"]}, ("model",)),
        ):
            writer = overlay_of("official", {name: schema})
            writer.write()
            updates = [members(members(one).get("update")) for one in writer.actions]
            found = [one for one in updates if "x-known-values" in one]
            assert len(found) == (name in listed), name


def test_a_seed_with_bounds_keeps_them() -> None:
    for key in ("minimum", "maximum", "format"):
        writer = overlay_of("official", {"seed": {"type": "integer", key: 1}})
        writer.write()
        assert ("components/schemas/Seed" in str(writer.actions)) is (key == "format"), key


def test_the_success_of_a_page_is_any_2xx() -> None:
    writer = overlay_of("official", {})
    writer.write()
    assert ".responses['201']" in str(writer.actions)


CLASS = """
class {name}:
    set_{key} = 1
    declared_{key}: int
    async def asynchronous_{key}(self):
        pass
    def method_{key}(self):
        self.own_{key} = read_{key}
"""


def test_the_attributes_of_every_client_class_are_taken(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    classes = {
        "official": ("Operations", "BaseClient", "RunwayClient"),
        "compat": ("CompatOperations", "Compat"),
    }
    listed = [*classes["official"], *classes["compat"], "Other"]
    workspace.client.parent.mkdir(parents=True)
    workspace.client.write_text(
        "".join(CLASS.format(name=name, key=name.lower()) for name in listed), "utf-8"
    )
    for tag, wanted in classes.items():
        found = names._client_attributes(workspace, tag)
        kinds = ("set", "declared", "method", "asynchronous", "own")
        assert found == {f"{kind}_{name.lower()}" for name in wanted for kind in kinds}


def test_every_page_of_the_documentation_gets_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_operation, "operations_table", lambda _: "new\n")
    marked = f"{operations_table.BEGIN}\nold\n{operations_table.END}\n"
    pages = [tmp_path / name for name in ("README.md", "docs/a.md", "docs/more/b.md")]
    for file in (*pages, tmp_path / "docs/more/c.md", tmp_path / "other.md"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(marked if file.stem != "c" else "no table", "utf-8")
    contract: Any = SimpleNamespace(document={})
    written = new_operation._write_tables(Workspace(tmp_path), contract)
    assert written == {file: marked.replace("old", "new").encode() for file in pages}


def test_some_members_of_a_security_scheme_are_rules() -> None:
    rules = ("type", "scheme", "in", "name", "flows", "bearerFormat", "openIdConnectUrl")
    for key in (*rules, "description"):
        old, new = ({"components": {"securitySchemes": {"k": {key: v}}}} for v in ("a", "b"))
        assert len(list(operation_rules.document_changes(old, new))) == (key in rules), key


def operation_with(**raw: Json) -> JsonObject:
    return {"paths": {"/a": {"post": {"operationId": "a"} | raw}}}


def test_an_operation_is_deprecated_once() -> None:
    for old, new in ((False, True), (True, True), (True, False), (False, False)):
        one, other = (operation_with(deprecated=value) for value in (old, new))
        found = [change.what for change in compare(one, other, lambda *_: COMPATIBLE)]
        assert found == (["deprecated"] if (old, new) == (False, True) else [])


def test_a_renamed_operation_without_its_resource_has_no_call_left() -> None:
    old, new = (operation_with(**raw) for raw in ({"x-resource": "still"}, {"operationId": "b"}))
    found = {one.name: one.what for change in compare(old, new, lambda *_: COMPATIBLE)
             for one in change.effects}  # fmt: skip
    package = "cometapi_runway_api.api.default"
    assert found == {f"{package}.a": f"is called {package}.b", "client.still": "is gone"}


def test_only_a_status_that_is_a_success_breaks() -> None:
    two: JsonObject = {"200": {}, "201": {}, "400": {}}
    for old, new in ((two, {**two, "202": {}}), ({**two, "202": {}}, two)):
        (change,) = compare(
            operation_with(responses=old), operation_with(responses=new), lambda *_: COMPATIBLE
        )
        how = "new" if "202" in new else "gone"
        assert (change.part, change.what) == ("response 202", f"documented response is {how}")
        assert (change.verdict, change.judgement.reason) == (
            "breaking", f"a success status is {how}"
        )  # fmt: skip
    failures = {"500": "one", "429": "other"}
    for status, other in (tuple(failures), tuple(failures)[::-1]):
        found = compare(
            operation_with(responses={status: {}}), operation_with(responses={other: {}}),
            lambda *_: COMPATIBLE,
        )  # fmt: skip
        assert [(one.part, one.verdict) for one in found] == [
            (f"response {status}", "compatible"), (f"response {other}", "compatible")
        ]  # fmt: skip


def test_arrays_of_objects_are_compared_by_entry() -> None:
    one, other = {"a": 1}, {"b": 2}
    for old, new in (([1], [one]), ([one], [1]), ([one], [one, other])):
        assert list(differences(old, new)) == [Difference((), "changed", old, new)]
    found = [(change.path, change.kind) for change in differences([one], [other])]
    assert found == [((0, "a"), "removed"), ((0, "b"), "added")]


def test_a_parameter_of_another_type_breaks_programs() -> None:
    for key, breaks in (("type", True), ("maxLength", False)):
        old, new = (
            operation_with(parameters=[{"in": "query", "name": "q", "schema": {key: value}}])
            for value in ("a", "b")
        )
        (change,) = compare(old, new, lambda *_: COMPATIBLE)
        assert [one.breaking for one in change.effects] == [breaks], key
        assert change.part == "query parameter q"


def test_changes_are_judged_together_with_every_offered_field() -> None:
    def body(fields: JsonObject) -> JsonObject:
        content: JsonObject = {"application/json": {"schema": {"properties": fields}}}
        return operation_with(requestBody={"content": content})

    judged: list[tuple[JsonObject, JsonObject]] = []

    def record(old: JsonObject, new: JsonObject, *_: str) -> Judgement:
        judged.append((old, new))
        return COMPATIBLE

    list(compare(body({"a": STRING}), body({"a": STRING, "b": STRING, "c": NUMBER}), record))
    ((known, whole),) = judged
    assert known["properties"] == whole["properties"]


def test_a_route_needs_the_keys_of_its_document() -> None:
    def with_keys(*choices: str, **raw: Json) -> JsonObject:
        listed: Json = [{key: [] for key in choice.split()} for choice in choices]
        return {**operation_with(**raw), "security": listed}

    for old, new, what, breaks in (
        (with_keys("b a"), with_keys("c"), "was a and b, is c", True),
        (with_keys("a"), with_keys("b", "a"), "was a, is b or a", False),
        (with_keys("a"), with_keys("a", security=[]), "was a, is no key", False),
        (with_keys("a"), with_keys("a b"), "was a, is a and b", True),
    ):
        (change,) = compare(old, new, lambda *_: COMPATIBLE)
        assert (change.part, change.what) == ("security", what)
        assert (change.verdict == "breaking") is breaks
    assert list(compare(with_keys("a", "b"), with_keys("b", "a"), lambda *_: COMPATIBLE)) == []


def test_what_two_pages_say_is_joined_in_the_order_of_the_first() -> None:
    joined = join_operations._prefer_first({"b": 1, "a": 2}, {"c": 3, "a": 4})
    assert list(members(joined).items()) == [("b", 1), ("a", 2), ("c", 3)]
    assert join_operations._prefer_first([1, 2], [3, 2]) == [1, 2, 3]
    assert join_operations._prefer_first([1], {"a": 1}) == [1]
    union: Json = {"anyOf": [STRING, NUMBER]}
    for first, second, wanted in (
        (STRING, None, STRING), (None, STRING, STRING), (STRING, STRING, STRING),
        (None, None, None), (STRING, NUMBER, union), (union, {}, {"anyOf": [STRING, NUMBER, {}]}),
        ({**members(union), "title": "a"}, STRING,
         {"anyOf": [{**members(union), "title": "a"}, STRING]}),
    ):  # fmt: skip
        assert join_operations._any_of(first, second) == wanted


def test_a_default_in_a_schema_that_contains_itself_is_found_once() -> None:
    reference: Json = {"$ref": "#/a"}
    document: JsonObject = {"a": {"default": 1, "items": reference}}
    found = list(islice(lint._defaults_below(document, [reference]), 5))
    assert found == ["/#~1a"]


def test_an_example_of_a_variant_is_renamed() -> None:
    media: JsonObject = {"schema": STRING, "example": 1, "examples": {"a": {"value": 2}}}
    operation: JsonObject = {"requestBody": {"content": {"application/json": media}}}
    entry = register.Entry("a", "POST", "/a", "0", "page", "Thing")
    page = variants.name_variant_body({"paths": {"/a": {"post": operation}}}, entry, "a.yaml")
    (named,) = (json_media(members(one.raw["requestBody"])) for one in operations(page))
    assert named == {
        "schema": {"anyOf": [{"$ref": "#/components/schemas/Thing"}]},
        "examples": {"Thing a": {"value": 2}, "Thing": {"value": 1}},
    }


def test_a_message_describes_what_was_found() -> None:
    for value, text in (
        ({}, "an object with the keys (none)"), ({"a": 1, "b": 2}, "an object with the keys a, b"),
        ([1, 2], "an array of 2"), (None, "nothing (null)"), ("a", "'a'"), (1, "1"),
    ):  # fmt: skip
        assert json_values.describe(value) == text
    for path in ((1,), ("1",), ("a",), (0, "a")):
        with pytest.raises(ContractError, match=r"^#/.*: points at nothing; .* has no "):
            json_values.at_path([1], path)
    with pytest.raises(ContractError) as caught:
        portable_yaml.load("a: [", "a.yaml")
    place = "a.yaml: line 1, column 5 not YAML"
    assert str(caught.value) == f"{place}: expected the node content, but found '<stream end>'"


def test_a_body_becomes_required_or_optional() -> None:
    for old, new, what, verdict in (
        (True, False, "no longer required", "compatible"),
        (False, True, "now required", "breaking"),
    ):
        one, other = (
            operation_with(requestBody={"required": value, "content": {}}) for value in (old, new)
        )
        (change,) = compare(one, other, lambda *_: COMPATIBLE)
        assert (change.part, change.what, change.verdict) == ("body", what, verdict)
        assert list(compare(one, one, lambda *_: COMPATIBLE)) == []


def test_a_change_that_nothing_decides_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "_gap", lambda *_: (False, False))
    found = judge.judge({"type": "null"}, {"type": "null"}, "request", "")
    assert (found.verdict, found.witness) == ("undecided", [])
    assert found.reason == "neither compatibility nor a difference could be shown"


def test_a_difference_is_applied_and_described_by_its_kind() -> None:
    old: JsonObject = {"a": {"b": 1, "c": [1, 2]}}
    for kind, before, after, wanted, text in (
        ("added", None, 2, {"b": 2, "c": [1, 2]}, "added: 2"),
        ("removed", 1, None, {"c": [1, 2]}, "removed (was 1)"),
        ("renamed", 1, "d", {"c": [1, 2], "d": 1}, "looks renamed to d"),
        ("reordered", 1, 2, {"b": 2, "c": [1, 2]}, "the same entries in another order"),
        ("changed", 1, 2, {"b": 2, "c": [1, 2]}, "changed from 1 to 2"),
        ("changed", 1, 1, {"b": 1, "c": [1, 2]}, "changed"),
    ):
        one = Difference(("a", "b"), kind, before, after)  # type: ignore[arg-type] # a literal
        assert one.apply(old) == {"a": wanted}, kind
        assert page_report._line_by_pointer(one) == f"at /a/b: {text}"


def test_the_examples_of_every_branch_are_found() -> None:
    for union in ("anyOf", "oneOf", "allOf", "not"):
        schema: JsonObject = {union: [{"examples": [1], "properties": {"a": {"example": 2}}}]}
        assert witness.find_examples(schema) == ({} if union == "not" else {"": [1], "/a": [2]})


def test_the_models_of_a_document_have_their_fields() -> None:
    schemas: JsonObject = {"A": {"properties": {"aB": {}}}, "B": {"type": "string"}}
    assert python_names.models({"components": {"schemas": schemas}}) == {"A": ["a_b"]}


def test_names_of_the_contract_are_taken() -> None:
    contract: JsonObject = {"paths": {
        "/a": {"post": {"tags": ["official"], "x-resource": "a"}},
        "/b": {"post": {"tags": ["compat"], "x-resource": {"b": "B", "c": "C"}}}}}  # fmt: skip
    assert names._resources(contract, "official") == {"a"}
    assert names._resources(contract, "compat") == {"b", "c"}
    for field, name in (("X-Y", "x_y"), ("_a_", "a"), ("aB", "a_b"), ("for", "for_")):
        assert fields._argument_name(field, ()) == name


def test_every_file_has_its_place() -> None:
    one = Workspace(Path("/x"))
    places = (one.pyproject, one.vendor, one.register, one.overlays, one.contract,
              one.generator_config, one.package, one.signatures, one.client, one.samples,
              one.scratch)  # fmt: skip
    assert [one.name(place) for place in places] == [
        "pyproject.toml", "openapi/vendor", "openapi/vendor/pages.toml", "openapi/overlays",
        "openapi/runway.yaml", "openapi/generator.yaml", "generated/cometapi_runway_api",
        "wrapper/cometapi_runway/resources/_signatures", "wrapper/cometapi_runway/_client.py",
        "tests/data/samples", ".build",
    ]  # fmt: skip


def test_a_sample_names_how_the_page_shows_it_and_what_it_leaves_out() -> None:
    media: JsonObject = {
        "examples": {"A": {"value": {"n": 1}}, "B": {"value": {"n": 2}}},
        "example": {"n": 3},
        "schema": {"default": {"n": 4}},
    }
    code: Json = {"source": "curl u -H 'A: b: c' -H 'X-Runway-Version: 1: 2' -d '{\"n\": 5}'"}
    header: JsonObject = {"in": "header", "required": True}
    operation: JsonObject = {
        "requestBody": {"content": {"application/json": media}},
        "x-codeSamples": [code],
        "parameters": [{**header, "name": "B"}, {**header, "name": "C", "required": False}],
    }
    item: JsonObject = {"parameters": [{**header, "name": "A"}], "post": operation}
    page: Any = SimpleNamespace(document={"paths": {"/a": item}})
    version = {"X-Runway-Version": "2024-11-06"}
    assert samples.read_samples(page) == [
        samples.Sample("example", "example A of the body", {"n": 1}, version),
        samples.Sample("example-2", "example B of the body", {"n": 2}, version),
        samples.Sample("example", "example of the body", {"n": 3}, version),
        samples.Sample("default", "default of the body", {"n": 4}, version),
        samples.Sample("code", "code sample", {"n": 5}, {"X-Runway-Version": "1: 2"}),
    ]
    assert list(samples._required_headers(page)) == ["A", "B"]


def test_yaml_is_read_and_written_with_its_places() -> None:
    with pytest.raises(ContractError, match=r"^a\.yaml: /a/b/0 reads 'no' under YAML 1\.2 but"):
        portable_yaml.load_unambiguous("a:\n  b: [no]\n", "a.yaml")
    assert portable_yaml.dump({"a": "x\ny"}) == "a: |-\n  x\n  y\n"
    assert portable_yaml.dump({"a": "x\u2028y"}) == 'a: "x\\Ly"\n'
    assert portable_yaml.dump({"a": "no", "b": "x"}) == "a: 'no'\nb: x\n"


def test_a_derived_file_that_is_no_text_is_compared_too() -> None:
    lines = regenerate._differences({"a": b"\xff"}, {"a": b"a"})
    assert lines[3:] == [
        "@@ -1 +1 @@", "-\ufffd", "+a",
        "1 file differs from what `make regenerate` makes; run it",
    ]  # fmt: skip
