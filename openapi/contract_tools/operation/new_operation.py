"""`operation PAGE`: from a saved page of a new operation to a method of both clients.

Everything is made in a temporary copy. Only when all of it is complete are the files replaced.
"""

from __future__ import annotations

import ast
import shutil
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from contract_tools._common.atomic_files import replace_files, scratch_folder, swap_folder
from contract_tools._common.errors import ContractError
from contract_tools._common.json_values import entries, members
from contract_tools._common.openapi import Operation, json_media, operations, resolve
from contract_tools._common.portable_yaml import read_text
from contract_tools._common.workspace import Workspace
from contract_tools.build.contract import build_contract
from contract_tools.generate.generator import generate_package
from contract_tools.generate.operations_table import BEGIN, END, insert_table, operations_table
from contract_tools.generate.python_source import format_module
from contract_tools.operation.names import (
    Names,
    choose_names,
    component_names,
    next_overlay,
    read_contract,
)
from contract_tools.operation.overlay import OverlayWriter
from contract_tools.operation.samples import Sample, make_sample, read_samples
from contract_tools.operation.signature import write_signature
from contract_tools.pages.vendor import plan_vendoring

if TYPE_CHECKING:
    from pathlib import Path

    from contract_tools._common.json_values import Json, JsonObject
    from contract_tools.build.contract import Contract
    from contract_tools.pages.saved_page import Page

_VERSION: JsonObject = {"name": "X-Runway-Version", "in": "header"}
_GROUPS = {"official": "Operations", "compat": "CompatOperations"}


@frozen
class _Parts:
    """What the page became: its names, its overlay and its samples."""

    names: Names
    overlay: Path
    samples: list[Sample]
    decisions: list[str]


def add_operation(workspace: Workspace, argument: str, name: str = "") -> list[str]:
    """Take in the page of a new operation.

    Args:
        workspace: the repository.
        argument: the saved page, as on the command line.
        name: the resource; the last part of the route if empty.

    Returns:
        What was written and what a person must still decide, a line each.

    Raises:
        ContractError: the page cannot be taken in; nothing was written.
    """
    plan = plan_vendoring(workspace, argument)
    page = plan.page
    names = choose_names(workspace, page, argument, name)
    operation = _check_page(page, argument)
    known = component_names(read_contract(workspace))
    _check_components(page, known, argument)
    with scratch_folder(workspace.scratch) as folder:
        copy = _copy_inputs(workspace, folder / "workspace")
        vendored = evolve(plan, workspace=copy)
        vendored.store()
        parts = _write_overlay(copy, page, names, operation, known)
        contract = build_contract(copy)
        files = {
            workspace.root / copy.name(file): file.read_bytes()
            for file in (vendored.file, copy.register, parts.overlay)
        }
        files |= _write_samples(workspace, page, parts, contract)
        files |= _write_python(workspace, page, parts, contract)
        files |= _write_tables(workspace, contract)
        files[workspace.contract] = contract.yaml.encode()
        target = folder / "package"
        target.mkdir()
        package = generate_package(workspace, contract, target)
        swap_folder(package, workspace.package)
        replace_files(files)
    return _report(workspace, [*files, workspace.package], parts, contract)


def _check_page(page: Page, argument: str) -> JsonObject:
    """Return the operation of a page that `create` can call.

    Raises:
        ContractError: it creates no task, or needs more than a JSON body and headers.
    """
    operation = next(operations(page.document))
    media = json_media(resolve(page.document, operation.raw.get("requestBody")))
    if page.method != "POST" or not media.get("schema"):
        raise ContractError(
            f"{argument}: {page.route} has no JSON body to create a task with; "
            "use make vendor, and write its overlay by hand"
        )
    parameters = entries(operation.item.get("parameters"))
    for row in [*parameters, *entries(operation.raw.get("parameters"))]:
        parameter = resolve(page.document, row)
        is_version = _VERSION.items() <= parameter.items()
        if not is_version and (parameter.get("in") != "header" or parameter.get("required")):
            raise ContractError(
                f"{argument}: `create` cannot send the {parameter.get('in')} parameter "
                f"{parameter.get('name')}; use make vendor, and write the overlay and the "
                "signature by hand"
            )
    schema = resolve(page.document, media["schema"])
    if not members(schema.get("properties")):
        raise ContractError(
            f"{argument}: the body of {page.route} has no properties; use make vendor, and write "
            "the overlay and the signature by hand"
        )
    return operation.raw


def _copy_inputs(workspace: Workspace, root: Path) -> Workspace:
    copy = Workspace(root)
    for folder in (workspace.vendor, workspace.overlays):
        shutil.copytree(folder, root / workspace.name(folder))
    for file in (workspace.generator_config, workspace.pyproject):
        shutil.copyfile(file, root / workspace.name(file))
    return copy


def _check_components(page: Page, known: set[str], argument: str) -> None:
    """Refuse a page whose component would be merged into one of the contract."""
    twice = sorted(component_names(page.document) & known)
    if twice:
        raise ContractError(
            f"{argument}: the contract has a component {twice[0]} already; "
            "use make vendor, and write the overlay by hand"
        )


