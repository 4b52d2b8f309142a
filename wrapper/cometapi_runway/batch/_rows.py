"""From a row of the manifest to a task of the batch: operation, arguments, id, name, digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from attrs import define, field, frozen

from cometapi_runway._core.file_names import make_stem
from cometapi_runway._core.json_values import JSON, as_object, parse_json
from cometapi_runway._core.redaction import safe_repr
from cometapi_runway._core.suggestions import suggest_name
from cometapi_runway.batch._output_names import clean_output_name, is_reserved
from cometapi_runway.batch._records import Record
from cometapi_runway.batch._templates import Template
from cometapi_runway.errors import InvalidRequestError, Issue
from cometapi_runway.resources._argument_fields import (
    ArgumentField,
    ValueKind,
    list_argument_fields,
    parse_asset,
)
from cometapi_runway.resources._client_resources import ClientResource, list_client_resources
from cometapi_runway.resources._prepare_request import VERSION_HEADER

ROW_FIELDS: Final = ("id", "operation", "output")
ROW_OPTIONS: Final[Mapping[str, ValueKind]] = {
    "extra_body": ValueKind.JSON,
    "runway_version": ValueKind.TEXT,
    "validate": ValueKind.BOOLEAN,
}
"""The call options of ``create`` that a row may set. Headers may be secret, and a manifest is a
file that is copied and shared."""
_MAX_ID: Final = 200
_ID_LENGTH: Final = 16
"""Characters of the digest that are the id of a row without one."""
_MAX_CACHED_FILES: Final = 1024


@frozen
class Row:
    """One task of a batch.

    Attributes:
        line: The line of the manifest that it begins on, from 1.
        id: Its id, unique in the batch.
        resource: The resource of the client that creates it.
        arguments: The arguments of ``create``; a local file is a `pathlib.Path`.
        output: Its outputs' name in the folder, without number and extension.
        digest: A digest of the operation, the arguments, and the contents of local files. A row
            with the same id and another digest asks for another task.
    """

    line: int
    id: str
    resource: ClientResource
    arguments: Mapping[str, Any]
    output: str
    digest: str

    @property
    def has_own_id(self) -> bool:
        """Whether the manifest names its id."""
        return self.id != self.digest[:_ID_LENGTH]


@define(eq=False)
class RowMaker:
    """Makes rows out of the records of one manifest.

    Attributes:
        folder: The manifest's folder, which relative paths start from.
        default: The resource of rows that name none, or None.
        templates: What fills the rows' fields.
    """

    folder: Path
    default: ClientResource | None
    templates: Sequence[Template]
    _templated: frozenset[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._templated = frozenset[str]().union(*(one.names for one in self.templates))

    def make(self, record: Record) -> tuple[Row | None, list[Issue]]:
        """Make a row, and list what is wrong with its fields.

        Whether its request is valid is not checked here. There is no row where the operation is
        not known.
        """
        issues: list[Issue] = []
        filled: dict[str, str] = {}
        for template in self.templates:
            # The outputs' name may contain the id, which is not known yet.
            if template.field != "output":
                with _collect(issues):
                    filled[template.field] = template.fill(record.fields)
        fields = {**record.fields, **filled}
        row_id = resource = None
        with _collect(issues):
            row_id = _read_id(fields.get("id"))
        with _collect(issues):
            resource = self._find_resource(fields.get("operation"))
        if resource is None:
            return None, issues
        arguments = self._read_arguments(record, filled, resource, issues)
        digest = _make_digest(resource.name, arguments)
        row_id, output = row_id or digest[:_ID_LENGTH], ""
        with _collect(issues):
            output = self._read_output(record, row_id)
        return Row(record.line, row_id, resource, arguments, output, digest), issues

    def _find_resource(self, name: JSON) -> ClientResource:
        if name is None or name == "":
            if self.default is None:
                message = "operation is required in each row, or once with --operation (required)"
                raise InvalidRequestError([Issue("operation", "required", None, message)])
            return self.default
        return find_resource(name)

    def _read_arguments(
        self,
        record: Record,
        filled: Mapping[str, str],
        resource: ClientResource,
        issues: list[Issue],
    ) -> dict[str, Any]:
        known = _list_known_arguments(resource)
        # A template that fails may have meant a field that no template reads now.
        is_certain = not any(issue.rule == "template" for issue in issues)
        arguments: dict[str, Any] = {}
        for name, value in {**record.fields, **filled}.items():
            if name in ROW_FIELDS:
                continue
            if name in known:
                is_text = record.is_text or name in filled
                with _collect(issues):
                    arguments[name] = self._read_argument(name, known[name], value, is_text=is_text)
            elif name in filled or (is_certain and name not in self._templated):
                issues.append(_unknown_field(resource, name, value, known))
        return arguments

    def _read_argument(self, name: str, kind: ValueKind, value: JSON, *, is_text: bool) -> Any:
        try:
            if is_text and isinstance(value, str):
                value = _read_text(kind, value)
            if kind in {ValueKind.ASSET, ValueKind.ASSETS}:
                return self._locate_files(value)
        except ValueError as error:
            message = f"{name} cannot be read (json): {error}; got {safe_repr(value)}"
            raise InvalidRequestError([Issue(name, "json", safe_repr(value), message)]) from error
        return value

    def _locate_files(self, value: JSON) -> Any:
        """An asset with each local file in it as a path from the manifest's folder."""
        if isinstance(value, str):
            asset = parse_asset(value) if value.strip() else value
            return self.folder / asset if isinstance(asset, Path) else asset
        if isinstance(value, list):
            return [self._locate_files(item) for item in value]
        fields = as_object(value)
        if fields is not None and isinstance(fields.get("uri"), str):
            return {**fields, "uri": self._locate_files(fields["uri"])}
        return value

    def _read_output(self, record: Record, row_id: str) -> str:
        for template in self.templates:
            if template.field == "output":
                return clean_output_name(template.fill({**record.fields, "id": row_id}))
        value = record.fields.get("output")
        if value is None or value == "":
            stem = make_stem(row_id)
            return f"{stem}_" if is_reserved(stem) else stem
        if not isinstance(value, str):
            message = f"output must be a text (type), got {safe_repr(value)}"
            raise InvalidRequestError([Issue("output", "type", value, message)])
        return clean_output_name(value)


