"""The overlay of a page whose schemas no page of the contract has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import yaml
from tests.cases import each_case

from contract_tools.operation.names import _find_tag
from contract_tools.operation.overlay import OverlayWriter

ADDRESS = {"type": "string", "format": "uri", "description": "The address."}


def write(
    body: dict[str, Any], response: dict[str, Any] | None = None, **schemas: Any
) -> dict[str, Any]:
    """The actions for an operation, by their targets and kinds."""
    content = {"application/json": {"schema": response}} if response else {}
    operation: Any = {
        "requestBody": {"content": {"application/json": {"schema": body}}},
        "responses": {"200": {"content": content}},
    }
    page: Any = SimpleNamespace(
        document={"components": {"schemas": schemas}},
        path="/odd",
        method="POST",
        route="POST /odd",
        source="official-format/odd.json",
    )
    names: Any = SimpleNamespace(tag="official", component="Odd", resource="odd")
    document = yaml.safe_load(OverlayWriter(page, names, operation, [], set(schemas)).write())
    found: dict[str, Any] = {}
    for action in document["actions"]:
        for kind in ("update", "copy", "remove"):
            if kind in action:
                key = f"{kind} {action['target']}"
                assert found.get(key) != action[kind], f"twice: {key}"
                found[key] = action[kind]
    return found


def test_items_that_are_components_are_written_where_they_are() -> None:
    frame = {"type": "object", "properties": {"image": ADDRESS}}
    frames = {"type": "array", "items": {"$ref": "#/components/schemas/Frame"}}
    actions = write({"type": "object", "properties": {"frames": frames}}, Frame=frame)
    assert actions["remove $.components.schemas.Frame.properties.image.format"]
    assert not [one for one in actions if ".frames.items" in one]


def test_a_body_that_refers_to_itself_is_written_once() -> None:
    node = {"$ref": "#/components/schemas/Node"}
    fields = {"image": ADDRESS, "child": node, "children": {"type": "array", "items": node}}
    actions = write(node, Node={"type": "object", "properties": fields})
    assert actions["remove $.components.schemas.Node.properties.image.format"]


def test_a_response_with_more_than_an_id_gets_a_component_of_its_own() -> None:
    body = {"type": "object", "properties": {}}
    response = {"type": "object", "properties": {"id": {}, "cost": {"type": "number"}}}
    place = "$.paths['/odd'].post.responses['200'].content['application/json'].schema"
    actions = write(body, response)
    assert actions["copy $.components.schemas.OddCreated"] == place
    assert actions[f"update {place}"] == {"$ref": "#/components/schemas/OddCreated"}
    # One with an id alone is that of the other operations.
    actions = write(body, {"type": "object", "properties": {"id": {}}})
    assert not [one for one in actions if "OddCreated" in one]


@each_case(
    ("source", "path", "tag"),
    [
        ("official-format/a.json", "/v2/a", "official"),
        ("compatibility-format/a.json", "/v2/a", "compat"),
        ("a.json", "/runwayml/v1/a", "official"),
        ("a.json", "/runway/pro/a", "compat"),
    ],
)
def test_the_format_of_a_page_is_told_by_its_source_or_its_route(
    source: str, path: str, tag: str
) -> None:
    page: Any = SimpleNamespace(source=source, path=path)
    assert _find_tag(page, "page") == tag