def _write_overlay(
    copy: Workspace, page: Page, names: Names, operation: JsonObject, taken: set[str]
) -> _Parts:
    samples = read_samples(page)
    file = next_overlay(copy, names)
    writer = OverlayWriter(page, names, operation, samples, set(taken))
    file.write_bytes(writer.write())
    return _Parts(names, file, samples, writer.decisions)


def _find_operation(contract: Contract, page: Page) -> Operation:
    return next(one for one in operations(contract.document) if one.route == page.route)


def _body_schema(contract: Contract, page: Page) -> Json:
    operation = _find_operation(contract, page)
    body = resolve(contract.document, operation.raw.get("requestBody"))
    return json_media(body).get("schema")


def _write_samples(
    workspace: Workspace, page: Page, parts: _Parts, contract: Contract
) -> dict[Path, bytes]:
    if not parts.samples:
        schema = _body_schema(contract, page)
        parts.samples.append(make_sample(contract.document, schema))
        parts.decisions.append("the page shows no request: check the sample that was made up")
    return {
        workspace.samples / f"{parts.names.file}-{sample.name}.json": sample.render(page)
        for sample in parts.samples
    }


def _fillers(page: Page, parts: _Parts) -> dict[str, Json]:
    """Return what is sent for fields that the page requires, if the contract does not."""
    operation = next(operations(page.document)).raw
    media = json_media(resolve(page.document, operation.get("requestBody")))
    stated = entries(resolve(page.document, media.get("schema")).get("required"))
    found: dict[str, Json] = {}
    for sample in parts.samples:
        for name in map(str, stated):
            if name in sample.body:
                found.setdefault(name, sample.body[name])
    return found


def _write_python(
    workspace: Workspace, page: Page, parts: _Parts, contract: Contract
) -> dict[Path, bytes]:
    """Return the module of the signature, its export, and its line of the clients."""
    names = parts.names
    package, client = workspace.signatures / "__init__.py", workspace.client
    reserved = _class_names(workspace.signatures / "signature.py", "CallOptions", workspace)
    code = write_signature(
        contract.document,
        _find_operation(contract, page),
        names,
        _fillers(page, parts),
        reserved,
    )
    line = f"    {names.resource} = ResourceDescriptor(signatures.{names.function})\n"
    texts = {
        workspace.signatures / f"{names.function}.py": code,
        package: _export(read_text(package, workspace.name(package)), names),
        client: _append_to_class(workspace, client, _GROUPS[names.tag], line),
    }
    return {
        file: format_module(workspace, workspace.name(file), text).encode()
        for file, text in texts.items()
    }


def _export(text: str, names: Names) -> str:
    """Return the package of the signatures with one more; the formatter sorts both lists."""
    name = names.function
    tree = ast.parse(text)
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    lines = text.splitlines(keepends=True)
    module = f"cometapi_runway.resources._signatures.{name}"
    lines.insert(imports[-1].end_lineno or 0, f"from {module} import {name}\n")
    return "".join(lines).replace("__all__ = [\n", f'__all__ = [\n    "{name}",\n', 1)


def _append_to_class(workspace: Workspace, file: Path, name: str, line: str) -> str:
    text = read_text(file, workspace.name(file))
    last = _find_class(text, name, workspace.name(file)).body[-1].end_lineno or 0
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:last], line, *lines[last:]])


def _class_names(file: Path, name: str, workspace: Workspace) -> set[str]:
    """Return the annotated names of a class."""
    text = read_text(file, workspace.name(file))
    rows = _find_class(text, name, workspace.name(file)).body
    targets = (row.target for row in rows if isinstance(row, ast.AnnAssign))
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _find_class(text: str, name: str, where: str) -> ast.ClassDef:
    for node in ast.parse(text).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node
    raise ContractError(f"{where}: no class {name}")


def _write_tables(workspace: Workspace, contract: Contract) -> dict[Path, bytes]:
    """Return every page of the documentation that has the table of operations."""
    table = operations_table(contract.document)
    pages = [workspace.root / "README.md", *sorted((workspace.root / "docs").rglob("*.md"))]
    texts = {file: file.read_text("utf-8") for file in pages if file.is_file()}
    return {
        file: insert_table(text, table).encode()
        for file, text in texts.items()
        if BEGIN in text and END in text
    }


def _report(
    workspace: Workspace, written: list[Path], parts: _Parts, contract: Contract
) -> list[str]:
    module = workspace.name(workspace.signatures / f"{parts.names.function}.py")
    overlay = f"{workspace.name(workspace.overlays)}/{parts.overlay.name}"
    return [
        *(f"{workspace.name(file)}: written" for file in written),
        f"{parts.names.attribute}.create is there. To decide:",
        *(f"- {overlay}: {decision}" for decision in parts.decisions),
        *(f"- {overlay}: {warning}" for warning in contract.warnings),
        f"- {module}: read the docstring, which is the page's text",
        f"- {overlay}: add x-price if the price is known",
        "- CHANGELOG.md: add a line",
    ]
