"""The fields of a request body as arguments of `create`: type, default and conversion."""

from __future__ import annotations

import json
import keyword
import re
from typing import TYPE_CHECKING

from attrs import frozen

from contract_tools._common.json_values import Json, JsonObject, entries, members
from contract_tools._common.openapi import resolve
from contract_tools.diff.python_names import snake_case

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_SCALARS = {"integer": "int", "number": "float", "boolean": "bool", "string": "str"}
_MEDIA = {"ImageUri": ("image",), "VideoUri": ("video",), "MediaUri": ("image", "video")}
_DESCRIPTIONS = {"ModerationInput": 'Threshold for public figures, ``"auto"`` or ``"low"``.'}
_FORMS = {
    "AssetInput": "An address or a file, or an object with ``uri``.",
    "RatioInput": '``"W:H"`` or ``(W, H)``.',
    "ReferencesInput": "Each is an address or a file, or an object with ``uri``.",
    "UriInput": "An https URL, a data URI, or a local file as a `pathlib.Path`.",
}
# Stands in the model for any JSON, which `set_json` puts in its place.
ANY_JSON = "conversions.to_json({})"
# Seeds are drawn below this.
_DRAWN_SEEDS = 10**9


@frozen
class Resolved:
    """A schema with its references and `allOf` merged.

    Attributes:
        names: the components that it is made of.
        schema: all members; its own win.
    """

    names: frozenset[str]
    schema: JsonObject

    @property
    def kind(self) -> str:
        """Its type; empty if it has none, or several."""
        listed = self.schema.get("type")
        kinds = [one for one in entries(listed) if one != "null"] or [listed]
        return str(kinds[0] or "") if len(kinds) == 1 else ""

    @property
    def allowed_media(self) -> tuple[str, ...]:
        """The media that an address may have; both where it does not say."""
        return next(
            (_MEDIA[name] for name in sorted(self.names & _MEDIA.keys())), ("image", "video")
        )


def resolve_schema(document: JsonObject, value: Json) -> Resolved:
    """Merge a schema with what it refers to."""
    own = dict(members(value))
    parts = entries(own.pop("allOf", None))
    if isinstance(own.get("$ref"), str):
        parts.insert(0, {"$ref": own.pop("$ref")})
    names = frozenset[str]()
    merged: JsonObject = {}
    for part in parts:
        reference = members(part).get("$ref")
        inner = resolve(document, part) if isinstance(reference, str) else part
        found = resolve_schema(document, inner)
        name = {str(reference).rpartition("/")[2]} if isinstance(reference, str) else set[str]()
        names, merged = names | found.names | name, {**merged, **found.schema}
    return Resolved(names, {**merged, **own})


@frozen
class Argument:
    """One argument of a `create`.

    Attributes:
        field: the name of the field on the wire.
        name: the argument.
        model_name: the argument of the generated model.
        annotation: its type, without `| None`.
        conversion: the expression for the model.
        default: its default as Python; None for an argument that is required.
        accepts_none: whether the conversion accepts None.
        description: the text of the docstring.
    """

    field: str
    name: str
    model_name: str
    annotation: str
    conversion: str
    default: str | None
    accepts_none: bool
    description: str

    @property
    def is_any_json(self) -> bool:
        """Whether no narrower type fits."""
        return self.conversion == ANY_JSON

    @property
    def parameter(self) -> str:
        """Its line of the signature."""
        optional = " | None" if self.default == "None" else ""
        value = "" if self.default is None else f" = {self.default}"
        return f"{self.name}: {self.annotation}{optional}{value},"

    @property
    def assignment(self) -> str:
        """Its line of the model; empty if the model does without it."""
        value = self.conversion
        if self.is_any_json and self.default == "None":
            return ""
        if self.default == "None" and self.conversion != _seed(self.name):
            if not self.accepts_none:
                value = f"None if {self.name} is None else {value}"
            value = f"inputs.or_unset({value})"
        return f"{self.model_name}={value},"


def list_arguments(
    document: JsonObject, body: Resolved, fillers: Mapping[str, Json], reserved: Collection[str]
) -> list[Argument]:
    """Return the arguments of a body, the required ones first.

    Args:
        document: the contract.
        body: the schema of the body.
        fillers: for fields that the page requires and the contract does not, what is sent instead.
        reserved: names that an argument cannot have.
    """
    required = set(entries(body.schema.get("required")))
    found = [
        _argument(document, name, value, fillers.get(name), name in required, reserved)
        for name, value in members(body.schema.get("properties")).items()
    ]
    return sorted(found, key=lambda one: one.default is not None)


def _argument(
    document: JsonObject,
    field: str,
    schema: Json,
    filler: Json,
    is_required: bool,
    reserved: Collection[str],
) -> Argument:
    found = resolve_schema(document, schema)
    name = _argument_name(field, reserved)
    annotation, conversion, accepts_none = _convert(document, found, name, f"/{field}")
    default = _default(field, found, filler, is_required=is_required)
    if _is_drawn(field, found):
        annotation, conversion, default = "int", _seed(name), "None"
    description = _describe(field, found, annotation, default)
    return Argument(
        field, name, snake_case(field), annotation, conversion, default, accepts_none, description
    )


def _argument_name(field: str, reserved: Collection[str]) -> str:
    """Return the argument for a field, by the rule of signatures that come from the contract."""
    words = r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+"
    name = re.sub(words, "_", field).strip("_").lower()
    return f"{name}_" if keyword.iskeyword(name) or name in reserved else name


