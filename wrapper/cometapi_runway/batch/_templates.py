"""Templates that fill a field of every row from the row's other fields: ``{hero} at dawn``."""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Iterator, Mapping
from typing import NoReturn

from attrs import frozen

from cometapi_runway._core.json_values import JSON
from cometapi_runway._core.suggestions import suggest_name
from cometapi_runway.errors import ConfigurationError, InvalidRequestError, Issue

_HELP = "a template is text with names of fields in braces, such as '{hero} at dawn'"


@frozen
class Template:
    """A template.

    Attributes:
        field: The field that it fills.
        parts: Its texts, each with the name of the field whose value follows, or None.
    """

    field: str
    parts: tuple[tuple[str, str | None], ...]

    @property
    def names(self) -> frozenset[str]:
        """The fields that it reads."""
        return frozenset(name for _, name in self.parts if name is not None)

    def fill(self, fields: Mapping[str, JSON]) -> str:
        """The text for a row.

        Args:
            fields: The row's fields as they are in the manifest.

        Raises:
            InvalidRequestError: The row lacks a field that the template reads, or its value is an
                object or a list.
        """
        return "".join(text + self._read(name, fields) for text, name in self.parts)

    def _read(self, name: str | None, fields: Mapping[str, JSON]) -> str:
        if name is None:
            return ""
        value = fields.get(name)
        if value is None:
            advice = suggest_name(name, fields)
            self._refuse(name, f"its template reads {name!r}, which the row lacks; {advice}")
        if isinstance(value, Mapping | list):
            kind = "a list" if isinstance(value, list) else "an object"
            self._refuse(name, f"its template reads {name!r}, which is {kind}, not a text")
        return value if isinstance(value, str) else json.dumps(value)

    def _refuse(self, name: str, problem: str) -> NoReturn:
        message = f"{self.field}: {problem} (template)"
        raise InvalidRequestError([Issue(self.field, "template", name, message)])


def parse_templates(assignments: Iterable[str]) -> tuple[Template, ...]:
    """Parse texts such as ``prompt_text={hero} at dawn``.

    ``{{`` and ``}}`` stand for braces. Names are all that braces may hold: no attribute, no index,
    no conversion and no format, which could read other values or make texts of any length.

    Raises:
        ConfigurationError: A text is malformed, or two fill the same field.
    """
    templates: dict[str, Template] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip().replace("-", "_")
        if not (name and equals and text):
            _refuse(assignment, "needs a field, = and a value")
        if name in templates:
            _refuse(assignment, f"fills {name} a second time")
        templates[name] = Template(name, tuple(_parse(assignment, text)))
    return tuple(templates.values())


def _parse(assignment: str, text: str) -> Iterator[tuple[str, str | None]]:
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        _refuse(assignment, f"has braces that do not fit ({error}); {{{{ is a brace")
    for literal, name, spec, conversion in parts:
        if spec or conversion or (name is not None and (not name or set(name) & set(".[]"))):
            _refuse(assignment, f"has more than a name in braces; {_HELP}")
        yield literal, name


def _refuse(assignment: str, problem: str) -> NoReturn:
    raise ConfigurationError(f"--set {assignment!r} {problem}", setting="set")
