"""Every place where two documents differ as data, whatever the difference means.

The comparison of operations and schemas ignores what it has no rule for. This one has no rules,
so two documents are called equal only where it finds nothing.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Literal, TypeAlias

from attrs import frozen

from contract_tools._common.json_values import (
    Json,
    JsonObject,
    at_path,
    canonical,
    remove_at,
    set_at,
)
from contract_tools.diff.renames import find_renames

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract_tools._common.json_values import Path

Kind: TypeAlias = Literal["added", "removed", "changed", "reordered", "renamed"]


@frozen
class Difference:
    """One place where two documents differ.

    Attributes:
        path: where.
        kind: `reordered` is an array with the same entries in another order; `renamed` a property
            with another name.
        before: the old value, None where it is added.
        after: the new value, None where it is removed; the new name where it is renamed.
    """

    path: Path
    kind: Kind
    before: Json
    after: Json

    def apply(self, document: JsonObject) -> JsonObject:
        """Return a copy of the old document with this one difference."""
        changed = copy.deepcopy(document)
        if self.kind == "renamed":
            set_at(changed, (*self.path[:-1], str(self.after)), at_path(changed, self.path))
        if self.kind in {"removed", "renamed"}:
            remove_at(changed, self.path)
        else:
            set_at(changed, self.path, self.after)
        return changed


def differences(old: Json, new: Json, path: Path = ()) -> Iterator[Difference]:
    """Yield where two documents differ as data, in the order of the old one.

    The order of an object's members is no difference; 1, 1.0 and true are three values.
    """
    # `==` alone finds most differences, and sooner.
    if old == new and canonical(old) == canonical(new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _of_objects(old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_arrays(old, new, path)
    else:
        yield Difference(path, "changed", old, new)


def _of_objects(old: JsonObject, new: JsonObject, path: Path) -> Iterator[Difference]:
    renamed = find_renames(old, new) if path[-1:] == ("properties",) else {}
    for key, value in old.items():
        if key in new:
            yield from differences(value, new[key], (*path, key))
        elif key in renamed:
            # What changed inside it comes first, as its path has the old name.
            yield from differences(value, new[renamed[key]], (*path, key))
            yield Difference((*path, key), "renamed", value, renamed[key])
        else:
            yield Difference((*path, key), "removed", value, None)
    for key in (key for key in new if key not in old and key not in renamed.values()):
        yield Difference((*path, key), "added", None, new[key])


def _of_arrays(old: list[Json], new: list[Json], path: Path) -> Iterator[Difference]:
    """Compare arrays of as many objects entry by entry, and any others as a whole."""
    if sorted(map(canonical, old)) == sorted(map(canonical, new)):
        yield Difference(path, "reordered", old, new)
    elif len(old) == len(new) and all(isinstance(value, dict) for value in (*old, *new)):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from differences(before, after, (*path, index))
    else:
        yield Difference(path, "changed", old, new)