def _convert(document: JsonObject, found: Resolved, name: str, path: str) -> tuple[str, str, bool]:
    """Return annotation, conversion, and whether the conversion accepts None."""
    schema, at = found.schema, json.dumps(path)
    if "ContentModeration" in found.names:
        return "ModerationInput", f"conversions.to_moderation({name})", False
    if "Ratio" in found.names and "enum" not in schema:
        return "RatioInput", f"inputs.format_ratio({name})", False
    if found.names & _MEDIA.keys():
        return "UriInput", f"inputs.to_uri({name}, {at}, {found.allowed_media!r})", True
    if "WebUrl" in found.names:
        return "str", f"inputs.to_url({name}, {at})", True
    if literal := _literal(schema):
        return literal, name, True
    if found.kind in _SCALARS:
        return _SCALARS[found.kind], name, True
    if found.kind == "array":
        return _convert_array(document, schema, name, at)
    if found.kind == "object" and "uri" in members(schema.get("properties")):
        options = _asset_options(document, found)
        return "AssetInput", f"conversions.to_asset({name}, {at}, {options})", False
    if found.kind == "object":
        return "FieldsInput", f"conversions.to_object({name}, {at})", False
    return "object", ANY_JSON, True


def _convert_array(
    document: JsonObject, schema: JsonObject, name: str, at: str
) -> tuple[str, str, bool]:
    items = resolve_schema(document, schema.get("items"))
    if items.names & _MEDIA.keys():
        options = repr(items.allowed_media)
        return "Sequence[UriInput]", f"conversions.to_uris({name}, {at}, {options})", False
    if literal := _literal(items.schema) or _SCALARS.get(items.kind, ""):
        return f"Sequence[{literal}]", f"inputs.to_list({name}, {at})", False
    if items.kind == "object" and "uri" in members(items.schema.get("properties")):
        options = _asset_options(document, items)
        return "ReferencesInput", f"conversions.to_assets({name}, {at}, {options})", False
    if items.kind == "object":
        return "Sequence[FieldsInput]", f"conversions.to_objects({name}, {at})", False
    return "object", ANY_JSON, True


def _asset_options(document: JsonObject, found: Resolved) -> str:
    properties = members(found.schema.get("properties"))
    address = resolve_schema(document, properties.get("uri"))
    listed = entries(resolve_schema(document, properties.get("type")).schema.get("enum"))
    allowed = tuple(str(one) for one in listed if one in address.allowed_media)
    return f"{allowed or address.allowed_media!r}, has_type={'type' in properties}"


def _literal(schema: JsonObject) -> str:
    values = [one for one in entries(schema.get("enum")) if one is not None]
    return f"Literal[{', '.join(map(_python, values))}]" if values else ""


def _list_fields(schema: JsonObject) -> str:
    """Return the fields of an object in words."""
    required = entries(schema.get("required"))
    names = members(schema.get("properties"))
    needed = [f"``{name}``" for name in names if name in required]
    others = [f"``{name}``" for name in names if name not in required]
    parts = [f"it requires {', '.join(needed)}"] if needed else []
    parts += [f"it takes {', '.join(others)}"] if others else []
    return f"An object; {'; '.join(parts)}." if parts else "An object."


def _default(field: str, found: Resolved, filler: Json, *, is_required: bool) -> str | None:
    known = [
        value
        for entry in entries(found.schema.get("x-known-values"))
        for value in entries(members(entry).get("values"))
    ]
    if is_required:
        # Every page prefills these two with what its samples send.
        return _python(known[0]) if field in {"model", "ratio"} and known else None
    if "ContentModeration" in found.names and filler is not None:
        return '"auto"'
    return _python(filler) if isinstance(filler, str | int | float) else "None"


def _is_drawn(field: str, found: Resolved) -> bool:
    most = found.schema.get("maximum")
    is_wide = isinstance(most, int) and most >= _DRAWN_SEEDS - 1
    return (
        field == "seed" and found.kind == "integer" and is_wide and not found.schema.get("minimum")
    )


def _seed(name: str) -> str:
    return f"inputs.draw_seed() if {name} is None else {name}"


def _python(value: Json) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _describe(field: str, found: Resolved, annotation: str, default: str | None) -> str:
    """Return the page's description, what it does not state of the contract, and known values."""
    schema = found.schema
    text = " ".join(str(schema.get("description") or _DESCRIPTIONS.get(annotation, "")).split())
    text = (
        text or f"The {_argument_name(field, ()).replace('_', ' ').strip()}; the page says no more."
    )
    parts = [text if text.endswith((".", "!", "?")) else f"{text}."]
    parts += [_FORMS[annotation]] if annotation in _FORMS else []
    if annotation == "FieldsInput":
        parts.append(_list_fields(schema))
    bounds = [schema.get("minimum"), schema.get("maximum")]
    if None not in bounds and not all(str(bound) in text for bound in bounds):
        parts.append(f"From {bounds[0]} to {bounds[1]}.")
    longest = schema.get("maxLength")
    if longest is not None and str(longest) not in text:
        parts.append(f"At most {longest} characters.")
    if _is_drawn(field, found):
        parts.append("A random one below 10**9 if None.")
    elif default == "None":
        parts.append("Omitted if None.")
    groups = [
        f"{', '.join(map(str, entries(members(one).get('values'))))} "
        f"({members(one).get('confidence')}: {members(one).get('source')})"
        for one in entries(schema.get("x-known-values"))
    ]
    return " ".join([*parts, *([f"Known: {'; '.join(groups)}."] if groups else [])])
