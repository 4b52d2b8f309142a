"""The advice that follows an unknown name: the similar name, or the names to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def suggest_name(name: str, known: Iterable[str], *, listed: Iterable[str] | None = None) -> str:
    """Suggest what an unknown name may have been meant to be.

    Args:
        name: The unknown name.
        known: The names that exist.
        listed: The names to list where none is similar; `known` if None.

    Returns:
        ``did you mean 'ratio'?``, or ``use one of: model, ratio, seed``.
    """
    names = list(known)
    similar = find_similar_name(name, names)
    if similar is not None:
        return f"did you mean {similar!r}?"
    return f"use one of: {', '.join(names if listed is None else listed)}"


def find_similar_name(name: str, known: Sequence[str]) -> str | None:
    """The known name that is most similar, or None if none is similar enough."""
    # Late: most programs never misspell a name.
    from difflib import get_close_matches  # noqa: PLC0415

    return next(iter(get_close_matches(name, known, n=1)), None)
