"""What openapi-python-client does otherwise than its document says, one small example each.

`infidelities.toml` is the list, with upstream's thread where there is one and with what this
repository does about it; `documents` holds the examples, several to a document, since a run of
the generator takes a second or two; `example` generates and drives them. The tests beside this
folder are strict expected failures: an infidelity that upstream mends turns its test red, and
then the countermeasure can go.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from attrs import frozen

LIST = Path(__file__).with_name("infidelities.toml")


@frozen
class Infidelity:
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


def listed() -> dict[str, Infidelity]:
    """The list, by name."""
    entries = tomllib.loads(LIST.read_text("utf-8"))["infidelity"]
    return {entry["name"]: Infidelity(**entry) for entry in entries}


LISTED = listed()
TRIED: set[str] = set()


def infidelity(name: str, raises: type[BaseException] | tuple[type[BaseException], ...]):
    """Mark a test as the example of a listed infidelity that fails in the given way."""
    TRIED.add(name)
    return pytest.mark.xfail(raises=raises, strict=True, reason=f"{name}: {LISTED[name].what}")
