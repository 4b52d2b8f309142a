"""Random defects: which files they are seeded into, and which of them make no difference."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import frozen

from .package_copy import ROOT
from .mutation_operators import Mutant, compiles, mutants

EQUIVALENTS = Path(__file__).with_name("equivalents.toml")
GENERATED = ("generated/cometapi_runway_api/**/*.py",)
# The client's core: what decides, sends, suites and understands.
WRAPPER = (
    *(f"wrapper/cometapi_runway/{name}/*.py" for name in ("flows", "signatures", "validation")),
    *(f"wrapper/cometapi_runway/{name}.py" for name in (
        "answers", "bound", "callbacks", "connections", "deadlines", "drivers", "failures",
        "files", "history", "inputs", "journal",
        "many", "network", "operations", "polling", "redaction", "resources", "task", "tasks",
        "transport", "waiting")),
)  # fmt: skip


def sample(seed: int, count: int) -> list[Mutant]:
    """So many random defects, half of them in generated code, half in the wrapper.

    Each has a place in a row that depends on the seed and on itself alone, and those in front are
    taken. So a change of the code changes the sample where the code has changed, not everywhere.
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
    """Every defect that can be seeded into a group of files; a few of them do not compile."""
    files = sorted({file for pattern in patterns for file in ROOT.glob(pattern)})
    return [mutant for file in files for mutant in mutants(ROOT, file, group)]


@frozen
class Equivalent:
    """Defects that are none.

    Attributes:
        file: their file; may be a pattern, as what is generated is much alike.
        scope: the function or class; may be a pattern too.
        before: the text that is replaced.
        after: what stands there instead.
        reason: why nobody can tell the difference.
        nth: which of several such texts in the scope, from 0; None for all of them.
    """

    file: str
    scope: str
    before: str
    after: str
    reason: str
    nth: int | None = None

    def covers(self, mutant: Mutant) -> bool:
        """Whether a defect is one of them."""
        return (
            (self.before, self.after) == (mutant.before, mutant.after)
            and self.nth in {None, mutant.nth}
            and fnmatchcase(mutant.file, self.file)
            and fnmatchcase(mutant.scope, self.scope)
        )


def equivalents() -> list[Equivalent]:
    """The list, as a person has written it."""
    entries = tomllib.loads(EQUIVALENTS.read_text("utf-8")).get("equivalent", [])
    return [one for entry in entries for one in _expand(**entry)]


def _expand(each: Sequence[Sequence[str]] = (), **entry: Any) -> list[Equivalent]:
    """One entry, or as many as there are values to fill into its texts."""
    texts = entry["before"], entry["after"]
    pairs = [[text.format(*values) for text in texts] for values in each] or [texts]
    return [Equivalent(**{**entry, "before": before, "after": after}) for before, after in pairs]
