"""Where the output of openapi-python-client differs from its OpenAPI document.

`generator_issues.toml` lists the issues with upstream's thread and the mitigation here.
`example_documents` holds small OpenAPI documents that show them, several issues to a document,
since a run of the generator takes a second or two; `example_client` generates and calls them. The
tests are strict expected failures: when upstream fixes an issue its test fails, and the mitigation
can be removed.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from attrs import frozen

ISSUES_FILE = Path(__file__).with_name("generator_issues.toml")


@frozen
class GeneratorIssue:
    """One entry of the list.

    Attributes:
        name: the name in the mark of its test.
        behavior: what the generator does.
        mitigation: what this repository does about it.
        upstream: threads of openapi-generators/openapi-python-client; empty if none is known.
    """

    name: str
    behavior: str
    mitigation: str
    upstream: str = ""


def read_issues() -> dict[str, GeneratorIssue]:
    """Read the list; returns the issues by name."""
    entries = tomllib.loads(ISSUES_FILE.read_text("utf-8"))["issue"]
    return {entry["name"]: GeneratorIssue(**entry) for entry in entries}


ISSUES = read_issues()
TESTED_ISSUES: set[str] = set()


def generator_issue(name: str, raises: type[BaseException] | tuple[type[BaseException], ...]):
    """Mark a test as the strict expected failure of a listed issue."""
    TESTED_ISSUES.add(name)
    return pytest.mark.xfail(raises=raises, strict=True, reason=f"{name}: {ISSUES[name].behavior}")
