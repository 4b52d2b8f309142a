"""What a new operation is called: its resource, its components, its files."""

from __future__ import annotations

import ast
import json
import keyword
import re
from typing import TYPE_CHECKING

from attrs import frozen

from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import as_object, entries, members
from contract_tools._common.openapi import operations
from contract_tools._common.portable_yaml import read_text
from contract_tools.build.lint import SNAKE_CASE

if TYPE_CHECKING:
    from pathlib import Path

    from contract_tools._common.json_values import JsonObject
    from contract_tools._common.workspace import Workspace
    from contract_tools.pages.saved_page import Page

# What tells the two formats apart, and the first numbers of their overlays.
FORMATS = {
    "official": ("official-format/", "/runwayml/", range(20, 30)),
    "compat": ("compatibility-format/", "/runway/", range(31, 40)),
}


@frozen
class Names:
    """The names of a new operation.

    Attributes:
        tag: `official` or `compat`.
        resource: its attribute of the client, or of `client.compat`.
    """

    tag: str
    resource: str

    @property
    def function(self) -> str:
        """The function that is its signature, and the module of that."""
        return f"compat_{self.resource}" if self.tag == "compat" else self.resource

    @property
    def attribute(self) -> str:
        """How a program reaches it: `client.compat.act_one`."""
        group = "compat." if self.tag == "compat" else ""
        return f"client.{group}{self.resource}"

    @property
    def component(self) -> str:
        """What the names of its components begin with."""
        return to_pascal_case(self.function)

    @property
    def file(self) -> str:
        """What the names of its sample files and its overlay contain."""
        return self.function.replace("_", "-")


def to_pascal_case(name: str) -> str:
    """Return `lip_sync` and `lipSync` as `LipSync`."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", name))


def choose_names(workspace: Workspace, page: Page, argument: str, name: str) -> Names:
    """Choose the names of a page's operation.

    Args:
        workspace: the repository.
        page: the saved page.
        argument: the saved page, for messages.
        name: the resource; the last part of the route if empty.

    Raises:
        ContractError: the operation exists, or its name is taken or not a Python name.
    """
    contract = read_contract(workspace)
    known = {operation.route: operation for operation in operations(contract)}
    if page.route in known:
        raise ContractError(
            f"{argument}: {page.route} is in the contract already; for a changed page: "
            f"make vendor PAGE={argument}"
        )
    by_id = {operation.id: operation.route for operation in known.values()}
    if page.operation_id in by_id:
        raise ContractError(
            f"{argument}: operationId {page.operation_id} is already that of "
            f"{by_id[page.operation_id]}"
        )
    if not SNAKE_CASE.match(page.operation_id):
        raise ContractError(
            f"{argument}: operationId must be snake_case, is {page.operation_id!r}; change it by "
            "an overlay action, then vendor the page and write its files by hand"
        )
    names = Names(_find_tag(page, argument), name or _derive_resource(page))
    _check_names(workspace, contract, names, argument)
    return names


def component_names(document: JsonObject) -> set[str]:
    """Return the names of a document's schemas."""
    return set(members(members(document.get("components")).get("schemas")))


def next_overlay(workspace: Workspace, names: Names) -> Path:
    """Return the file of a new overlay, after those of its format."""
    numbers = FORMATS[names.tag][2]
    used = {int(file.name[:2]) for file in workspace.overlays.glob("[0-9][0-9]-*.yaml")}
    number = max((one + 1 for one in used & set(numbers)), default=numbers.start)
    return workspace.overlays / f"{min(number, numbers.stop - 1)}-{names.file}.overlay.yaml"


def read_contract(workspace: Workspace) -> JsonObject:
    """Return the contract as it was last generated."""
    file = workspace.package / "contract.json"
    where = workspace.name(file)
    return as_object(json.loads(read_text(file, where)), where)


def _find_tag(page: Page, argument: str) -> str:
    for tag, (folder, prefix, _) in FORMATS.items():
        if folder in page.source or page.path.startswith(prefix):
            return tag
    known = " or ".join(folder for folder, _, _ in FORMATS.values())
    raise ContractError(
        f"{argument}: the source {page.source} lies under neither {known}, and {page.path} begins "
        "like no route of the contract"
    )


def _derive_resource(page: Page) -> str:
    parts = [part for part in page.path.split("/") if part and not part.startswith("{")]
    return re.sub(r"[^A-Za-z0-9]+", "_", parts[-1]).strip("_").lower()


def _check_names(workspace: Workspace, contract: JsonObject, names: Names, argument: str) -> None:
    name = names.resource
    if not SNAKE_CASE.match(name) or keyword.iskeyword(name):
        problem = f"{name!r} is not a Python name in snake_case"
        raise ContractError(f"{argument}: {problem}; choose another NAME")
    taken = _client_attributes(workspace, names.tag) | _resources(contract, names.tag)
    component = f"{names.component}Request"
    if name in taken or names.function in _signature_names(workspace):
        raise ContractError(f"{argument}: {names.attribute} exists already; choose another NAME")
    if component in component_names(contract):
        problem = f"the contract has a component {component} already"
        raise ContractError(f"{argument}: {problem}; choose another NAME")


def _resources(contract: JsonObject, tag: str) -> set[str]:
    found: set[str] = set()
    for operation in operations(contract):
        if entries(operation.raw.get("tags")) == [tag]:
            resource = operation.raw.get("x-resource")
            found |= set(resource) if isinstance(resource, dict) else {str(resource)}
    return found


def _client_attributes(workspace: Workspace, tag: str) -> set[str]:
    """Return every attribute of the clients, or of their `compat` group."""
    wanted = {
        "official": {"Operations", "BaseClient", "RunwayClient"},
        "compat": {"CompatOperations", "Compat"},
    }[tag]
    tree = ast.parse(read_text(workspace.client, workspace.name(workspace.client)))
    found: set[str] = set()
    for node in (one for one in ast.walk(tree) if isinstance(one, ast.ClassDef)):
        if node.name in wanted:
            found |= {name for part in ast.walk(node) for name in _bound_names(part)}
    return found


def _bound_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else []
    if isinstance(node, ast.AnnAssign):
        targets = [node.target]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names + [target.attr for target in targets if isinstance(target, ast.Attribute)]


def _signature_names(workspace: Workspace) -> set[str]:
    """Return the modules of the signatures, and what their package exports."""
    file = workspace.signatures / "__init__.py"
    tree = ast.parse(read_text(file, workspace.name(file)))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    exported = {alias.asname or alias.name for node in imports for alias in node.names}
    return exported | {module.stem for module in workspace.signatures.glob("*.py")}
