"""What a page says about a field in words: rules, and values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contract_tools._common.json_values import entries

if TYPE_CHECKING:
    from contract_tools._common.json_values import Json, JsonObject

RATIO = re.compile(r"\b[1-9][0-9]{0,4}:[1-9][0-9]{0,4}\b")
_MUST_BE = re.compile(r"[Mm]ust be (?!an? |the )[`\"']?([A-Za-z][\w:.-]*\w)")
_LONGEST = re.compile(r"(?:[Aa]t most|[Uu]p to|[Mm]ax(?:imum)?(?: of)?) (\d+) characters")
_NOT_EMPTY = re.compile(r"[Nn]ot empty|[Nn]on-empty")
_RANGE = re.compile(r"\b(\d+) ?(?:to|\u2013|-) ?(\d+)\b")
_EITHER = re.compile(r"[Ee]ither (?:\w+ )?an? (\w+) or an? (\w+)")
_TYPE = re.compile(r"`type` \(`(\w+)`\)")
_IMAGE = re.compile(r"image|picture|photo|still|portrait", re.IGNORECASE)
_VIDEO = re.compile(r"video|clip|footage", re.IGNORECASE)
_ADDRESS_NAME = re.compile(r"(?:^|_|[a-z])(?:ur[il]|UR[IL]|Ur[il])$")
# As in the shared components, without data URIs.
HTTPS_PATTERN = (
    r"^https://[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:[0-9]{1,5})?([/?#][^\x00-\x20\x7f]*)?$"
)


def described_rules(schema: JsonObject) -> JsonObject:
    """Return the rules that a field's description states and its schema lacks."""
    text = " ".join(str(schema.get("description", "")).split())
    rules: JsonObject = {}
    kinds = [one for one in entries(schema.get("type")) if one != "null"] or [schema.get("type")]
    if kinds == ["string"] and "enum" not in schema:
        if found := _MUST_BE.search(text):
            rules["enum"] = [found[1]]
        if found := _LONGEST.search(text):
            rules["maxLength"] = int(found[1])
        if _NOT_EMPTY.search(text):
            rules["minLength"] = 1
    if kinds in (["integer"], ["number"]) and "enum" not in schema:
        found = _RANGE.search(text)
        if found and int(found[1]) < int(found[2]):
            rules |= {"minimum": int(found[1]), "maximum": int(found[2])}
    return {name: value for name, value in rules.items() if name not in schema}


def is_address(name: str, schema: JsonObject) -> bool:
    """Whether a field holds an address, by its format, its name or its description."""
    if schema.get("type") != "string" or {"enum", "pattern"} & schema.keys():
        return False
    text = str(schema.get("description", ""))
    return (
        schema.get("format") in {"uri", "url"}
        or bool(_ADDRESS_NAME.search(name))
        or bool(re.search(r"https URLs?\b", text, re.IGNORECASE))
    )


def asset_types(schema: JsonObject) -> list[Json]:
    """Return the types that the description of an asset names; empty if it names none."""
    text = " ".join(str(schema.get("description", "")).split())
    if found := _EITHER.search(text):
        return [found[1], found[2]]
    return [found[1]] if (found := _TYPE.search(text)) else []


def media_component(name: str, schema: JsonObject, about: str = "") -> str:
    """Return the shared component for an address of an image or a video; empty for any other.

    Args:
        name: the field.
        schema: its schema.
        about: what is known of the object that holds it.
    """
    text = f"{about} {name} {schema.get('description', '')}"
    if "callback" in text.lower() or "webhook" in text.lower():
        return "WebUrl"
    kinds = (bool(_IMAGE.search(text)), bool(_VIDEO.search(text)))
    return {
        (True, True): "MediaUri",
        (True, False): "ImageUri",
        (False, True): "VideoUri",
        (False, False): "",
    }[kinds]


def named_values(name: str, schema: JsonObject, bodies: list[JsonObject]) -> list[Json]:
    """Return the values that a page names for a field: its own, and those of its samples."""
    found = [body[name] for body in bodies if name in body]
    found += entries(schema.get("enum"))
    found += [schema["default"]] if "default" in schema else []
    if name == "ratio":
        found += RATIO.findall(str(schema.get("description", "")))
    wanted = (str, int)
    kept = [one for one in found if isinstance(one, wanted) and not isinstance(one, bool)]
    return list(dict.fromkeys(kept))
