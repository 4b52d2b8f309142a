"""Puts a bill of materials (CycloneDX) into the wheel, made from `pyproject.toml` as it is built.

It says what the wheel contains of others, and what it expects in its environment: each requirement
with the range of versions that is allowed. It names no installed version, because an installer
chooses that one.
"""

from __future__ import annotations

import json
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from packaging.requirements import Requirement
from packaging.specifiers import Specifier
from packaging.utils import canonicalize_name
from packaging.version import Version

FILE_NAME = "cometapi-runway.cdx.json"
GENERATOR = "openapi-python-client"


class WheelSbom(BuildHookInterface):
    """Adds the bill of materials to a wheel that is to be distributed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the file; an editable install needs none."""
        if version != "standard":
            return
        core = self.metadata.core
        groups = tomllib.loads(Path(self.root, "pyproject.toml").read_text("utf-8"))
        tools = map(Requirement, filter(_is_requirement, groups["dependency-groups"]["test"]))
        (generator,) = (tool for tool in tools if tool.name == GENERATOR)
        document = describe(
            {
                "name": core.name,
                "version": self.metadata.version,
                "description": core.description,
                "licenses": [{"expression": core.license_expression}],
            },
            {"": core.dependencies, **core.optional_dependencies},
            next(iter(generator.specifier)).version,
        )
        folder = tempfile.mkdtemp()
        file = Path(folder, FILE_NAME)
        file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8", newline="\n")
        build_data["sbom_files"].append(str(file))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the file, which is in the wheel now."""
        for name in build_data["sbom_files"]:
            Path(name).unlink()
            Path(name).parent.rmdir()


def describe(
    project: dict[str, object], requirements: dict[str, list[str]], generator_version: str
) -> dict[str, object]:
    """Return the bill of materials of a project.

    Args:
        project: Its name, version, description and licenses.
        requirements: What it requires, by extra; the empty name is what it always requires.
        generator_version: The version of the generator whose templates are in the wheel.
    """
    root = f"pkg:pypi/{project['name']}@{project['version']}"
    generator = {
        "type": "library",
        "bom-ref": f"pkg:pypi/{GENERATOR}@{generator_version}",
        "name": GENERATOR,
        "version": generator_version,
        "description": "Wrote cometapi_runway_api, which contains text of its templates.",
        "licenses": [{"license": {"id": "MIT"}}],
        "purl": f"pkg:pypi/{GENERATOR}@{generator_version}",
    }
    external = _describe_requirements(requirements)
    components: list[dict[str, Any]] = [generator, *external]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "version": 1,
        "metadata": {
            "component": {"type": "library", "bom-ref": root, "purl": root, **project},
        },
        "components": components,
        "dependencies": [
            {"ref": root, "dependsOn": [component["bom-ref"] for component in components]},
            *({"ref": component["bom-ref"]} for component in components),
        ],
    }


def _describe_requirements(requirements: dict[str, list[str]]) -> list[dict[str, object]]:
    # A requirement of several extras is one component; one with another range is another.
    extras: dict[Requirement, list[str]] = {}
    for extra, lines in requirements.items():
        for line in lines:
            extras.setdefault(Requirement(line), []).append(extra)
    return [
        _describe_requirement(requirement, extras[requirement])
        for requirement in sorted(extras, key=str)
    ]


def _describe_requirement(requirement: Requirement, extras: list[str]) -> dict[str, object]:
    name = canonicalize_name(requirement.name)
    described: dict[str, object] = {
        "type": "library",
        "bom-ref": str(requirement),
        "name": name,
        "purl": f"pkg:pypi/{name}",
        "isExternal": True,
        "versionRange": _format_range(requirement),
        "scope": "required" if "" in extras else "optional",
    }
    if "" not in extras:
        described["properties"] = [
            {"name": "cometapi-runway:extra", "value": extra} for extra in sorted(extras)
        ]
    return described


def _format_range(requirement: Requirement) -> str:
    """The range in the notation of package-url, which orders its bounds by version."""

    def by_version(bound: Specifier) -> Version:
        return Version(bound.version)

    bounds = sorted(requirement.specifier, key=by_version)
    return "vers:pypi/" + ("|".join(map(str, bounds)) or "*")


def _is_requirement(entry: object) -> bool:
    return isinstance(entry, str)
