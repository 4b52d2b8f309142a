"""Reset objects in a forked child, before it runs anything else.

A child inherits its parent's connections and locks. Two processes on one connection read each
other's responses, and a lock that another thread of the parent held at the fork is never released.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class ForkAware(Protocol):
    """Has state that a forked child must not share."""

    def reset_after_fork(self) -> None:
        """Replace connections and locks; called in the child, which has one thread."""
        ...


_objects: weakref.WeakSet[ForkAware] = weakref.WeakSet()


def register_fork_aware(instance: ForkAware) -> None:
    """Have `reset_after_fork` called in every later child, as long as the object lives."""
    _objects.add(instance)


def _reset_all() -> None:
    for instance in list(_objects):
        instance.reset_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_all)
