"""`openapi/vendor`: the vendored pages, and the list of them in `pages.toml`."""

from __future__ import annotations

import hashlib
import re
import tomllib
from typing import TYPE_CHECKING

import tomlkit
from attrs import field, frozen

from contract_tools._common import portable_yaml
from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import as_object, as_text, members

if TYPE_CHECKING:
    from tomlkit.items import Table

    from contract_tools._common.json_values import Json, JsonObject
    from contract_tools._common.workspace import Workspace

TEXT_FIELDS = ("source", "method", "path", "sha256", "obtained")
OBTAINED = ("page", "transcribed")
CONFIDENCE = ("documented", "observed", "upstream", "inferred")
VARIANT = re.compile(r"^[A-Z][A-Za-z0-9]*$")
HEADING = """\
The vendored documentation pages. `make vendor PAGE=<file>` maintains this list; `sha256` is
that of the vendored file. openapi/README.md explains the fields.
"""


@frozen
class Entry:
    """One vendored page.

    Attributes:
        source: the OpenAPI file the page names in its info line.
        method: HTTP method, upper case.
        path: the route.
        sha256: of the vendored file's bytes, hexadecimal.
        obtained: `page` (saved from the site) or `transcribed` (written from descriptions).
        variant: where several pages describe one operation with different request bodies, the
            component that this page's body becomes; else empty.
        confidence: for a transcription, the confidence level of each part, by part.
    """

    source: str
    method: str
    path: str
    sha256: str
    obtained: str
    variant: str = ""
    confidence: dict[str, str] = field(factory=dict)

    @property
    def file_name(self) -> str:
        """The vendored file's name."""
        return vendored_name(self.source)

    @property
    def route(self) -> str:
        """Method and path, separated by a space."""
        return f"{self.method} {self.path}"

    def shares_with(self, other: Entry) -> bool:
        """Whether two pages are declared as different variants of one operation."""
        both = bool(self.variant and other.variant)
        return both and self.route == other.route and self.variant != other.variant


def vendored_name(source: str) -> str:
    """Return the name under which a page's block is stored."""
    return source.rpartition("/")[2].removesuffix(".json") + ".yaml"


def sha256(content: bytes) -> str:
    """Return the sha256 of a file's bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def check_variant(name: str, where: str) -> str:
    """Return a variant's name if it can be a component's name.

    Raises:
        ContractError: it cannot.
    """
    if name and not VARIANT.match(name):
        raise ContractError(f"{where}: a variant must be named like a class, is {name!r}")
    return name


def read_register(workspace: Workspace) -> list[Entry]:
    """Read the register; empty if it does not exist yet.

    Raises:
        ContractError: it is not TOML, or an entry breaks a rule.
    """
    if not workspace.register.exists():
        return []
    where = workspace.name(workspace.register)
    try:
        document: JsonObject = tomllib.loads(workspace.register.read_text("utf-8"))
    except ValueError as error:
        raise ContractError(f"{where}: not TOML: {error}") from error
    pages = document.get("page", [])
    if not isinstance(pages, list):
        raise ContractError(f"{where}: `page` must be an array of tables")
    return [_entry(row, f"{where}: page {number}") for number, row in enumerate(pages, 1)]


def render_register(entries: list[Entry]) -> bytes:
    """Return the register as TOML, sorted by file name."""
    document = tomlkit.document()
    for line in HEADING.splitlines():
        document.add(tomlkit.comment(line))
    pages = tomlkit.aot()
    for entry in sorted(entries, key=lambda entry: entry.file_name):
        pages.append(_table(entry))
    document.add(tomlkit.nl())
    document.append("page", pages)
    return tomlkit.dumps(document).encode()


def load_vendored(workspace: Workspace, entry: Entry) -> JsonObject:
    """Read one vendored file and check that it is unedited.

    Raises:
        ContractError: it is missing, or its sha256 is not the one in the register.
    """
    file = workspace.vendor / entry.file_name
    where = workspace.name(file)
    if not file.is_file():
        raise ContractError(f"{where}: listed in {workspace.register.name}, but missing")
    content = file.read_bytes()
    found = sha256(content)
    if found != entry.sha256:
        raise ContractError(
            f"{where}: sha256 is {found}, {workspace.register.name} says {entry.sha256}; "
            "vendored files are never edited, fixes go into an overlay"
        )
    return as_object(portable_yaml.load(content.decode("utf-8"), where), where)


def operation_of(page: JsonObject, entry: Entry, where: str) -> JsonObject:
    """Return the operation object that an entry describes.

    Raises:
        ContractError: the page has no such operation.
    """
    item = members(members(page.get("paths")).get(entry.path))
    return as_object(item.get(entry.method.lower()), f"{where}: {entry.route}")


def _table(entry: Entry) -> Table:
    table = tomlkit.table()
    for name in TEXT_FIELDS:
        table.add(name, getattr(entry, name))
    if entry.variant:
        table.add("variant", entry.variant)
    if entry.confidence:
        confidence = tomlkit.table()
        for part, level in entry.confidence.items():
            confidence.add(part, level)
        table.add("confidence", confidence)
    return table


def _entry(row: Json, where: str) -> Entry:
    table = as_object(row, where)
    texts = {name: as_text(table.get(name), f"{where}: {name}") for name in TEXT_FIELDS}
    confidence = _confidence(table.get("confidence", {}), f"{where}: confidence")
    variant = table.get("variant", "")
    if variant != "":
        variant = check_variant(as_text(variant, f"{where}: variant"), f"{where}: variant")
    entry = Entry(variant=variant, confidence=confidence, **texts)
    if entry.obtained not in OBTAINED:
        raise ContractError(f"{where}: obtained must be one of {OBTAINED}, is {entry.obtained!r}")
    if (entry.obtained == "transcribed") != bool(entry.confidence):
        raise ContractError(
            f"{where}: a transcribed page, and no other, has a confidence table; "
            f"{entry.source} is {entry.obtained!r}"
        )
    return entry


def _confidence(value: Json, where: str) -> dict[str, str]:
    levels = {
        part: as_text(level, f"{where}: {part}") for part, level in as_object(value, where).items()
    }
    for part, level in levels.items():
        if level not in CONFIDENCE:
            raise ContractError(f"{where}: {part} must be one of {CONFIDENCE}, is {level!r}")
    return levels
