"""Caches the values that the contract suite draws, across processes.

Drawing depends only on the schema and takes longer than the tests themselves. The cache key is the
schema with every component it references, so only changed parts of a changed contract are drawn
again.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

ValueCache = dict[str, tuple[tuple[Any, str], ...]]


def install_cache(cache: ValueCache) -> None:
    """Let the contract suite use cached values and add new ones to the cache."""
    from tests.contract.coverage.covering_source import CoveringSource
    from tests.contract.generation.value_source import DrawnValue, ValueSource

    ValueSource._draw = _cached(cache, "draw", ValueSource._draw, DrawnValue)
    CoveringSource.valid = _cached(cache, "complete", CoveringSource.valid, DrawnValue)


def _cached(
    cache: ValueCache, kind: str, draw: Callable[..., Any], make: Callable[[Any, str], Any]
) -> Callable[..., Any]:
    @functools.wraps(draw)
    def cached(source: Any, schema: Any, *rest: Any) -> Any:
        key = json.dumps([kind, with_components(source._components, schema), *rest], sort_keys=True)
        if key not in cache:
            drawn = draw(source, schema, *rest)
            cache[key] = tuple((one.value, one.origin) for one in drawn)
        return tuple(make(value, origin) for value, origin in cache[key])

    return cached


def with_components(components: Any, schema: Any) -> dict[str, Any]:
    """A schema and every component that it references, directly or indirectly."""
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
