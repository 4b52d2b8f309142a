"""Imports of the libraries that an extra brings: without it, the error says what to install."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias

from cometapi_runway.errors import MissingExtraError

Extra: TypeAlias = Literal["batch", "cli", "mcp", "otel", "postgres", "simulator", "testing"]

_OF_COMMANDS: Final = frozenset({"cyclopts", "platformdirs", "rich"})
_OF_SIMULATOR: Final = frozenset({"anyio", "h11", "starlette", "uvicorn"})
LIBRARIES: Final[Mapping[Extra, frozenset[str]]] = {
    "batch": frozenset({"dbos", "fsspec", "jinja2", "psycopg", "sqlalchemy"}),
    "cli": _OF_COMMANDS,
    "mcp": _OF_COMMANDS | {"mcp", "mcp_types", "PIL"},
    "otel": frozenset({"opentelemetry"}),
    "postgres": frozenset({"psycopg"}),
    "simulator": _OF_SIMULATOR,
    "testing": _OF_SIMULATOR | {"pytest", "respx"},
}
"""The packages that are imported of each extra."""


@contextmanager
def requires_extra(extra: Extra, *, setting: str | None = None) -> Generator[None]:
    """Import libraries of an extra inside; a missing one is an error that names the extra.

    Args:
        extra: The extra.
        setting: The setting that asks for it, if any.

    Raises:
        MissingExtraError: One of its libraries is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in LIBRARIES[extra]:
            raise
        raise MissingExtraError(extra, library, setting=setting) from error
