"""What the contract suite draws, kept over processes.

Drawing depends on the schema and on nothing else, and takes longer than all that is done with the
values. A schema is known by what it says together with every component it refers to, so a contract
that moved draws anew what moved with it, and only that.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

Memory = dict[str, tuple[tuple[Any, str], ...]]


def remember(memory: Memory) -> None:
    """Let the contract suite take what it draws from a memory, and put into it what is new."""
    from tests.contract import facets, st

    st.Source._draw = _remembering(memory, "draw", st.Source._draw, st.Drawn)
    facets.Thorough.right = _remembering(memory, "complete", facets.Thorough.right, st.Drawn)


def _remembering(
    memory: Memory, kind: str, draw: Callable[..., Any], make: Callable[[Any, str], Any]
) -> Callable[..., Any]:
    @functools.wraps(draw)
    def remembered(source: Any, schema: Any, *rest: Any) -> Any:
        key = json.dumps([kind, closure(source._components, schema), *rest], sort_keys=True)
        if key not in memory:
            drawn = draw(source, schema, *rest)
            memory[key] = tuple((one.value, one.origin) for one in drawn)
        return tuple(make(value, origin) for value, origin in memory[key])

    return remembered


def closure(components: Any, schema: Any) -> dict[str, Any]:
    """A schema and every component that can be reached from it."""
    found: dict[str, Any] = {"": schema}
    waiting = [schema]
    while waiting:
        for name in _references(waiting.pop()):
            if name not in found:
                found[name] = components["schemas"][name]
                waiting.append(found[name])
    return found


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"].rpartition("/")[2]] if isinstance(value.get("$ref"), str) else []
        return own + [name for child in value.values() for name in _references(child)]
    if isinstance(value, list):
        return [name for child in value for name in _references(child)]
    return []
