"""What openapi-python-client does otherwise than its document says, one small example each.

`infidelities.toml` is the list, with upstream's thread where there is one and with what this
repository does about it; `documents` holds the examples, several to a document, since a run of
the generator takes a second or two; `example` generates and drives them. The tests beside this
folder are strict expected failures: an generator_issue that upstream mends turns its test red, and
then the countermeasure can go.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from attrs import frozen

ISSUES_FILE = Path(__file__).with_name("infidelities.toml")


@frozen
class GeneratorIssue:
    """One entry of the list.

    Attributes:
        name: what the test's mark calls it.
        what: what the generator does.
        here: what this repository does about it.
        upstream: threads of openapi-generators/openapi-python-client; empty where none is known.
    """

    name: str
    what: str
    here: str
    upstream: str = ""


def read_issues() -> dict[str, GeneratorIssue]:
    """The list, by name."""
    entries = tomllib.loads(ISSUES_FILE.read_text("utf-8"))["infidelity"]
    return {entry["name"]: GeneratorIssue(**entry) for entry in entries}


ISSUES = read_issues()
TESTED_ISSUES: set[str] = set()


def generator_issue(name: str, raises: type[BaseException] | tuple[type[BaseException], ...]):
    """Mark a test as the example of a read_issues generator_issue that fails in the given way."""
    TESTED_ISSUES.add(name)
    return pytest.mark.xfail(raises=raises, strict=True, reason=f"{name}: {ISSUES[name].what}")
