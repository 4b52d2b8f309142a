"""The overlay of a new operation: every fix that follows from its page, with its evidence."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING

from attrs import define, field

from contract_tools._common import portable_yaml
from contract_tools._common.json_values import Json, JsonObject, entries, members
from contract_tools._common.openapi import json_media, resolve
from contract_tools.operation import prose
from contract_tools.operation.names import FORMATS, Names, to_pascal_case

if TYPE_CHECKING:
    from contract_tools.operation.samples import Sample
    from contract_tools.pages.saved_page import Page

# The model is not among them: it has known values even where the page closes the list.
KNOWN_FIELDS = ("ratio", "duration")
_MODERATION = {"publicFigureThreshold"}
_HEADING = """\
Written by `make operation` from the page; edited by hand from then on.
"""


@define
class OverlayWriter:
    """Collects the actions of one overlay.

    Attributes:
        page: the saved page.
        names: the names of the operation.
        operation: the page's operation.
        samples: the requests that the page shows.
        taken: names of components of the contract; those added here are added to it.
        actions: the actions so far.
        decisions: what a person must still decide, a line each.
    """

    page: Page
    names: Names
    operation: JsonObject
    samples: list[Sample]
    taken: set[str]
    actions: list[Json] = field(factory=list)
    decisions: list[str] = field(factory=list)
    _seen: set[str] = field(factory=set)

    def write(self) -> bytes:
        """Return the overlay as YAML."""
        folder, prefix, _ = FORMATS[self.names.tag]
        is_there = folder in self.page.source
        evidence = f"The page lies under {folder}." if is_there else f"The route is under {prefix}"
        self._update(
            self._at,
            "Set the tag of the route and its resource name in the wrapper.",
            evidence,
            {"tags": [self.names.tag], "x-resource": self.names.resource},
        )
        self._write_body()
        self._write_response()
        document: Json = {
            "overlay": "1.1.0",
            "info": {"title": self.page.route, "version": "1.0.0"},
            "actions": self.actions,
        }
        return portable_yaml.dump(document, heading=_HEADING).encode()

    @property
    def _at(self) -> str:
        return f"$.paths[{_quote(self.page.path)}].{self.page.method.lower()}"

    def _write_body(self) -> None:
        media = json_media(resolve(self.page.document, self.operation.get("requestBody")))
        at = f"{self._at}.requestBody.content['application/json'].schema"
        schema, target, name = self._name_object(
            members(media.get("schema")), at, f"{self.names.component}Request", "the body"
        )
        # A body may refer to itself.
        self._seen.add(name)
        self._write_requirements(schema, target)
        for field_name, value in members(schema.get("properties")).items():
            if field_name == "model" or (field_name in KNOWN_FIELDS and not _is_closed(value)):
                self._write_known_values(field_name, members(value), target)
        self._write_fields(schema, target, self.names.component)

    def _name_object(
        self, schema: JsonObject, at: str, wanted: str, what: str
    ) -> tuple[JsonObject, str, str]:
        """Move an inline schema into a component; return the schema, its target and its name."""
        reference = schema.get("$ref")
        if isinstance(reference, str):
            name = reference.rpartition("/")[2]
            return (
                resolve(self.page.document, {"$ref": reference}),
                f"$.components.schemas{_member(name)}",
                name,
            )
        name = self._choose_component(wanted)
        target = f"$.components.schemas{_member(name)}"
        self._update(
            "$.components.schemas",
            f"Create an empty component for {what}.",
            "Inline on the page; the generator would name it by its position.",
            {name: {}},
        )
        self._add(
            {
                "target": target,
                "description": f"Copy the schema of {what} into the component.",
                "x-evidence": "Moved, not restated: a field that the page adds arrives by itself.",
                "copy": at,
            }
        )
        self._replace_by_reference(at, name, "The schema has just been moved.")
        return schema, target, name

    def _choose_component(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self.taken:
            name, number = f"{wanted}{number}", number + 1
        self.taken.add(name)
        return name

    def _replace_by_reference(self, at: str, name: str, evidence: str) -> None:
        self._remove(f"{at}[*]", "Remove the inline members, which a reference replaces.", evidence)
        self._update(at, "Refer to the component.", evidence, _reference(name))

    def _write_requirements(self, schema: JsonObject, target: str) -> None:
        """Keep only what every sample sends required, where `create` can fill in the rest."""
        for name in map(str, entries(schema.get("required"))):
            without = [one.shown_as for one in self.samples if name not in one.body]
            if not without:
                continue
            if (
                name == "seed"
                or self._is_moderation(name, schema)
                or self._filler(name) is not None
            ):
                self._remove(
                    f"{target}.required[?@ == {_quote(name)}]",
                    f"{name} is not required: the contract accepts every request of the page.",
                    f"Left out by: {', '.join(dict.fromkeys(without))}.",
                )
            else:
                self.decisions.append(
                    f"{name}: the page requires it, and its {without[0]} leaves it out"
                )

    def _filler(self, name: str) -> Json:
        """Return a value for a field that the page requires and some of its samples lack."""
        values = [one.body[name] for one in self.samples if name in one.body]
        return next((one for one in values if isinstance(one, str | int | float)), None)

    @staticmethod
    def _is_moderation(name: str, schema: JsonObject) -> bool:
        moderation = members(members(schema.get("properties")).get(name))
        return set(members(moderation.get("properties"))) == _MODERATION

    def _write_known_values(self, name: str, schema: JsonObject, target: str) -> None:
        values = prose.named_values(name, schema, [one.body for one in self.samples])
        must_be = entries(prose.described_rules(schema).get("enum"))
        values += [one for one in must_be if one not in values]
        if name == "ratio":
            values = [one for one in values if prose.RATIO.fullmatch(str(one))]
        if not values:
            self.decisions.append(f"{name}: the page names no value; add x-known-values")
            return
        self._update(
            f"{target}.properties{_member(name)}",
            "The values that the page names.",
            "The page's description, default and samples.",
            {
                "x-known-values": [
                    {"values": values, "confidence": "documented", "source": "CometAPI's page"}
                ]
            },
        )

    def _write_fields(self, schema: JsonObject, target: str, prefix: str, about: str = "") -> None:
        """Write the fixes of an object's fields; `about` is what is known of the object."""
        for name, value in members(schema.get("properties")).items():
            at = f"{target}.properties{_member(name)}"
            self._write_field(name, members(value), at, prefix, about)

    def _write_field(self, name: str, schema: JsonObject, at: str, prefix: str, about: str) -> None:
        wanted = prefix + to_pascal_case(_split_words(name))
        if set(members(schema.get("properties"))) == _MODERATION:
            evidence = "The child is the same on every page that has one."
            self._replace_by_reference(at, "ContentModeration", evidence)
        elif "properties" in schema or "$ref" in schema:
            self._write_object(name, schema, at, wanted)
        elif isinstance(schema.get("items"), dict):
            singular = wanted.removesuffix("s") if wanted.endswith("s") else f"{wanted}Item"
            items = members(schema["items"])
            if "properties" in items or "$ref" in items:
                self._write_object(f"an item of {name}", items, f"{at}.items", singular)
            else:
                self._write_scalar(name, items, f"{at}.items")
        else:
            self._write_branches(name, schema, at, wanted)
            self._write_scalar(name, schema, at, about)

    def _write_object(self, what: str, schema: JsonObject, at: str, wanted: str) -> None:
        schema, target, component = self._name_object(schema, at, wanted, what)
        if component in self._seen:
            return
        self._seen.add(component)
        text = " ".join(str(schema.get("description", "")).split())
        self._write_fields(schema, target, component, f"{what} {text}")
        kind = members(members(schema.get("properties")).get("type"))
        if (types := prose.asset_types(schema)) and kind.get("type") == "string":
            evidence = f"The page: {text}"
            rule: JsonObject = {"enum": types}
            if not _is_closed(kind):
                at = f"{target}.properties.type"
                self._update(at, "The description names the types.", evidence, rule)

    def _write_branches(self, name: str, schema: JsonObject, at: str, wanted: str) -> None:
        for union in ("anyOf", "oneOf"):
            branches = [members(one) for one in entries(schema.get(union))]
            for index, branch in enumerate(branches):
                if "properties" in branch:
                    place = f"{at}.{union}[{index}]"
                    self._write_object(f"a form of {name}", branch, place, f"{wanted}{index + 1}")
            if branches:
                self.decisions.append(
                    f"{name}: has several forms, so its argument takes any JSON; type it by hand"
                )

    def _write_scalar(self, name: str, schema: JsonObject, at: str, about: str = "") -> None:
        if "default" in schema and "type" not in schema:
            evidence = "A default on a page prefills its playground."
            self._remove(f"{at}.default", "A request has no default.", evidence)
        if prose.is_address(name, schema):
            self._write_address(name, schema, at, about)
        elif name == "ratio" and schema.get("type") == "string" and not _is_closed(schema):
            self._share(at, "Ratio", "The ratio is width:height; the list is open.")
        elif name == "seed" and not {"minimum", "maximum"} & schema.keys():
            self._share(at, "Seed", "A seed is an unsigned 32-bit number.")
            return
        rules = prose.described_rules(schema)
        if name == "model" and not _is_closed({**schema, **rules}):
            self._share(at, "ModelName", "Any model name is allowed; the list of models grows.")
        if rules:
            text = " ".join(str(schema["description"]).split())
            self._update(at, "The description states the rule.", f"The page: {text}", rules)

    def _write_address(self, name: str, schema: JsonObject, at: str, about: str) -> None:
        if "format" in schema:
            evidence = "A pattern is checked everywhere, a format is not."
            self._remove(f"{at}.format", "A pattern replaces the format.", evidence)
        component = prose.media_component(name, schema, about)
        if self.names.tag == "compat" or component == "WebUrl":
            self._share(at, "WebUrl", "An http or https URL.")
        elif component:
            self._share(at, component, "An https URL with a host, or a base64 data URI.")
        else:
            evidence = self._quote_description(schema)
            rule: JsonObject = {"pattern": prose.HTTPS_PATTERN}
            self._update(at, "An https URL with a host.", evidence, rule)

    def _share(self, at: str, component: str, description: str) -> None:
        """Add a shared value to a field with allOf, so that the page's own rules stay."""
        evidence = f"As on the other pages: see {component} in 05-values.overlay.yaml."
        self._update(at, description, evidence, {"allOf": [_reference(component)]})

    @staticmethod
    def _quote_description(schema: JsonObject) -> str:
        text = " ".join(str(schema.get("description", "")).split())
        return f"The page: {text}" if text else "The page: the field's name."

    def _write_response(self) -> None:
        responses = members(self.operation.get("responses"))
        status = next((code for code in responses if code[:1] == "2"), "200")
        at = f"{self._at}.responses[{_quote(status)}]"
        if self.names.tag == "compat":
            branches: list[Json] = [_reference("CompatTaskCreated"), _reference("CompatRefusal")]
            evidence = "As on the other pages of this format: see 30-compat.overlay.yaml."
            self._replace_response(at, {"anyOf": branches}, evidence)
            return
        response = resolve(self.page.document, responses.get(status))
        schema = members(json_media(response).get("schema"))
        if "$ref" in schema:
            return
        fields = set(members(schema.get("properties")))
        if fields <= {"id"}:
            shown = 'The page answers {"id"}' if fields else "The page shows no field"
            evidence = f'{shown}. Every other official create answers {{"id"}}.'
            self._replace_response(at, _reference("TaskCreated"), evidence)
        else:
            content = f"{at}.content['application/json'].schema"
            wanted = f"{self.names.component}Created"
            self._name_object(schema, content, wanted, "the response")

    def _replace_response(self, at: str, schema: JsonObject, evidence: str) -> None:
        self._remove(
            f"{at}[*]", "Remove the content of the page's response, whatever its shape.", evidence
        )
        update: JsonObject = {
            "description": "Task accepted.",
            "content": {"application/json": {"schema": schema}},
        }
        self._update(at, "Refer to the component of the response.", evidence, update)

    def _update(self, target: str, description: str, evidence: str, value: JsonObject) -> None:
        row: JsonObject = {"target": target, "description": description, "x-evidence": evidence}
        self._add({**row, "update": copy.deepcopy(value)})

    def _remove(self, target: str, description: str, evidence: str) -> None:
        row: JsonObject = {"target": target, "description": description, "x-evidence": evidence}
        self._add({**row, "remove": True})

    def _add(self, action: JsonObject) -> None:
        self.actions.append(action)


def _reference(component: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{component}"}


def _is_closed(schema: Json) -> bool:
    return bool({"enum", "const", "pattern"} & members(schema).keys())


def _split_words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)


def _quote(text: str) -> str:
    """Return text as a JSONPath string."""
    return "'" + json.dumps(text)[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"


def _member(name: str) -> str:
    return f".{name}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) else f"[{_quote(name)}]"