def find_resource(name: JSON) -> ClientResource:
    """The resource of a name, as on the client or on the command line.

    Args:
        name: Such as ``compat.act_one``, ``compat act-one`` or ``character-performance``.

    Raises:
        InvalidRequestError: There is no such resource.
    """
    resources = _resources_by_name()
    found = resources.get(_fold_name(name)) if isinstance(name, str) else None
    if found is None:
        names = [resource.name for resource in resources.values()]
        advice = suggest_name(str(name), names)
        message = f"operation {safe_repr(name)} does not exist (unknown); {advice}"
        raise InvalidRequestError([Issue("operation", "unknown", name, message)])
    return found


def name_argument(resource: ClientResource, path: str) -> str:
    """The place in a row of an issue's path: ``prompt_image/uri`` for ``/promptImage/uri``."""
    if not path.startswith("/"):
        return {VERSION_HEADER: "runway_version"}.get(path, path)
    name, slash, rest = path.removeprefix("/").partition("/")
    names = {one.field: one.argument.name for one in _list_fields(resource)}
    return names.get(name, name) + slash + rest


@contextmanager
def _collect(issues: list[Issue]) -> Generator[None]:
    """Keep the issues of a refusal, so that a row's other fields are read too."""
    try:
        yield
    except InvalidRequestError as error:
        issues.extend(error.issues)


@cache
def _resources_by_name() -> Mapping[str, ClientResource]:
    return {_fold_name(resource.name): resource for resource in list_client_resources()}


def _fold_name(name: str) -> str:
    """A name without the differences between a client's attribute and a command."""
    return re.sub(r"[-_. ]+", "_", name.strip())


@cache
def _list_fields(resource: ClientResource) -> tuple[ArgumentField, ...]:
    return list_argument_fields(resource)


@cache
def _list_known_arguments(resource: ClientResource) -> Mapping[str, ValueKind]:
    own = {one.argument.name: one.kind for one in _list_fields(resource)}
    return {**ROW_OPTIONS, **own}


def _unknown_field(
    resource: ClientResource, name: str, value: JSON, known: Mapping[str, ValueKind]
) -> Issue:
    names = [*known, *ROW_FIELDS]
    listed = [*resource.signature.parameters, *ROW_FIELDS]
    advice = suggest_name(name, names, listed=listed)
    problem = f"is no argument of {resource.name}, and no template reads it (unknown)"
    message = f"{name} {problem}, got {safe_repr(value)}; {advice}"
    return Issue(name, "unknown", value, message)


def _read_id(value: JSON) -> str | None:
    """The id, or None if the row has none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        message = f"id must be a text (type), got {safe_repr(value)}"
        raise InvalidRequestError([Issue("id", "type", value, message)])
    row_id = value.strip()
    for rule, problem, is_broken in (
        ("maxLength", f"must have at most {_MAX_ID} characters", len(row_id) > _MAX_ID),
        ("printable", "must have printable characters only", not row_id.isprintable()),
    ):
        if is_broken:
            message = f"id {problem} ({rule}), got {safe_repr(value)}"
            raise InvalidRequestError([Issue("id", rule, value, message)])
    return row_id


def _read_text(kind: ValueKind, text: str) -> JSON:
    """A text as a value of its kind; unchanged where it is none, for the contract to refuse.

    Raises:
        ValueError: It must be JSON and is not.
    """
    match kind:
        case ValueKind.INTEGER | ValueKind.NUMBER:
            return _read_number(text)
        case ValueKind.BOOLEAN:
            # Spreadsheets write capitals.
            return {"true": True, "false": False}.get(text.strip().lower(), text)
        case ValueKind.LIST | ValueKind.JSON:
            return parse_json(text)
        case ValueKind.CHOICE | ValueKind.ASSET:
            return parse_json(text) if text.lstrip()[:1] in {"{", "["} else text
        case ValueKind.ASSETS:
            value = parse_json(text) if text.lstrip()[:1] in {"{", "["} else text
            return value if isinstance(value, list) else [value]
        case _:
            return text


def _read_number(text: str) -> JSON:
    if not re.fullmatch(r"\s*-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?\s*", text):
        return text
    try:
        return parse_json(text)
    except ValueError:
        # A leading zero, or more digits than Python reads.
        return text


def _make_digest(operation: str, arguments: Mapping[str, Any]) -> str:
    content = json.dumps(
        {"operation": operation, "arguments": arguments}, sort_keys=True, default=_identify_file
    )
    return hashlib.sha256(content.encode()).hexdigest()


def _identify_file(file: Path) -> Mapping[str, str] | str:
    """A local file by its content: neither its name nor its folder makes another task."""
    try:
        state = file.stat()
        return {"sha256": _hash_file(file, state.st_size, state.st_mtime_ns)}
    except (OSError, ValueError):
        # The check of the request refuses the row.
        return str(file)


# Cached because many rows often share one file, such as a reference. A change shows in the size or
# the time.
@lru_cache(maxsize=_MAX_CACHED_FILES)
def _hash_file(file: Path, size: int, modified_at: int) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
