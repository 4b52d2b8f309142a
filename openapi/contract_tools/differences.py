"""Two documents as data: every place where they differ, whatever it may mean.

Rules tell a change in the words of a reader, but only a change that somebody thought of. This
needs no rule, so it is what has to be empty before two documents are said to be the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, TypeAlias

from attrs import frozen

from contract_tools.values import Json, JsonObject, members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract_tools.values import Path

Kind: TypeAlias = Literal["added", "removed", "changed", "reordered"]


@frozen
class Difference:
    """One place where two documents differ.

    Attributes:
        path: where.
        kind: `reordered` is an array with the same entries in another order.
        before: what was there, None where it is added.
        after: what is there now, None where it is removed.
    """

    path: Path
    kind: Kind
    before: Json
    after: Json

    def alone(self, document: JsonObject) -> JsonObject:
        """Return the old document with this one difference; the old one is left as it is."""
        return members(self._in(document, self.path))

    def _in(self, value: Json, path: Path) -> Json:
        if not path:
            return self.after
        step, rest = path[0], path[1:]
        if isinstance(value, list):
            return [self._in(v, rest) if i == step else v for i, v in enumerate(value)]
        held, key = members(value), str(step)
        if not rest and self.kind == "removed":
            return {name: child for name, child in held.items() if name != key}
        return {**held, key: self._in(held.get(key), rest)}


def differences(old: Json, new: Json, path: Path = ()) -> Iterator[Difference]:
    """List where two documents differ as data, in the order of the old one.

    The order of an object's members is no difference; 1, 1.0 and true are three values.
    """
    if canonical(old) == canonical(new):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _of_objects(old, new, path)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_arrays(old, new, path)
    else:
        yield Difference(path, "changed", old, new)


def canonical(value: Json) -> str:
    """Write a value so that equal data is equal text; `==` would take 1, 1.0 and true for one."""
    return json.dumps(value, sort_keys=True)


def _of_objects(old: JsonObject, new: JsonObject, path: Path) -> Iterator[Difference]:
    for key, value in old.items():
        if key in new:
            yield from differences(value, new[key], (*path, key))
        else:
            yield Difference((*path, key), "removed", value, None)
    for key in (key for key in new if key not in old):
        yield Difference((*path, key), "added", None, new[key])


def _of_arrays(old: list[Json], new: list[Json], path: Path) -> Iterator[Difference]:
    """Objects that kept their places one by one, anything else as a whole."""
    if sorted(map(canonical, old)) == sorted(map(canonical, new)):
        yield Difference(path, "reordered", old, new)
    elif len(old) == len(new) and all(isinstance(value, dict) for value in (*old, *new)):
        for index, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from differences(before, after, (*path, index))
    else:
        yield Difference(path, "changed", old, new)
