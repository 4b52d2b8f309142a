"""Reads and writes YAML that means the same under YAML 1.1 and 1.2.

One half of the tool chain reads YAML 1.2 (ruamel, the generator), the other YAML 1.1 (PyYAML,
schemathesis). Unquoted `16:9` is a string in 1.2 and the number 969 in 1.1; `no` is a string in
1.2 and `False` in 1.1. Pages are read by the core rules of YAML 1.2, which their publisher uses.
What these tools write is quoted wherever the two could differ, and read back by both.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode

from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import Json, describe, pointer

if TYPE_CHECKING:
    from pathlib import Path as File

    from contract_tools._common.json_values import Path

TEXT_TAG = "tag:yaml.org,2002:str"
TIMESTAMP_TAG = "tag:yaml.org,2002:timestamp"
# Written in C, it reads in a tenth of the time; a build of PyYAML may be without it.
_YAML_1_1 = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER = YAML(typ="safe", pure=True).resolver
UNUSUAL_BREAKS = frozenset("\r\x85\u2028\u2029\ufeff")


class _CoreConstructor(SafeConstructor):
    """Reads dates as text: the core schema of YAML 1.2 has no dates, and neither has JSON."""

    yaml_constructors = {  # noqa: RUF012 - ruamel's own attribute, never changed here
        **SafeConstructor.yaml_constructors,
        TIMESTAMP_TAG: SafeConstructor.construct_yaml_str,
    }


def load(text: str, where: str) -> Json:
    """Read YAML by the 1.2 core rules, as JSON values.

    Raises:
        ContractError: the text is not YAML, or holds what JSON cannot.
    """
    reader = YAML(typ="safe", pure=True)
    reader.Constructor = _CoreConstructor
    try:
        value = reader.load(text)
    except MarkedYAMLError as error:
        raise ContractError(_syntax_error(error, where)) from error
    except (YAMLError, ValueError) as error:
        raise ContractError(f"{where}: not YAML: {error}") from error
    return _as_json(value, where, (), frozenset())


def load_as_yaml_1_1(text: str, where: str) -> Json:
    """Read YAML as PyYAML does (1.1), as JSON values.

    Raises:
        ContractError: the text is not YAML, or holds what JSON cannot: a date, for one.
    """
    try:
        value = yaml.load(text, _YAML_1_1)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError) as error:
        raise ContractError(f"{where}: not YAML 1.1: {error}") from error
    return _as_json(value, where, (), frozenset())


def load_unambiguous(text: str, where: str) -> Json:
    """Read YAML that must mean the same under YAML 1.1 and 1.2.

    Raises:
        ContractError: the two readings differ; the first difference is named.
    """
    modern = load(text, where)
    old = load_as_yaml_1_1(text, where)
    difference = first_difference(modern, old)
    if difference is None:
        return modern
    path, left, right = difference
    raise ContractError(
        f"{where}: {pointer(path) or '/'} reads {describe(left)} under YAML 1.2 "
        f"but {describe(right)} under YAML 1.1: quote it"
    )


def read_text(file: File, where: str) -> str:
    """Read a hand-written text file.

    Raises:
        ContractError: it is missing, cannot be read, or is not UTF-8.
    """
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ContractError(f"{where}: byte {error.start} is not UTF-8") from error
    except OSError as error:
        raise ContractError(f"{where}: cannot be read: {error.strerror}") from error


def dump(value: Json, *, heading: str = "") -> str:
    """Write JSON values as YAML that means the same under YAML 1.1 and 1.2.

    Args:
        value: the document; the order of keys is kept.
        heading: comment lines for the top, without their `#`.
    """
    comment = "".join(f"# {line}".rstrip() + "\n" for line in heading.splitlines())
    body = yaml.dump(
        value,
        Dumper=_PortableDumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=False,
    )
    return comment + body


def first_difference(left: Json, right: Json, path: Path = ()) -> tuple[Path, Json, Json] | None:
    """Return the first place where two documents differ in key order, type or value, if any."""
    if isinstance(left, dict) and isinstance(right, dict) and list(left) == list(right):
        found = (first_difference(left[key], right[key], (*path, key)) for key in left)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        rows = enumerate(zip(left, right, strict=True))
        found = (first_difference(a, b, (*path, index)) for index, (a, b) in rows)
    else:
        return None if type(left) is type(right) and left == right else (path, left, right)
    return next((difference for difference in found if difference), None)


def _syntax_error(error: MarkedYAMLError, where: str) -> str:
    mark = error.problem_mark or error.context_mark
    place = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    return f"{where}:{place} not YAML: {error.problem or error.context}"


def _as_json(value: object, where: str, path: Path, above: frozenset[int]) -> Json:
    """Check that a loaded value is JSON; integer keys, as in `200:`, become text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if not isinstance(value, dict | list) or id(value) in above:
        kind = "an alias to itself" if id(value) in above else f"a {type(value).__name__}"
        raise ContractError(f"{where}: {pointer(path) or '/'} is {kind}, which JSON cannot hold")
    inside = above | {id(value)}
    if isinstance(value, list):
        return [_as_json(item, where, (*path, i), inside) for i, item in enumerate(value)]
    return {
        (name := _key(key, where, path)): _as_json(item, where, (*path, name), inside)
        for key, item in value.items()
    }


def _key(key: object, where: str, path: Path) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, int) and not isinstance(key, bool):
        return str(key)
    raise ContractError(f"{where}: {pointer(path) or '/'} has the key {key!r}, which is not text")


class _PortableDumper(yaml.SafeDumper):
    """Quotes text that a reader could take for another type; writes no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent list items below their key, as the vendored pages do."""
        super().increase_indent(flow, indentless=False)


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if UNUSUAL_BREAKS & set(text):
        # Line breaks in YAML 1.1 and plain characters in 1.2; an escape means the same in both.
        return dumper.represent_scalar(TEXT_TAG, text, style='"')
    if "\n" in text:
        return dumper.represent_scalar(TEXT_TAG, text, style="|")
    return dumper.represent_scalar(TEXT_TAG, text, style=None if _is_text_in_1_2(text) else "'")


def _is_text_in_1_2(text: str) -> bool:
    """Whether a plain scalar is text under YAML 1.2; PyYAML itself checks 1.1."""
    return bool(_RESOLVER.resolve(ScalarNode, text, (True, False)) == TEXT_TAG)


_PortableDumper.add_representer(str, _represent_text)
