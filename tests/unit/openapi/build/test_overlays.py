"""Applying overlays: what the specification allows, and the stricter rules here."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import pytest

from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import Json, JsonObject, members
from contract_tools._common.workspace import Workspace
from contract_tools.build import overlays

GET_A: JsonObject = {"summary": "a", "default": 1, "responses": {"default": {}}}
DOCUMENT: JsonObject = {
    "info": {"title": "A", "tags": ["x", "y", "z"]},
    "paths": {
        "/a": {"get": GET_A},
        "/b": {"get": {"summary": "b", "default": 2}, "parameters": [{"name": "n"}, {"name": "m"}]},
    },
}


def text_of(*actions: JsonObject, **root: Json) -> str:
    document: JsonObject = {
        "overlay": "1.1.0",
        "info": {"title": "Fixes", "version": "1.0.0"},
        "actions": list(actions),
        **root,
    }
    return json.dumps({key: value for key, value in document.items() if value is not None})


def action(target: str, **fields: Json) -> JsonObject:
    return {"target": target, "description": "why", "x-evidence": "where", **fields}


def applied(*actions: JsonObject) -> JsonObject:
    document = deepcopy(DOCUMENT)
    overlays.apply_overlay(overlays.parse_overlay(text_of(*actions), "fix.yaml"), document)
    return document


@pytest.mark.parametrize(
    ("fix", "path", "value"),
    [
        (action("$.info", update={"title": "B"}), ["info", "title"], "B"),
        (action("$.info", update={"new": {"a": 1}}), ["info", "new"], {"a": 1}),
        (action("$.info", update={"tags": ["w"]}), ["info", "tags"], ["x", "y", "z", "w"]),
        (action("$.info.tags", update="w"), ["info", "tags"], ["x", "y", "z", "w"]),
        (action("$.info.tags", update=["w", "v"]), ["info", "tags"], ["x", "y", "z", "w", "v"]),
        (action("$.info.tags", update={"o": 1}), ["info", "tags"], ["x", "y", "z", {"o": 1}]),
        (action("$.info.title", update="B"), ["info", "title"], "B"),
        (action("$.info.title", update=None), ["info", "title"], None),
        (action("$.info.tags[1]", update="Y"), ["info", "tags"], ["x", "Y", "z"]),
        (action("$.info.tags[?@ == 'y']", remove=True), ["info", "tags"], ["x", "z"]),
        (action("$.info.tags[0, 2]", remove=True), ["info", "tags"], ["y"]),
        (action("$.info.tags[*]", remove=True), ["info", "tags"], []),
        (
            action("$.paths['/b'].parameters[?@.name == 'n']", remove=True),
            ["paths", "/b", "parameters"],
            [{"name": "m"}],
        ),
        (action("$.paths['/a'].get[*]", remove=True), ["paths", "/a", "get"], {}),
        (action("$.info", copy="$.paths['/a'].get.responses"), ["info", "default"], {}),
        (action("$.info.tags", copy="$.info.title"), ["info", "tags"], ["x", "y", "z", "A"]),
        (action("$.info.title", copy="$.paths['/a'].get.summary"), ["info", "title"], "a"),
        (action("$", update={"x-root": 1}), ["x-root"], 1),
    ],
)
def test_an_action_follows_the_specification(fix: JsonObject, path: list[str], value: Json) -> None:
    result: Json = applied(fix)
    for step in path:
        assert isinstance(result, dict)
        result = result[step]
    assert result == value


@pytest.mark.parametrize(
    "target",
    [
        # Every alternative selects something, though not in every node.
        "$.paths.*[?@.summary == 'a' || @.summary == 'b']",
        "$.paths.*[?@.summary == 'a' || @.default == 1]",
        "$.paths['/a', '/b'].get['summary', 'default']",
        "$.paths['/b'].parameters[?(@.name == 'n' || @.name == 'm') && @.name]",
        "$.paths['/b'].parameters[?!(@.name == 'o' || @.name == 'p')]",
    ],
)
def test_a_target_of_which_every_alternative_matches_is_applied(target: str) -> None:
    assert applied(action(target, remove=True)) != DOCUMENT


def test_one_action_changes_every_node_it_selects() -> None:
    result = applied(action("$.paths.*.get.default", remove=True))
    assert json.dumps(result).count('"default"') == 1, "the response named default stays"


def test_an_action_sees_the_result_of_the_one_before() -> None:
    result = applied(
        action("$.info", update={"kept": {}}),
        action("$.info.kept", copy="$.paths['/a'].get"),
        action("$.paths['/a'].get[*]", remove=True),
        action("$.paths['/a'].get", update={"$ref": "#/info/kept"}),
    )
    assert members(result["info"])["kept"] == GET_A
    assert members(result["paths"])["/a"] == {"get": {"$ref": "#/info/kept"}}


def test_a_copy_shares_nothing_with_its_source() -> None:
    result = applied(
        action("$.info", update={"one": {}, "two": {}}),
        action("$.info['one', 'two']", copy="$.paths['/a'].get"),
        action("$.info.one", update={"summary": "changed"}),
    )
    assert json.dumps(result).count('"changed"') == 1


@pytest.mark.parametrize(
    ("rule", "page", "fix"),
    [
        ("maximum", 3, 5),
        ("enum", ["a", "b"], ["a"]),
        ("enum", ["a"], ["a", "b"]),
        ("type", "integer", ["integer", "null"]),
        ("pattern", "^a$", "^b$"),
        ("uniqueItems", True, 1),
    ],
)
def test_a_rule_of_the_page_is_not_replaced_by_an_older_fix(
    rule: str, page: Json, fix: Json
) -> None:
    """The report would call a bound that the page narrowed unchanged."""
    found = action("$.info", update={"a": {rule: page}})
    applied(
        found, action("$.info.a", update={rule: page}), action("$.info", update={"a": {"b": 1}})
    )
    message = f"/info/a/{rule} is .* already, and update has .*; has the page changed"
    for target, update in (("$.info.a", {rule: fix}), ("$.info", {"a": {rule: fix}})):
        with pytest.raises(ContractError, match=message):
            applied(found, action(target, update=update))


def test_a_rule_is_replaced_on_purpose_and_a_property_of_its_name_is_merged() -> None:
    result = applied(
        action("$.info", update={"maximum": 3, "properties": {"type": {"a": 1}}}),
        action("$.info.maximum", update=5),
        action("$.info.properties", update={"type": {"b": 2}}),
    )
    info = members(result["info"])
    assert (info["maximum"], info["properties"]) == (5, {"type": {"a": 1, "b": 2}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (text_of(overlay="1.0.0"), r"^fix\.yaml: overlay must be '1\.1\.0', found '1\.0\.0'"),
        (text_of(overlay=None), r"^fix\.yaml: overlay must be '1\.1\.0', found nothing"),
        (text_of(info=None), r"^fix\.yaml: info: expected an object, found nothing"),
        (text_of(info={"title": "x"}), r"^fix\.yaml: info\.version: expected a non-empty string"),
        (text_of(info={"version": "1"}), r"^fix\.yaml: info\.title: expected a non-empty string"),
        (text_of(), r"^fix\.yaml: actions must be a non-empty array, found an array of 0"),
        (text_of(actions={}), r"^fix\.yaml: actions must be a non-empty array, found an object"),
        ("- 1", r"^fix\.yaml: expected an object, found an array of 1"),
        ("a: [", r"^fix\.yaml: .*not YAML"),
        (text_of(action("$.info", remove=True), action("")), r"action 2: target: expected a non-e"),
        (text_of({"description": "x"}), r"^fix\.yaml: action 1: target: expected a non-empty"),
        (text_of(actions=["x"]), r"action 1: expected an object, found 'x'"),
        (text_of(action("$.a", remove=True, description=None)), r"action 1 \(\$\.a\): description"),
        (
            text_of(action("$.a", remove=True, description=" ")),
            r"\(\$\.a\): description.*found ' '",
        ),
        (text_of(action("$.a", remove=True) | {"x-evidence": None}), r"x-evidence: .*nothing"),
        (text_of(action("$.a", remove=True) | {"x-evidence": ""}), r"x-evidence: .*found ''"),
        (text_of(action("$.a", remove=True) | {"x-evidence": []}), r"x-evidence: .*an array of 0"),
        (text_of(action("$.a", remove=True) | {"x-evidence": ["a", ""]}), r"x-evidence: .*''"),
        (text_of(action("$.a", remove=True, where="x")), r"unknown field 'where'"),
        (text_of(action("$.a")), r"exactly one of update, remove, copy; found none$"),
        (text_of(action("$.a", update=1, remove=True)), r"found update and remove"),
        (text_of(action("$.a", remove=False)), r"remove must be true, found False"),
        (text_of(action("$.a", remove="yes")), r"remove must be true, found 'yes'"),
        (text_of(action("$.a", copy=1)), r"copy: expected a non-empty string, found 1"),
        (text_of(action("a.b", remove=True)), r"'a\.b' is not RFC 9535 JSONPath"),
        (text_of(action("$.a[?", remove=True)), r"is not RFC 9535 JSONPath"),
        (text_of(action("$..default", remove=True)), r"'\$\.\.' searches the whole document"),
        (text_of(action("$..['a'][0]", remove=True)), r"'\$\.\.' searches the whole document"),
    ],
)
def test_a_broken_overlay_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(ContractError, match=message) as caught:
        overlays.parse_overlay(text, "fix.yaml")
    assert str(caught.value).startswith("fix.yaml: ")


@pytest.mark.parametrize(
    ("fix", "message"),
    [
        (action("$.nowhere", remove=True), "matches nothing; has the page changed"),
        (action("$.paths['/c']", update={}), "matches nothing"),
        (action("$.info.tags[?@ == 'w']", remove=True), "matches nothing"),
        (
            action("$.info.tags[?@ == 'x' || @ == 'w']", remove=True),
            "@ == 'w' matches nothing, other parts of the target do",
        ),
        (
            action("$.info.tags[?@ == 'v' || @ == 'w' || @ == 'x']", remove=True),
            "@ == 'v' and @ == 'w' match nothing",
        ),
        (
            action("$.paths.*.*[?(@.name == 'n' || @.name == 'o') && @.name]", remove=True),
            r"\): @\['name'\] == 'o' matches nothing",
        ),
        (
            action("$.paths.*[?@.summary && (@.default == 1 || @.default == 3)]", update={}),
            r"\): @\['default'\] == 3 matches nothing",
        ),
        (
            action("$.info.tags[?@ == 'x' || @ == 'v' && @ == 'w']", remove=True),
            r"\): \(@ == 'v' && @ == 'w'\) matches nothing, other",
        ),
        (action("$.info['title', 'text']", update="x"), "'text' matches nothing"),
        (action("$.info['title', 'text', 'note']", update="x"), "'text' and 'note' match nothing"),
        (action("$.info.tags[0, 3]", remove=True), r"\): 3 matches nothing"),
        (action("$", remove=True), "the document itself cannot be removed"),
        (action("$", update=["x"]), "update cannot put an array of 1 over an object with"),
        (action("$.info", update="x"), "update cannot put 'x' over an object with .* at /info"),
        (action("$.info.title", update={}), r"cannot put an object .* over 'A' at /info/title"),
        (action("$.info", update={"tags": "w"}), "cannot put 'w' over an array of 3 at /info/tags"),
        (action("$.info", update={"title": []}), "an array of 0 over 'A' at /info/title"),
        (action("$.info.*", update="x"), "selects array and primitive nodes at once"),
        (action("$.info", copy="$.nowhere"), r"copy must select one node, '\$\.nowhere' selects 0"),
        (action("$.info", copy="$.paths.*"), r"copy must select one node, .* selects 2"),
        (action("$.info", copy="$..get"), "searches the whole document"),
        (action("$.info", copy="$.info.title"), "copy cannot put 'A' over an object"),
    ],
)
def test_an_action_that_does_not_fit_is_refused_by_name(fix: JsonObject, message: str) -> None:
    harmless = action("$.info", update={"x-seen": 1})
    with pytest.raises(ContractError, match=message) as caught:
        applied(harmless, fix)
    assert str(caught.value).startswith(f"fix.yaml: action 2 ({fix['target']}): ")


def test_extension_fields_and_a_list_of_evidence_are_allowed() -> None:
    fix = action("$.info", update={"title": "B"}) | {"x-evidence": ["a", "b"], "x-until": "soon"}
    assert applied(fix) != DOCUMENT


def test_overlays_are_applied_in_the_order_of_their_names(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.overlays.mkdir(parents=True)
    for name in ("20-b", "00-a", "10-c"):
        file = workspace.overlays / f"{name}.overlay.yaml"
        file.write_text(text_of(action("$.info", update={"title": name})))
    loaded = overlays.load_overlays(workspace)
    assert [one.name for one in loaded] == [
        f"openapi/overlays/{name}.overlay.yaml" for name in ("00-a", "10-c", "20-b")
    ]
    document = deepcopy(DOCUMENT)
    for one in loaded:
        overlays.apply_overlay(one, document)
    assert document["info"] == {"title": "20-b", "tags": ["x", "y", "z"]}


def test_an_overlay_that_is_not_utf_8_is_refused_by_name(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.overlays.mkdir(parents=True)
    (workspace.overlays / "00-a.overlay.yaml").write_bytes(b"caf\xe9")
    with pytest.raises(ContractError, match=r"overlays/00-a\.overlay\.yaml: byte 3 is not UTF-8"):
        overlays.load_overlays(workspace)


def test_the_repositorys_overlays_are_read(repository: Workspace) -> None:
    loaded = overlays.load_overlays(repository)
    numbers = [Path(one.name).name[:2] for one in loaded]
    assert numbers == sorted(set(numbers)), "each overlay has a place of its own in the order"
    assert {"00", "10", "20"} <= set(numbers)
    assert all(one.actions for one in loaded)
