"""The bill of materials in the wheel: valid, and what the wheel's metadata requires."""

from __future__ import annotations

import json
from importlib.metadata import version

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from cometapi_runway import __version__

from .conftest import Artifacts


@pytest.fixture(scope="module")
def text(artifacts: Artifacts) -> str:
    return artifacts.read_from_wheel("sboms/cometapi-runway.cdx.json")


def test_is_valid(text: str) -> None:
    error = JsonStrictValidator(SchemaVersion.V1_7).validate_str(text)
    assert error is None, error


def test_describes_this_version(text: str) -> None:
    subject = json.loads(text)["metadata"]["component"]
    assert subject["purl"] == f"pkg:pypi/cometapi-runway@{__version__}"
    assert subject["licenses"] == [{"expression": "MIT"}]


def test_names_the_requirements_of_the_wheel_and_no_other(text: str, artifacts: Artifacts) -> None:
    listed = set()
    for component in json.loads(text)["components"]:
        if component.get("isExternal"):
            bounds = component["versionRange"].removeprefix("vers:pypi/").replace("|", ",")
            extras = [one["value"] for one in component.get("properties", [])] or [None]
            assert component["scope"] == ("required" if extras == [None] else "optional")
            listed |= {(component["name"], str(SpecifierSet(bounds)), extra) for extra in extras}

    required = set()
    for line in artifacts.metadata.get_all("Requires-Dist", []):
        requirement = Requirement(line)
        extra = str(requirement.marker).split('"')[1] if requirement.marker else None
        required.add((requirement.name, str(requirement.specifier), extra))
    assert listed == required


def test_names_the_generator_whose_text_is_in_the_wheel(text: str) -> None:
    (generator,) = (one for one in json.loads(text)["components"] if "isExternal" not in one)
    assert generator["name"] == "openapi-python-client"
    assert generator["version"] == version("openapi-python-client")


def test_every_component_is_in_the_graph_of_dependencies(text: str) -> None:
    document = json.loads(text)
    subject = document["metadata"]["component"]["bom-ref"]
    references = [component["bom-ref"] for component in document["components"]]
    graph = {entry["ref"]: entry.get("dependsOn", []) for entry in document["dependencies"]}
    assert graph == {subject: references} | {reference: [] for reference in references}
