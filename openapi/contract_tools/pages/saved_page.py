"""A documentation page saved as Markdown, and the OpenAPI block inside it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from contract_tools._common import portable_yaml
from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import as_object, as_text, describe
from contract_tools._common.openapi import METHODS, operations

if TYPE_CHECKING:
    from contract_tools._common.json_values import JsonObject

# Four backticks, because the YAML itself may quote code in three.
FENCE = re.compile(r"^(`{4,})[ \t]*([^`]*)$")
INFO = re.compile(r"^yaml[ \t]+(\S+)[ \t]+(\S+)[ \t]+(/\S*)[ \t]*$")
SOURCE = re.compile(r"^(?:[A-Za-z0-9._-]+/)*[A-Za-z0-9][A-Za-z0-9._-]*\.openapi\.json$")
CRLF_NOTE = "the file has CRLF line endings; stored with LF, as the site serves the page"


@frozen
class Page:
    """One page's OpenAPI block.

    Attributes:
        source: the OpenAPI file that the info line names.
        method: HTTP method, upper case.
        path: the route.
        block: the block's bytes, stored unchanged.
        document: the block's content.
        notes: remarks on how the file was read, for the report.
    """

    source: str
    method: str
    path: str
    block: bytes
    document: JsonObject
    notes: tuple[str, ...] = ()

    @property
    def route(self) -> str:
        """Method and path, separated by a space."""
        return f"{self.method} {self.path}"

    @property
    def operation_id(self) -> str:
        """The operation's id."""
        return next(operations(self.document)).id


@frozen
class _Block:
    line: int
    info: str
    text: str


def read_page(argument: str) -> Page:
    """Read a saved page.

    Args:
        argument: the file's path, as on the command line.

    Raises:
        ContractError: the file cannot be read, or does not hold exactly one OpenAPI block that
            describes the operation its info line names.
    """
    content = _read_bytes(argument)
    notes = (CRLF_NOTE,) if b"\r\n" in content else ()
    block = _find_block(_decode(content, argument).replace("\r\n", "\n"), argument)
    where = f"{argument}: block at line {block.line}"
    matched = INFO.match(block.info)
    if not matched:
        raise ContractError(
            f"{where}: the info line must read `yaml <source> <METHOD> <path>`, is {block.info!r}"
        )
    source, method, path = matched.groups()
    if method.lower() not in METHODS:
        raise ContractError(f"{where}: {method!r} is not an HTTP method")
    if not SOURCE.match(source) or ".." in source.split("/"):
        raise ContractError(f"{where}: the source must be a path to .openapi.json, is {source!r}")
    document = as_object(portable_yaml.load(block.text, where), where)
    _check_openapi(document, method.upper(), path, where)
    return Page(source, method.upper(), path, block.text.encode(), document, notes)


def _read_bytes(argument: str) -> bytes:
    if re.match(r"^[A-Za-z][A-Za-z0-9+.-]+://", argument):
        raise ContractError(
            f"{argument}: this is an address; save the page (its address with .md at the end) "
            "and give the file"
        )
    file = Path(argument)
    if file.is_dir():
        raise ContractError(f"{argument}: is a folder; give the saved page")
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise ContractError(f"{argument}: no such file") from error
    except OSError as error:
        raise ContractError(f"{argument}: cannot be read: {error.strerror}") from error


def _decode(content: bytes, argument: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ContractError(
            f"{argument}: line {line}, byte {error.start}: 0x{content[error.start]:02x} is not "
            "UTF-8; save the page as UTF-8"
        ) from error


def _find_block(text: str, argument: str) -> _Block:
    blocks = _find_blocks(text, argument)
    if not blocks:
        raise ContractError(
            f"{argument}: no OpenAPI block: a block fenced by four backticks, with the info line "
            "`yaml <source> <METHOD> <path>`; was the page saved as Markdown (.md)?"
        )
    if len(blocks) > 1:
        found = "; ".join(f"line {block.line}: {block.info}" for block in blocks)
        raise ContractError(f"{argument}: {len(blocks)} OpenAPI blocks, expected one: {found}")
    return blocks[0]


def _find_blocks(text: str, argument: str) -> list[_Block]:
    found: list[_Block] = []
    opened: tuple[int, str, str] | None = None
    inside: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        fence = FENCE.match(line)
        if opened is None:
            if fence:
                opened, inside = (number, fence[1], fence[2]), []
        elif fence and not fence[2] and len(fence[1]) >= len(opened[1]):
            found.append(_Block(opened[0], opened[2], "".join(f"{row}\n" for row in inside)))
            opened = None
        else:
            inside.append(line)
    if opened is not None:
        raise ContractError(f"{argument}: the block opened on line {opened[0]} is never closed")
    return [block for block in found if block.info.split()[:1] == ["yaml"]]


def _check_openapi(document: JsonObject, method: str, path: str, where: str) -> None:
    version = document.get("openapi")
    if not isinstance(version, str) or not re.match(r"^3\.\d+\.\d+$", version):
        raise ContractError(f"{where}: not OpenAPI 3.x: `openapi` is {describe(version)}")
    as_object(document.get("paths"), f"{where}: paths")
    found = list(operations(document))
    if [one.route for one in found] != [f"{method} {path}"]:
        listed = ", ".join(one.route for one in found) or "no operation"
        raise ContractError(
            f"{where}: the info line names {method} {path}, the block describes {listed}"
        )
    operation = found[0].raw
    as_text(operation.get("operationId"), f"{where}: {method} {path}: operationId")
    as_object(operation.get("responses"), f"{where}: {method} {path}: responses")
