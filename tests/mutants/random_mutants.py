"""Random mutants: the files they come from, and the equivalent ones."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import frozen

from .mutation_operators import Mutant, compiles, mutants
from .package_copy import ROOT

EQUIVALENTS = Path(__file__).with_name("equivalents.toml")
GENERATED = ("generated/cometapi_runway_api/**/*.py",)
# The client without its extras (command line, simulator, testing kit).
_ROOMS = ("_core", "_flows", "_io", "journal", "resources", "validation")
_FILES = ("_client", "_settings", "callbacks", "errors")
WRAPPER = (
    *(f"wrapper/cometapi_runway/{room}/**/*.py" for room in _ROOMS),
    *(f"wrapper/cometapi_runway/{name}.py" for name in _FILES),
)


def sample(seed: int, count: int) -> list[Mutant]:
    """Draw random mutants, half of them of generated code, half of the wrapper.

    Each mutant has a hash of the seed and its own text, and those with the lowest hashes are drawn.
    A change of the code therefore changes the sample only where the code has changed.
    """
    found: list[Mutant] = []
    for group, patterns in (("generated", GENERATED), ("wrapper", WRAPPER)):
        half = count // 2 if group == "generated" else count - count // 2
        row = sorted(all_mutants(group, patterns), key=lambda one: _place(seed, one))
        found += itertools.islice(filter(compiles, row), half)
    return found


def _place(seed: int, mutant: Mutant) -> str:
    return sha256(repr((seed, *mutant.key)).encode()).hexdigest()


def all_mutants(group: str, patterns: tuple[str, ...]) -> list[Mutant]:
    """Every mutant of a group of files; a few of them do not compile."""
    files = sorted({file for pattern in patterns for file in ROOT.glob(pattern)})
    return [mutant for file in files for mutant in mutants(ROOT, file, group)]


@frozen
class Equivalent:
    """Mutants that behave like the original code.

    Attributes:
        file: the file; may be a pattern.
        scope: the function or class; may be a pattern.
        before: the text that is replaced.
        after: the replacement.
        reason: why the behavior is the same.
        nth: the index of the text in the scope, from 0; None for all of them.
    """

    file: str
    scope: str
    before: str
    after: str
    reason: str
    nth: int | None = None

    def covers(self, mutant: Mutant) -> bool:
        """Whether a mutant is one of them."""
        return (
            (self.before, self.after) == (mutant.before, mutant.after)
            and self.nth in {None, mutant.nth}
            and fnmatchcase(mutant.file, self.file)
            and fnmatchcase(mutant.scope, self.scope)
        )


def equivalents() -> list[Equivalent]:
    """Read the list of equivalent mutants."""
    entries = tomllib.loads(EQUIVALENTS.read_text("utf-8")).get("equivalent", [])
    return [one for entry in entries for one in _expand(**entry)]


def _expand(each: Sequence[Sequence[str]] = (), **entry: Any) -> list[Equivalent]:
    """One entry, or one for each list of values in ``each``."""
    texts = entry["before"], entry["after"]
    pairs = [[text.format(*values) for text in texts] for values in each] or [texts]
    return [Equivalent(**{**entry, "before": before, "after": after}) for before, after in pairs]
