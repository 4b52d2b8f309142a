"""Random mutants: the sample of each area, and the equivalent ones."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import frozen

from .areas import Area
from .mutation_operators import Mutant, compiles, mutants
from .package_copy import ROOT

EQUIVALENTS = Path(__file__).with_name("equivalents.toml")
# One random mutant in five changes an `except` clause, where the area has any; of all mutants it is
# only one in fifteen.
_HANDLING_SHARE = 5


def sample(seed: int, area: Area, count: int) -> list[Mutant]:
    """Draw random mutants of an area.

    Each mutant has a hash of the seed and its own text, and those with the lowest hashes are drawn.
    A change of the code therefore changes the sample only where the code has changed.
    """
    row = sorted(all_mutants(area), key=lambda one: _place(seed, one))
    handling = (one for one in row if one.is_handling and compiles(one))
    found = list(itertools.islice(handling, count // _HANDLING_SHARE))
    others = (one for one in row if not one.is_handling and compiles(one))
    return [*found, *itertools.islice(others, count - len(found))]


def _place(seed: int, mutant: Mutant) -> str:
    return sha256(repr((seed, *mutant.key)).encode()).hexdigest()


def all_mutants(area: Area) -> list[Mutant]:
    """Every mutant of an area; a few of them do not compile."""
    return [mutant for file in area.files for mutant in mutants(ROOT, file, area.name)]


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


def _expand(
    scope: str | Sequence[str], each: Sequence[Sequence[str]] = (), **entry: Any
) -> list[Equivalent]:
    """One entry, or one for each scope and each list of values in ``each``."""
    scopes = [scope] if isinstance(scope, str) else scope
    texts = entry["before"], entry["after"]
    pairs = [[text.format(*values) for text in texts] for values in each] or [texts]
    return [
        Equivalent(**{**entry, "scope": one, "before": before, "after": after})
        for one in scopes
        for before, after in pairs
    ]
