"""The "did you mean" of every message about an unknown name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most similar to a misspelled one, or None if none is similar."""
    matches = difflib.get_close_matches(name, list(known), n=1)
    return matches[0] if matches else None
